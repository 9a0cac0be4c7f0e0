// SPDX-License-Identifier: MIT
//
// Runs the built `convnet` as a person would, and keeps what it said.

import Foundation
import Testing

/// What a run of the tool left behind.
struct Run: CustomStringConvertible {
    let arguments: [String]
    let status: Int32
    let output: String
    let error: String

    var description: String {
        "convnet \(arguments.joined(separator: " ")) -> \(status)\n\(output)\(error)"
    }
    /// The last line of standard output.
    var lastLine: String { output.split(separator: "\n").last.map(String.init) ?? "" }
}

enum Tool {
    /// The executable lies beside the program that runs the tests.
    static let executable: URL = {
        let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        return program.deletingLastPathComponent().appendingPathComponent("convnet")
    }()

    /// Runs `convnet` and waits for its end.
    ///
    /// - Throws: when it can't be started, or was ended by a signal, as a trap is.
    static func run(_ arguments: [String], environment: [String: String] = [:]) throws -> Run {
        try withFolder { folder in
            let process = Process()
            process.executableURL = executable
            process.arguments = arguments
            // A proxy must not stand between a test and its own server.
            process.environment = ProcessInfo.processInfo.environment
                .merging(["no_proxy": "127.0.0.1"]) { $1 }.merging(environment) { $1 }
            let outputs = try ["output", "error"].map { name in
                let file = folder.appendingPathComponent(name)
                try Data().write(to: file)
                return file
            }
            process.standardInput = FileHandle.nullDevice
            process.standardOutput = try FileHandle(forWritingTo: outputs[0])
            process.standardError = try FileHandle(forWritingTo: outputs[1])
            try process.run()
            process.waitUntilExit()
            let texts = try outputs.map {
                String(decoding: try Data(contentsOf: $0), as: UTF8.self)
            }
            let run = Run(
                arguments: arguments, status: process.terminationStatus, output: texts[0],
                error: texts[1])
            try #require(process.terminationReason == .exit, "\(run)")
            return run
        }
    }
}

/// A run of the tool that goes on while a test looks at it. It can't run away: its standard output is
/// a pipe that holds a page, so it waits after some lines that nobody has read.
final class RunningTool {
    let process = Process()
    private let pipe = Pipe()
    private let errorFile: URL
    private var bytes = Data()

    /// Starts `convnet`; what it says on standard error goes to a file in the folder.
    init(_ arguments: [String], in folder: URL) throws {
        errorFile = folder.appendingPathComponent("error-\(UUID().uuidString)")
        try Data().write(to: errorFile)
        process.executableURL = Tool.executable
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = pipe
        process.standardError = try FileHandle(forWritingTo: errorFile)
        let reading = pipe.fileHandleForReading.fileDescriptor
        // F_SETPIPE_SZ, which Swift does not see.
        try #require(fcntl(reading, 1031, 4096) == 4096)
        try #require(fcntl(reading, F_SETFL, O_NONBLOCK) == 0)
        try process.run()
    }

    /// What it has written to standard output, as far as it was read.
    var output: String { String(decoding: bytes, as: UTF8.self) }

    /// What it has written to standard error so far.
    var error: String { (try? String(contentsOf: errorFile, encoding: .utf8)) ?? "" }

    func send(_ signal: Int32) { kill(process.processIdentifier, signal) }

    /// Reads what is in the pipe, a page at most: a tool that writes as fast would be read for ever.
    ///
    /// - Returns: whether there was something.
    @discardableResult func drain() -> Bool {
        var page = [UInt8](repeating: 0, count: 4096)
        let count = read(pipe.fileHandleForReading.fileDescriptor, &page, page.count)
        bytes.append(contentsOf: page.prefix(max(count, 0)))
        return count > 0
    }

    /// Reads until it has ended or the condition holds.
    func wait(until condition: () -> Bool = { false }) {
        while process.isRunning {
            drain()
            if condition() { return }
            usleep(200)
        }
        while drain() {}
    }
}

/// Runs `body` with a new folder, and removes it.
func withFolder<Result>(_ body: (URL) throws -> Result) throws -> Result {
    let folder = FileManager.default.temporaryDirectory
        .appendingPathComponent("ConvNetCLITests-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try body(folder)
}
