// SPDX-License-Identifier: MIT
//
// Runs a built program as a person would who watches it.

public import Foundation

/// A run of a program that goes on while a test looks at it. It can't run away: its standard output
/// is a pipe that holds a page, so it waits after some unread lines.
public final class RunningProgram {
    /// The system did not give what the test needs.
    struct Refused: Error {
        let call: String
    }

    /// The run, to ask how it ended.
    public let process: Process
    private let pipe = Pipe()
    private let errorFile: URL
    private var bytes = Data()

    /// Starts a program; what it says on standard error goes to a file in the folder.
    public init(_ executable: URL, _ arguments: [String], in folder: URL) throws {
        errorFile = folder.appendingPathComponent("error-\(UUID().uuidString)")
        try Data().write(to: errorFile)
        let reading = pipe.fileHandleForReading.fileDescriptor
        // F_SETPIPE_SZ, which Swift does not see.
        guard fcntl(reading, 1031, 4096) == 4096, fcntl(reading, F_SETFL, O_NONBLOCK) == 0 else {
            throw Refused(call: "fcntl")
        }
        process = try Subprocess.start(
            executable.path, arguments, output: pipe, error: FileHandle(forWritingTo: errorFile))
    }

    /// What it has written to standard output, as far as it was read.
    public var output: String { String(decoding: bytes, as: UTF8.self) }

    /// What it has written to standard error so far.
    public var error: String { (try? String(contentsOf: errorFile, encoding: .utf8)) ?? "" }

    /// Sends a signal.
    public func send(_ signal: Int32) { kill(process.processIdentifier, signal) }

    /// Reads what is in the pipe, a page at most: a tool that writes as fast would be read for
    /// ever.
    ///
    /// - Returns: whether there was something.
    @discardableResult public func drain() -> Bool {
        var page = [UInt8](repeating: 0, count: 4096)
        let count = read(pipe.fileHandleForReading.fileDescriptor, &page, page.count)
        bytes.append(contentsOf: page.prefix(max(count, 0)))
        return count > 0
    }

    /// Closes the reading end, as a reader does that has seen enough.
    public func stopReading() throws { try pipe.fileHandleForReading.close() }

    /// Reads until it has ended or the condition holds.
    public func wait(until condition: () -> Bool = { false }) {
        while process.isRunning {
            drain()
            if condition() { return }
            usleep(200)
        }
        while drain() {}
    }
}
