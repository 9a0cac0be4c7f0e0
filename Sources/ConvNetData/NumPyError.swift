// SPDX-License-Identifier: MIT
//
// What is wrong with a file of NumPy's, in one line for people.

/// A `.npy` or `.npz` file that can't be used: which one, what was found in it, what was expected.
///
/// The description is one line: `a.npy: type c8, expected numbers of a kind that tensors hold`.
public struct NumPyError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file, and after a colon the array in it where it has several.
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
