// SPDX-License-Identifier: MIT
//
// How a command ends whose exit status says more than done or failed.

import ConvNet
import ConvNetOptions
import Foundation

/// A command's end, with an exit status of its own.
struct Outcome: Error, CustomStringConvertible {
    /// One line for people.
    let description: String
    /// The exit status.
    let status: Int32

    /// The end of a command that met a model which can't be run: the reasons stand on standard
    /// error, one per line, and the exit status is 3.
    static func notSupported(_ error: ONNXError) -> Outcome {
        for reason in error.reasons {
            FileHandle.standardError.write(Data("\(CommandLineTool.line("\(reason)"))\n".utf8))
        }
        let count = error.reasons.count
        return Outcome(
            description: "\(error.file): \(count) \(count == 1 ? "operator is" : "operators are") "
                + "not supported", status: 3)
    }

    /// Does something with a model, and ends with status 3 where it can't be run.
    static func modelSupported<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as ONNXError {
            throw notSupported(error)
        }
    }
}
