// SPDX-License-Identifier: MIT
//
// What the system refuses to do with a file. Each module that reads or writes files turns it into
// the public error that its callers know.

/// A file that can't be read or written.
package struct FileError: Error, Equatable, CustomStringConvertible {
    /// The file's path.
    package let path: String
    /// What was found, or what the system said.
    package let problem: String
    /// What would have been right.
    package let expected: String

    /// An error about one file.
    package init(path: String, problem: String, expected: String) {
        self.path = path
        self.problem = problem
        self.expected = expected
    }

    /// One line: the file, what is wrong with it and what was expected.
    package var description: String { "\(path): \(problem), expected \(expected)" }
}
