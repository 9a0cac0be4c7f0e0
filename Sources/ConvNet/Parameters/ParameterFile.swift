// SPDX-License-Identifier: MIT
//
// Writing files of parameters, whatever their format.

import Foundation

enum ParameterFile {
    /// Writes a file so that at any moment there is the old one or the new one, whole.
    ///
    /// - Throws: ``ParameterFileError`` that says what the system refused; the old file stays.
    static func write(_ data: Data, to url: URL) throws {
        do {
            try data.withUnsafeBytes { try AtomicFile.write($0, to: url.path) }
        } catch let error as FileError {
            throw ParameterFileError(file: error.path, problem: error.problem)
        }
    }
}
