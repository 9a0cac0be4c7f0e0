// SPDX-License-Identifier: MIT
//
// What is wrong with a data file, in one line for people.

/// A data file that can't be used: which one, what was found in it, what was expected.
///
/// The description is one line:
/// `t10k-labels-idx1-ubyte: label 10 at place 3, expected labels from 0 to 9`.
public struct IDXError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file, as it was named by the caller.
    public let file: String
    /// What was found, as text.
    public let what: String
    /// What would have been right, as text.
    public let expected: String

    /// An error about one file.
    public init(file: String, what: String, expected: String) {
        self.file = file
        self.what = what
        self.expected = expected
    }

    /// One line that names the file, what was found and what was expected.
    public var description: String { "\(file): \(what), expected \(expected)" }
}
