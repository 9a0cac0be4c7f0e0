// SPDX-License-Identifier: MIT
//
// IDX files: every field of the header at fault, every truncation, and what gzip adds to it.

import Foundation
import Testing

@testable import ConvNetData

@Suite struct IDXTests {
    static let data = (0..<2 * 3 * 4).map { UInt8($0 * 10) }
    static let plain = idxFile(shape: [2, 3, 4], data: data)

    @Test func plainAndGzipAgree() throws {
        let fromPlain = try IDX.decode(Self.plain, file: "plain", expecting: [nil, 3, 4])
        let fromGzip = try IDX.decode(gzip(Self.plain), file: "gzip", expecting: [nil, 3, 4])
        #expect(fromPlain.shape == [2, 3, 4])
        #expect(fromPlain.bytes == Self.data)
        #expect(fromGzip == fromPlain)
    }

    @Test(arguments: [1, 9, 17, 39]) func gzipMembersFollowEachOther(cut: Int) throws {
        let members = try gzip(Array(Self.plain[..<cut])) + gzip(Array(Self.plain[cut...]))
        #expect(try IDX.decode(members, file: "members").bytes == Self.data)
    }

    @Test func oneAxisAndManyAreRead() throws {
        #expect(try IDX.decode(idxFile(shape: [3], data: [1, 2, 3]), file: "f").shape == [3])
        let many = Array(repeating: 1, count: 255)
        #expect(try IDX.decode(idxFile(shape: many, data: [7]), file: "f").shape == many)
    }

    @Test(arguments: 0..<plain.count) func truncatedPlainFileIsRefused(length: Int) {
        #expect(throws: FileError.self) {
            try IDX.decode(Array(Self.plain.prefix(length)), file: "f")
        }
    }

    @Test func everyTruncatedGzipFileIsRefused() throws {
        let compressed = try gzip(Self.plain)
        for length in 0..<compressed.count {
            #expect(throws: FileError.self, "\(length) of \(compressed.count) bytes") {
                try IDX.decode(Array(compressed.prefix(length)), file: "f")
            }
        }
    }

    /// A damaged bit may be in a field that says nothing about the data, such as gzip's time.
    @Test func everyDamagedBitOfGzipIsRefusedOrHarmless() throws {
        let compressed = try gzip(Self.plain)
        var refusedCount = 0
        for bit in 0..<8 * compressed.count {
            var damaged = compressed
            damaged[bit / 8] ^= 1 << UInt8(bit % 8)
            do {
                let contents = try IDX.decode(damaged, file: "f")
                #expect(contents.bytes == Self.data, "bit \(bit)")
            } catch {
                refusedCount += 1
            }
        }
        // Of the header's 10 bytes, time, extra flags and system (6 bytes) are free, and so is the
        // flag that calls the data a text; up to 7 bits fill the last byte of the deflated data.
        #expect(refusedCount >= 8 * (compressed.count - 6) - 1 - 7)
    }

    struct Fault: Sendable, CustomTestStringConvertible {
        let file: [UInt8]
        var expecting: [Int?]?
        let message: String
        var testDescription: String { message }
    }

    static let faults = [
        Fault(
            file: [],
            message: "f: ends within its header, expected 4 bytes and 4 more for each axis"),
        Fault(
            file: Array("<html>".utf8),
            message: "f: begins with 0x3c 0x68, expected an IDX file's two zero bytes, "
                + "or gzip"),
        Fault(
            file: idxFile(magic: [0, 1], shape: [1], data: [0]),
            message: "f: begins with 0x00 0x01, expected an IDX file's two zero bytes, "
                + "or gzip"),
        Fault(
            file: idxFile(type: 0x0D, shape: [1], data: [0, 0, 0, 0]),
            message: "f: type code 0x0d (float32), expected 0x08 (unsigned byte)"),
        Fault(
            file: idxFile(type: 0x07, shape: [1], data: [0]),
            message: "f: type code 0x07 (unknown), expected 0x08 (unsigned byte)"),
        Fault(
            file: idxFile(shape: [], data: [0]), message: "f: number of axes 0, expected 1 or more"),
        Fault(
            file: idxFile(shape: [1, 1], data: [0]), expecting: [nil, 1, 1],
            message: "f: number of axes 2, expected 3"),
        Fault(
            file: idxFile(shape: [1, 1, 1, 1], data: [0]), expecting: [nil, 1, 1],
            message: "f: number of axes 4, expected 3"),
        Fault(
            file: idxFile(shape: [1, 27, 28], data: []), expecting: [nil, 28, 28],
            message: "f: shape [1, 27, 28], expected [N, 28, 28]"),
        Fault(
            file: idxFile(axes: 2, shape: [1], data: [0]),
            message: "f: ends within its header, expected 4 bytes and 4 more for each axis"),
        Fault(
            file: idxFile(shape: [0, 28, 28], data: []),
            message: "f: shape [0, 28, 28], expected extents of at least 1 and at most "
                + "1073741824 bytes"),
        // 2¹²⁸ bytes: the product must not wrap to something small.
        Fault(
            file: idxFile(shape: [1 << 31, 1 << 31, 1 << 31, 1 << 31, 16], data: [0]),
            message: "f: shape [2147483648, 2147483648, 2147483648, 2147483648, 16], expected "
                + "extents of at least 1 and at most 1073741824 bytes"),
        Fault(
            file: idxFile(shape: [0xFFFF_FFFF], data: [0]),
            message: "f: shape [4294967295], expected extents of at least 1 and at most "
                + "1073741824 bytes"),
        Fault(
            file: idxFile(shape: [1 << 30], data: [1, 2]),
            message: "f: 2 bytes of data, expected 1073741824 for shape [1073741824]"),
        Fault(
            file: idxFile(shape: [2, 2], data: [1, 2, 3]),
            message: "f: 3 bytes of data, expected 4 for shape [2, 2]"),
        Fault(
            file: idxFile(shape: [2, 2], data: [1, 2, 3, 4, 5]),
            message: "f: more bytes after the data, expected exactly 4 for shape [2, 2]"),
    ]

    @Test(arguments: faults) func faultIsNamed(fault: Fault) throws {
        #expect(
            description(of: { try IDX.decode(fault.file, file: "f", expecting: fault.expecting) })
                == fault.message)
        // Inside gzip, the same.
        let compressed = try gzip(fault.file)
        #expect(
            description(of: { try IDX.decode(compressed, file: "f", expecting: fault.expecting) })
                == fault.message)
    }
}

@Suite struct GzipTests {
    @Test func damagedChecksumIsNamed() throws {
        var file = try gzip(idxFile(shape: [2], data: [1, 2]))
        file[file.count - 8] ^= 1
        #expect(
            description(of: { try IDX.decode(file, file: "f") })
                == "f: gzip data is damaged (incorrect data check), expected an intact gzip file")
    }

    @Test func earlyEndAndTrailingBytesAreNamed() throws {
        let file = try gzip(idxFile(shape: [2], data: [1, 2]))
        #expect(
            description(of: { try IDX.decode(Array(file.dropLast()), file: "f") })
                == "f: gzip data ends early, expected an intact gzip file")
        #expect(
            description(of: { try IDX.decode(file + [0, 0, 0], file: "f") })
                == "f: 3 bytes after the gzip data, expected an intact gzip file")
    }

    /// The end of the bomb is damaged: unfolding all of it finds that instead.
    @Test func bombIsNotUnfolded() throws {
        var bomb = try gzip(idxFile(shape: [2], data: Array(repeating: 0, count: 16 << 20)))
        bomb[bomb.count - 8] ^= 1
        #expect(
            description(of: { try IDX.decode(bomb, file: "f") })
                == "f: more bytes after the data, expected exactly 2 for shape [2]")
    }

    /// A header that claims a gigabyte gets memory for what its few bytes can unfold to.
    @Test func memoryIsBoundedByTheFile() throws {
        let file = try gzip(Array(repeating: 0, count: 1000))
        let bytes = try InflateReader(file, file: "f").read(IDX.largestByteCount)
        #expect(bytes.count == 1000)
        // Twice: an array may round its memory up.
        #expect(bytes.capacity <= 2 * 1032 * file.count)
    }

    @Test func bestCompressionFitsTheBound() throws {
        let data = [UInt8](repeating: 0, count: 1 << 24)
        let contents = try IDX.decode(gzip(idxFile(shape: [data.count], data: data)), file: "f")
        #expect(contents.bytes == data)
    }
}

@Suite struct FileTests {
    @Test func missingFileIsNamed() throws {
        try withFolder { folder in
            let file = folder.appendingPathComponent("absent")
            #expect(
                description(of: { try IDX.read(contentsOf: file) })
                    == "\(file.path): can't be read: No such file or directory, expected a readable file"
            )
        }
    }

    @Test func folderAndPipeAreNoFiles() throws {
        try withFolder { folder in
            let pipe = folder.appendingPathComponent("pipe")
            #expect(mkfifo(pipe.path, 0o600) == 0)
            for url in [folder, pipe] {
                #expect(
                    description(of: { try IDX.read(contentsOf: url) })
                        == "\(url.path): can't be read: not a file, expected a regular file")
            }
        }
    }

    @Test func hugeFileIsNotRead() throws {
        try withFolder(of: ["huge": []]) { folder in
            let file = folder.appendingPathComponent("huge")
            // Sparse: takes no place on the disk.
            #expect(truncate(file.path, IDX.largestByteCount + 1) == 0)
            #expect(
                description(of: { try IDX.read(contentsOf: file) })
                    == "\(file.path): can't be read: 1073741825 bytes, expected at most 1073741824")
        }
    }

    @Test func nameDoesNotDecideAboutGzip() throws {
        let plain = idxFile(shape: [2], data: [1, 2])
        try withFolder(of: ["plain.gz": plain, "gzip": gzip(plain)]) { folder in
            for name in ["plain.gz", "gzip"] {
                let file = folder.appendingPathComponent(name)
                let bytes = try IDX.read(contentsOf: file).bytes
                #expect(bytes == [1, 2])
            }
        }
    }
}
