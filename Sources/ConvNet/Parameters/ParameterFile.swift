// SPDX-License-Identifier: MIT
//
// Writing files of parameters, whatever their format.

import Foundation

enum ParameterFile {
    /// Writes a file so that at any moment there is the old one or the new one, whole.
    ///
    /// - Parameters:
    ///   - data: all that the file is to hold.
    ///   - url: where it is to be.
    ///   - count: how many files to keep: this one, the one before as `url.1`, and so on.
    ///   - skipping: how many of the newest older ones are not worth keeping.
    /// - Throws: ``FileError`` that says what the system refused; the old file stays.
    static func write(
        _ data: Data, to url: URL, keeping count: Int = 1, skipping: Int = 0
    ) throws {
        try data.withUnsafeBytes {
            try AtomicFile.write($0, to: url.path, keeping: count, skipping: skipping)
        }
    }
}
