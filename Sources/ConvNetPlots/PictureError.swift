// SPDX-License-Identifier: MIT
//
// What can be wrong with a picture's file. A wrong argument is a `TensorError`, as everywhere.

import ConvNetTensor

/// A picture that can't be read or written: which file, what was found, what was expected.
///
/// The description is one line: `cat.png: 70000 x 70000 pixels, expected at most 67108864 of them`.
public struct PictureError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file, as its path was given.
    public let file: String
    /// What was found, as text.
    public let problem: String
    /// What would have been right, as text.
    public let expected: String

    /// An error about one file.
    public init(file: String, problem: String, expected: String) {
        self.file = file
        self.problem = problem
        self.expected = expected
    }

    /// One line that names the file, what was found and what was expected.
    public var description: String { "\(file): \(problem), expected \(expected)" }
}

extension PictureError {
    init(_ error: FileError) {
        self.init(file: error.path, problem: error.problem, expected: error.expected)
    }
}
