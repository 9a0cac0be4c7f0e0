// SPDX-License-Identifier: MIT
//
// Runs the built `convnet` as a person would, and keeps what it said.

import ConvNetTestSupport
import Foundation
import Testing

enum Tool {
    static let executable = BuiltProducts.executable("convnet")

    /// Runs `convnet` and waits for its end.
    ///
    /// - Throws: when it can't be started, or was ended by a signal, as a trap is.
    static func run(_ arguments: [String], environment: [String: String] = [:]) throws -> Subprocess
    {
        // A proxy must not stand between a test and its own server.
        let run = try Subprocess.run(
            executable.path, arguments,
            environment: ["no_proxy": "127.0.0.1"].merging(environment) { $1 })
        try #require(run.hasExited, "\(run)")
        return run
    }
}

extension RunningProgram {
    /// Starts `convnet`.
    convenience init(_ arguments: [String], in folder: URL) throws {
        try self.init(Tool.executable, arguments, in: folder)
    }
}
