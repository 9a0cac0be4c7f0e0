// SPDX-License-Identifier: MIT
//
// Arrays from NumPy: `.npy` files of one, `.npz` files of several. Files are not trusted: sizes are
// checked before memory is taken for them, and pickled objects are refused, not run.

import ConvNetTensor
import Foundation

/// Reads NumPy's files.
///
/// Numbers keep their values: float16, truth values and integers of up to 16 bits become `float32`,
/// integers of 32 and 64 bits `float64`; float32 and float64 stay what they are. Byte order and the
/// order of axes in memory (C's or Fortran's) don't matter.
public enum NumPy {
    /// The largest file, and the largest content of an `.npz` file, that is read: 1 GiB. As tensors
    /// the numbers may take four times of it, where they are bytes in the file.
    public static let largestByteCount = 1 << 30

    /// The array of an `.npy` file (format version 1, 2 or 3).
    ///
    /// - Throws: ``FileError`` when the file can't be read, is larger than ``largestByteCount``, is
    ///   no `.npy` file, holds something else than numbers, or none, is truncated, or goes on after
    ///   its data.
    public static func array(contentsOf file: URL) throws(FileError) -> Tensor {
        try array(bytes: contents(of: file), file: file.path)
    }

    /// The array of an `.npy` file that is in memory already.
    ///
    /// - Parameters:
    ///   - bytes: the whole file.
    ///   - file: its name, for errors.
    /// - Throws: ``FileError`` as ``array(contentsOf:)`` does.
    public static func array(bytes: [UInt8], file: String) throws(FileError) -> Tensor {
        try requireSize(bytes, file)
        return try NumPyArray.decode(bytes, file: file)
    }

    /// The array of an `.npy` file, nil where an axis is empty; its shape; and what NumPy calls its
    /// type without the byte order, such as `f4` or `i8`.
    ///
    /// - Throws: ``FileError`` as ``array(contentsOf:)`` does, but for one that holds no numbers.
    package static func typedArray(
        contentsOf file: URL
    ) throws(FileError) -> (type: String, shape: [Int], value: Tensor?) {
        let bytes = try contents(of: file)
        try requireSize(bytes, file.path)
        let header = try NumPyHeader(bytes, file: file.path)
        let value =
            header.shape.contains(0) ? nil : try NumPyArray.decode(bytes, file: file.path)
        return (header.type, header.shape, value)
    }

    /// The arrays of an `.npz` file by name, in order of their names.
    ///
    /// - Throws: ``FileError`` when the file can't be read, is larger than ``largestByteCount`` or
    ///   unfolds to more, is damaged, has a name twice, or one of its arrays can't be read.
    public static func arrays(
        contentsOf file: URL
    ) throws(FileError) -> [(name: String, value: Tensor)] {
        try arrays(bytes: contents(of: file), file: file.path)
    }

    /// The arrays of an `.npz` file that is in memory already.
    ///
    /// - Parameters:
    ///   - bytes: the whole file.
    ///   - file: its name, for errors.
    /// - Throws: ``FileError`` as ``arrays(contentsOf:)`` does.
    public static func arrays(
        bytes: [UInt8], file: String
    ) throws(FileError) -> [(name: String, value: Tensor)] {
        try requireSize(bytes, file)
        let archive = try ZipArchive(bytes, file: file, limit: largestByteCount)
        var arrays: [(name: String, value: Tensor)] = []
        var names: Set<String> = []
        for entry in archive.entries.sorted(by: { $0.name < $1.name }) {
            // By bytes: a dot may be part of a longer character.
            let utf8 = entry.name.utf8
            guard utf8.count > 4, utf8.suffix(4).elementsEqual(".npy".utf8) else {
                throw FileError(
                    file: file, problem: "contains \(entry.name)", expected: "only .npy files")
            }
            let name = String(decoding: utf8.dropLast(4), as: UTF8.self)
            guard names.insert(name).inserted else {
                throw FileError(
                    file: file, problem: "\(name) twice", expected: "an intact .npz file")
            }
            let value = try NumPyArray.decode(
                archive.contents(of: entry), file: "\(file):\(entry.name)")
            arrays.append((name, value))
        }
        return arrays
    }

    private static func requireSize(_ bytes: [UInt8], _ file: String) throws(FileError) {
        guard bytes.count <= largestByteCount else {
            throw FileError(
                file: file, problem: "\(bytes.count) bytes", expected: "at most \(largestByteCount)"
            )
        }
    }

    private static func contents(of file: URL) throws(FileError) -> [UInt8] {
        try FileBytes.contents(of: file.path, limit: largestByteCount)
    }
}
