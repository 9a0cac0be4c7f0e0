// SPDX-License-Identifier: MIT
//
// The IDX format, in which MNIST comes: two zero bytes, a type code, the number of axes, one extent
// per axis (32 bits, big-endian), then the numbers in row-major order. A file may be compressed
// with gzip; its first two bytes show that. A header is not trusted: every field is checked before
// memory is taken for it, and the data has to be exactly as long as the header says.

import ConvNetTensor
import Foundation

/// Reads IDX files, plain or gzip.
public enum IDX {
    /// What an IDX file of unsigned bytes holds.
    public struct Contents: Sendable, Equatable {
        /// The extent of each axis, outermost first, each at least 1.
        public let shape: [Int]
        /// The numbers in row-major order, as many as the shape has places.
        public let bytes: [UInt8]
    }

    /// The largest file and the largest content that is read: 1 GiB.
    public static let largestByteCount = 1 << 30

    /// The contents of an IDX file of unsigned bytes.
    ///
    /// - Parameters:
    ///   - file: a regular file, plain or gzip whatever its name.
    ///   - expecting: the shape it must have, with `nil` for an axis of any extent; without it, any
    ///     shape of one axis or more will do. `[nil, 28, 28]` is MNIST's images.
    /// - Throws: ``FileError`` when the file can't be read, is larger than ``largestByteCount``, is
    ///   not an IDX file of unsigned bytes, has another shape, is truncated, goes on after its
    ///   data, or is damaged gzip.
    public static func read(
        contentsOf file: URL, expecting: [Int?]? = nil
    ) throws(FileError) -> Contents {
        try decode(
            FileBytes.contents(of: file.path, limit: largestByteCount), file: file.path,
            expecting: expecting)
    }

    /// The contents of an IDX file of unsigned bytes that is in memory already.
    ///
    /// - Parameters:
    ///   - bytes: the whole file, plain or gzip.
    ///   - file: its name, for errors.
    ///   - expecting: the shape it must have, with `nil` for an axis of any extent.
    /// - Throws: ``FileError`` as ``read(contentsOf:expecting:)`` does.
    public static func decode(
        _ bytes: [UInt8], file: String, expecting: [Int?]? = nil
    ) throws(FileError) -> Contents {
        guard bytes.count <= largestByteCount else {
            throw FileError(
                file: file, problem: "\(bytes.count) bytes", expected: "at most \(largestByteCount)"
            )
        }
        if InflateReader.isGzip(bytes) {
            var reader = try InflateReader(bytes, file: file)
            return try decode(from: &reader, file: file, expecting: expecting)
        }
        var reader = PlainReader(bytes)
        return try decode(from: &reader, file: file, expecting: expecting)
    }

    private static func decode(
        from reader: inout some ByteReader, file: String, expecting: [Int?]?
    ) throws(FileError) -> Contents {
        let axes = try readAxisCount(from: &reader, file: file, expecting: expecting)
        let shape = try readShape(axes: axes, from: &reader, file: file, expecting: expecting)
        let count = try byteCount(of: shape, file: file)

        let bytes = try reader.read(count)
        guard bytes.count == count else {
            throw FileError(
                file: file, problem: "\(bytes.count) bytes of data",
                expected: "\(count) for shape \(shape)")
        }
        // For gzip, this step also reads and checks the checksum that follows the data.
        guard try reader.read(1).isEmpty else {
            throw FileError(
                file: file, problem: "more bytes after the data",
                expected: "exactly \(count) for shape \(shape)")
        }
        return Contents(shape: shape, bytes: bytes)
    }

    private static func readAxisCount(
        from reader: inout some ByteReader, file: String, expecting: [Int?]?
    ) throws(FileError) -> Int {
        let magic = try reader.read(4)
        guard magic.prefix(2).allSatisfy({ $0 == 0 }) else {
            throw FileError(
                file: file,
                problem: "begins with \(magic.prefix(2).map(hexadecimal).joined(separator: " "))",
                expected: "an IDX file's two zero bytes, or gzip")
        }
        guard magic.count == 4 else { throw headerIsTruncated(file) }
        guard magic[2] == 0x08 else {
            let name = otherTypeNames[magic[2]] ?? "unknown"
            throw FileError(
                file: file, problem: "type code \(hexadecimal(magic[2])) (\(name))",
                expected: "0x08 (unsigned byte)")
        }
        let axes = Int(magic[3])
        guard axes > 0, axes == expecting?.count ?? axes else {
            throw FileError(
                file: file, problem: "number of axes \(axes)",
                expected: expecting.map { "\($0.count)" } ?? "1 or more")
        }
        return axes
    }

    private static func readShape(
        axes: Int, from reader: inout some ByteReader, file: String, expecting: [Int?]?
    ) throws(FileError) -> [Int] {
        let header = try reader.read(4 * axes)
        guard header.count == 4 * axes else { throw headerIsTruncated(file) }
        let shape = (0..<axes).map { axis in
            header[4 * axis..<4 * axis + 4].reduce(0) { $0 << 8 | Int($1) }
        }
        if let expecting, !zip(shape, expecting).allSatisfy({ $0 == $1 ?? $0 }) {
            let names = expecting.map { $0.map(String.init) ?? "N" }.joined(separator: ", ")
            throw FileError(file: file, problem: "shape \(shape)", expected: "[\(names)]")
        }
        return shape
    }

    private static func byteCount(of shape: [Int], file: String) throws(FileError) -> Int {
        var count = 1
        for extent in shape {
            // Both factors are below 2³², so that the product fits.
            count *= extent
            guard count >= 1, count <= largestByteCount else {
                throw FileError(
                    file: file, problem: "shape \(shape)",
                    expected: "extents of at least 1 and at most \(largestByteCount) bytes")
            }
        }
        return count
    }

    private static func headerIsTruncated(_ file: String) -> FileError {
        FileError(
            file: file, problem: "ends within its header",
            expected: "4 bytes and 4 more for each axis")
    }

    private static func hexadecimal(_ byte: UInt8) -> String {
        let digits = String(byte, radix: 16)
        return "0x" + (digits.count == 1 ? "0" : "") + digits
    }

    private static let otherTypeNames: [UInt8: String] = [
        0x09: "signed byte", 0x0B: "16-bit integer", 0x0C: "32-bit integer", 0x0D: "float32",
        0x0E: "float64",
    ]
}
