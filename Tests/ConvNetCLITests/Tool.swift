// SPDX-License-Identifier: MIT
//
// Runs the built `convnet` as a person would, and keeps what it said.

import ConvNetTestSupport
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
    static let executable = BuiltProducts.executable("convnet")

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

extension RunningProgram {
    /// Starts `convnet`.
    convenience init(_ arguments: [String], in folder: URL) throws {
        try self.init(Tool.executable, arguments, in: folder)
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
