// SPDX-License-Identifier: MIT
//
// Arrays from NumPy: `.npy` files of one, `.npz` files of several. Files come from strangers: sizes
// are checked before memory is taken for them, and pickled objects are refused, not run.

import ConvNetTensor
import Foundation

/// Reads NumPy's files.
///
/// Numbers keep their values: float16, truth values and integers of up to 16 bits become `float32`,
/// integers of 32 and 64 bits `float64`; float32 and float64 stay what they are. Byte order and the
/// order of axes in memory (C's or Fortran's) don't matter.
public enum NumPy {
    /// The largest file, and the largest content of an `.npz` file, that is read: 1 GiB.
    public static let largestByteCount = 1 << 30

    /// The array of an `.npy` file (format version 1, 2 or 3).
    ///
    /// - Throws: ``NumPyError`` when the file can't be read, is larger than ``largestByteCount``, is
    ///   no `.npy` file, holds something else than numbers, or none, is truncated, or goes on after
    ///   its data.
    public static func array(contentsOf file: URL) throws(NumPyError) -> Tensor {
        try NumPyArray.decode(contents(of: file), file: file.path)
    }

    /// The arrays of an `.npz` file by name, in order of their names.
    ///
    /// - Throws: ``NumPyError`` when the file can't be read, is larger than ``largestByteCount`` or
    ///   unfolds to more, is damaged, or one of its arrays can't be read.
    public static func arrays(
        contentsOf file: URL
    ) throws(NumPyError) -> [(name: String, value: Tensor)] {
        let archive = try ZipArchive(
            contents(of: file), file: file.path, limit: largestByteCount)
        var arrays: [(name: String, value: Tensor)] = []
        for entry in archive.entries.sorted(by: { $0.name < $1.name }) {
            let place = "\(file.path):\(entry.name)"
            guard entry.name.hasSuffix(".npy"), entry.name != ".npy" else {
                throw NumPyError(
                    file: file.path, what: "contains \(entry.name)", expected: "only .npy files")
            }
            let value = try NumPyArray.decode(archive.contents(of: entry), file: place)
            arrays.append((String(entry.name.dropLast(4)), value))
        }
        return arrays
    }

    private static func contents(of file: URL) throws(NumPyError) -> [UInt8] {
        do throws(FileError) {
            return try FileBytes.contents(of: file.path, limit: largestByteCount)
        } catch {
            throw NumPyError(file: error.path, what: error.problem, expected: error.expected)
        }
    }
}
