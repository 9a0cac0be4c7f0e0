// SPDX-License-Identifier: MIT
//
// What can be wrong with a file of parameters.

/// A parameter file that can't be read or written, or does not suit the network.
public struct ParameterFileError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file's path.
    public let file: String
    /// What is wrong, with what was found and what was expected.
    public let problem: String

    /// An error about a file.
    public init(file: String, problem: String) {
        self.file = file
        self.problem = problem
    }

    /// One line: the file and what is wrong with it.
    public var description: String { "\(file): \(problem)" }
}
