// SPDX-License-Identifier: MIT
//
// The one place where tests start programs.

public import Foundation

/// A program that was run to its end.
public struct Subprocess: CustomStringConvertible {
    /// The command line.
    public let arguments: [String]
    /// The exit status, or the number of the signal that ended it.
    public let status: Int32
    /// Whether it ended by itself, not by a signal as a trap is.
    public let hasExited: Bool
    /// What it wrote to standard output.
    public let output: String
    /// What it wrote to standard error.
    public let error: String

    /// The command line, how it ended, and what it wrote.
    public var description: String {
        "\(arguments.joined(separator: " ")) -> \(hasExited ? "" : "signal ")\(status)\n"
            + output + error
    }

    /// The last line of standard output.
    public var lastLine: String { output.split(separator: "\n").last.map(String.init) ?? "" }

    /// Runs a program to its end.
    ///
    /// - Parameters:
    ///   - program: the file of the program, or a name that is looked for on the path.
    ///   - environment: variables beside those of the tests.
    ///   - input: what it reads from standard input.
    ///   - folder: where it runs; where the tests do when nil.
    ///   - output: where its standard output goes instead of ``output``.
    /// - Throws: when it can't be started.
    public static func run(
        _ program: String, _ arguments: [String] = [], environment: [String: String] = [:],
        input: String = "", in folder: URL? = nil, output: URL? = nil
    ) throws -> Subprocess {
        // Files, not pipes: nothing waits for a reader.
        try withTemporaryFolder { own in
            let files = ["input", "output", "error"].map { own.appendingPathComponent($0) }
            for (file, text) in zip(files, [input, "", ""]) { try Data(text.utf8).write(to: file) }
            let process = try start(
                program, arguments, environment: environment, in: folder,
                input: FileHandle(forReadingFrom: files[0]),
                output: FileHandle(forWritingTo: output ?? files[1]),
                error: FileHandle(forWritingTo: files[2]))
            process.waitUntilExit()
            let texts = try files.map { String(decoding: try Data(contentsOf: $0), as: UTF8.self) }
            return Subprocess(
                arguments: [program] + arguments, status: process.terminationStatus,
                hasExited: process.terminationReason == .exit, output: texts[1], error: texts[2])
        }
    }

    /// Starts a program that a test watches, or ends, by itself.
    ///
    /// - Parameters:
    ///   - program: the file of the program, or a name that is looked for on the path.
    ///   - environment: variables beside those of the tests.
    ///   - folder: where it runs; where the tests do when nil.
    ///   - input, output, error: a `FileHandle` or a `Pipe` each.
    /// - Throws: when it can't be started.
    public static func start(
        _ program: String, _ arguments: [String], environment: [String: String] = [:],
        in folder: URL? = nil, input: Any = FileHandle.nullDevice,
        output: Any = FileHandle.nullDevice, error: Any = FileHandle.nullDevice
    ) throws -> Process {
        let process = Process()
        let isFile = program.contains("/")
        process.executableURL = URL(fileURLWithPath: isFile ? program : "/usr/bin/env")
        process.arguments = (isFile ? [] : [program]) + arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        if let folder { process.currentDirectoryURL = folder }
        process.standardInput = input
        process.standardOutput = output
        process.standardError = error
        try process.run()
        return process
    }
}
