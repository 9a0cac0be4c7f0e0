// SPDX-License-Identifier: MIT
//
// What can be wrong with a file, whatever its format.

/// A file that can't be read, written or used: which one, what was found in it, and what was
/// expected.
///
/// The description is one line:
/// `t10k-labels-idx1-ubyte: label 10 at place 3, expected labels from 0 to 9`.
public struct FileError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file, as it was named by the caller; of an archive, the part after a colon.
    public let file: String
    /// What was found, or what the system said.
    public let problem: String
    /// What would have been right; nil where the problem says it.
    public let expected: String?

    /// An error about one file.
    public init(file: String, problem: String, expected: String? = nil) {
        self.file = file
        self.problem = problem
        self.expected = expected
    }

    /// One line: the file, what is wrong with it, and what was expected.
    public var description: String {
        "\(file): \(problem)" + (expected.map { ", expected \($0)" } ?? "")
    }
}
