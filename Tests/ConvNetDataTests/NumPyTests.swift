// SPDX-License-Identifier: MIT
//
// Arrays that NumPy wrote (Tests/Fixtures/NumPy/make.py), and every way in which such a file can be
// wrong.

import CZlib
import ConvNetTensor
import Foundation
import Testing

@testable import ConvNetData

private let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Fixtures/NumPy")

private func array(_ name: String) throws -> Tensor {
    try NumPy.array(contentsOf: fixtures.appendingPathComponent("\(name).npy"))
}

/// 0, 1, … in the given shape, with make.py's shift and scale.
private func numbers(_ shape: [Int], type: String = "f4") -> [Double] {
    (0..<shape.reduce(1, *)).map { index in
        switch type.first {
        case "f": Double(index - 2) / 2
        case "i": Double(index - 2)
        case "b": Double(index % 2)
        default: Double(index)
        }
    }
}

struct NumPyTests {
    /// A version 1 file with the given header and data.
    private static func file(
        _ header: String, data: [UInt8] = [], version: [UInt8] = [1, 0], length: Int? = nil
    ) -> [UInt8] {
        let text = Array(header.utf8)
        let count = length ?? text.count
        let width = version[0] == 1 ? 2 : 4
        let lengthBytes = (0..<width).map { UInt8(truncatingIfNeeded: count >> (8 * $0)) }
        return [0x93] + Array("NUMPY".utf8) + version + lengthBytes + text + data
    }

    private static func header(
        _ descr: String = "'<f4'", _ order: String = "False", _ shape: String = "(2,)"
    ) -> String {
        "{'descr': \(descr), 'fortran_order': \(order), 'shape': \(shape), }\n"
    }

    @Test(arguments: [
        "f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1", "f2-big", "f4-big",
        "f8-big", "i2-big", "i4-big", "i8-big", "u2-big", "u4-big", "u8-big",
    ])
    func numbersOfEachTypeAndByteOrderKeepTheirValues(_ name: String) throws {
        let tensor = try array(name)
        #expect(tensor.shape == [2, 3])
        #expect(tensor.doubles == numbers([2, 3], type: name))
        let doubles = ["f8", "i4", "i8", "u4", "u8"].contains(String(name.prefix(2)))
        #expect(tensor.scalarType == (doubles ? .float64 : .float32))
    }

    @Test func fortransOrderBecomesRowMajor() throws {
        let tensor = try array("fortran")
        #expect(tensor.shape == [2, 3, 4])
        #expect(tensor.doubles == numbers([2, 3, 4]))
        let big = try array("fortran-big")
        #expect(big.shape == [3, 2])
        #expect(big.doubles == numbers([3, 2]))
    }

    @Test(arguments: 1...3)
    func eachVersionOfTheFormatIsRead(_ version: Int) throws {
        #expect(try array("version-\(version)").doubles == numbers([2, 3]))
    }

    @Test func aSingleNumberHasNoAxes() throws {
        let scalar = try array("scalar")
        #expect(scalar.shape == [])
        #expect(scalar.scalars == [1.5])
    }

    /// Whatever bits a number has, NaN and −0 too, they stay.
    @Test func bitsOfFloatsAreKept() throws {
        let bits: [UInt32] = [0x7FC0_1234, 0x8000_0000, 0x7F80_0000, 1]
        let data = bits.flatMap { word in (0..<4).map { UInt8(word >> (8 * $0) & 0xFF) } }
        let tensor = try NumPyArray.decode(
            Self.file(Self.header("'<f4'", "False", "(4,)"), data: data), file: "f")
        #expect(tensor.scalars.map(\.bitPattern) == bits)
    }

    @Test func otherSpellingsOfTheHeaderAreRead() throws {
        let data = [UInt8](repeating: 0, count: 24)
        for header in [
            "{\"shape\":(2L,3L),\"descr\":\"<f4\",\"fortran_order\":True}",
            "{ 'descr' : '=f4' ,\n'fortran_order':False,'shape':( 2 , 3 , ) } \n",
        ] {
            #expect(
                try NumPyArray.decode(Self.file(header, data: data), file: "f").shape == [2, 3],
                "\(header)")
        }
    }

    @Test(arguments: [
        ("complex", "type c8"), ("text", "type U1"), ("objects", "type O"),
        ("records", "header with records"), ("empty", "shape [2, 0]"),
        ("beyond-53-bits", "a number beyond 53 bits at place 1"),
    ])
    func whatIsNoArrayOfNumbersIsNamed(_ name: String, _ what: String) throws {
        let path = fixtures.appendingPathComponent("\(name).npy").path
        #expect(description { try array(name) }.hasPrefix("\(path): \(what), expected "))
    }

    @Test(
        arguments: [
            ([], "does not begin as an .npy file, expected \\x93NUMPY and a version"),
            (
                file(header(), version: [4, 0]), "format 4.0, expected 1.0, 2.0 or 3.0"
            ),
            (file(header(), version: [1, 1]), "format 1.1, expected 1.0, 2.0 or 3.0"),
            (
                Array(file("").prefix(9)),
                "ends within its header, expected a length after the version"
            ),
            (
                file("{}", length: 3),
                "header of 3 bytes, expected at most the 2 that follow and 65536"
            ),
            (
                file("{}", version: [2, 0], length: 0xFFFF_FFFF),
                "header of 4294967295 bytes, expected at most the 2 that follow and 65536"
            ),
            (
                file(String(repeating: " ", count: 65_537), version: [2, 0]),
                "header of 65537 bytes, expected at most the 65537 that follow and 65536"
            ),
            (file("{}"), "header with no descr, expected descr, fortran_order and shape"),
            (file(""), "header with no { at byte 0, expected descr, fortran_order and shape"),
            (
                file("{'descr'"),
                "header with no : at byte 8, expected descr, fortran_order and shape"
            ),
            (
                file("{'a': 1}"),
                "header with a, unknown or twice, expected descr, fortran_order and shape"
            ),
            (
                file("{'shape': (), 'shape': ()}"),
                "header with shape, unknown or twice, expected descr, fortran_order and shape"
            ),
            (
                file("{'shape': () 'descr': '<f4'}"),
                "header with no comma after shape, expected descr, fortran_order and shape"
            ),
            (
                file(header() + "x"),
                "header with text after the dictionary, expected descr, fortran_order and shape"
            ),
            (
                file(header("'f4'")),
                "header with type f4 without a byte order, expected descr, fortran_order and shape"
            ),
            (
                file(header("'\\x3Cf4'")),
                "header with an unreadable text at byte 11, expected descr, fortran_order and shape"
            ),
            (
                file(header("'<f4'", "0")),
                "header with neither True nor False at byte 34, expected descr, fortran_order and shape"
            ),
            (
                file(header("'<f4'", "False", "(-1,)")),
                "header with no number that fits in 63 bits at byte 51, expected descr, fortran_order "
                    + "and shape"
            ),
            (
                file(header("'<f4'", "False", "(9223372036854775808,)")),
                "header with no number that fits in 63 bits at byte 51, expected descr, fortran_order "
                    + "and shape"
            ),
            (
                file(header("'<f4'", "False", "(2 3)")),
                "header with no comma at byte 53, expected descr, fortran_order and shape"
            ),
            // More axes than NumPy has would cost as much time at each number.
            (
                file(header("'<f4'", "True", "(\(String(repeating: "1,", count: 65)))")),
                "header with more than 64 axes, expected descr, fortran_order and shape"
            ),
            (
                file(header("'<f4'", "False", "(0,)")),
                "shape [0], expected extents from 1 to 2147483647 and a size that fits in memory"
            ),
            (
                file(header("'<f4'", "False", "(2147483647, 2147483647, 2147483647)")),
                "shape [2147483647, 2147483647, 2147483647], expected extents from 1 to 2147483647 "
                    + "and a size that fits in memory"
            ),
            (
                file(header("'<f4'", "False", "(2147483647, 1000)"), data: [0, 0, 0, 0]),
                "4 bytes of data, expected 8589934588000 for shape [2147483647, 1000] of f4"
            ),
            (
                file(header(), data: [1, 2, 3, 4, 5, 6, 7]),
                "7 bytes of data, expected 8 for shape [2] of f4"
            ),
            (
                file(header(), data: [1, 2, 3, 4, 5, 6, 7, 8, 9]),
                "9 bytes of data, expected 8 for shape [2] of f4"
            ),
            (
                file(header("'<u8'", "False", "(1,)"), data: Array(repeating: 255, count: 8)),
                "a number beyond 53 bits at place 0, expected ones that float64 holds"
            ),
        ] as [([UInt8], String)])
    func aBrokenFileGivesOneClearLine(_ bytes: [UInt8], _ problem: String) {
        #expect(description { try NumPyArray.decode(bytes, file: "f") } == "f: \(problem)")
    }

    /// Whatever a byte of the header becomes, reading gives a tensor or an error, and no trap.
    @Test func aFileWithAnyByteChangedIsReadOrRefused() throws {
        let whole = Self.file(Self.header(), data: Array(repeating: 1, count: 8))
        for place in 0..<whole.count - 8 {
            for byte in UInt8.min...UInt8.max {
                var changed = whole
                changed[place] = byte
                do {
                    _ = try NumPyArray.decode(changed, file: "f")
                } catch {
                    #expect(error.file == "f", "\(place): \(byte)")
                }
            }
        }
    }

    @Test func filesThatCannotBeReadAreNamed() throws {
        try withFolder { folder in
            let missing = folder.appendingPathComponent("a.npy")
            #expect(
                description { try NumPy.array(contentsOf: missing) }
                    == "\(missing.path): can't be read: No such file or directory, expected a readable file"
            )
            #expect(
                description { try NumPy.arrays(contentsOf: folder) }
                    == "\(folder.path): can't be read: not a file, expected a regular file")
        }
    }
}

struct NumPyArchiveTests {
    private static func bytes(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: fixtures.appendingPathComponent(name)))
    }

    /// What is wrong with an archive after a change, read under the name `f`.
    private static func problem(
        _ name: String = "deflated.npz", limit: Int = NumPy.largestByteCount,
        after change: (inout [UInt8]) throws -> Void = { _ in }
    ) throws -> String {
        var bytes = try bytes(name)
        try change(&bytes)
        return description {
            let archive = try ZipArchive(bytes, file: "f", limit: limit)
            for entry in archive.entries { _ = try archive.contents(of: entry) }
            return archive.entries.map(\.name)
        }
    }

    /// The place of the first of some bytes, counted from the end when `last`.
    private static func place(of pattern: [UInt8], in bytes: [UInt8], last: Bool = false) -> Int {
        let places = bytes.indices.filter { bytes[$0...].starts(with: pattern) }
        return (last ? places.last : places.first) ?? 0
    }

    private static let directory: [UInt8] = [0x50, 0x4B, 1, 2]
    private static let end: [UInt8] = [0x50, 0x4B, 5, 6]

    @Test(arguments: ["stored.npz", "deflated.npz"])
    func arraysOfAnArchiveAreReadByName(_ name: String) throws {
        let arrays = try NumPy.arrays(contentsOf: fixtures.appendingPathComponent(name))
        #expect(arrays.map(\.name) == ["W1", "W2", "W3", "b1", "b2", "b3"])
        let shapes = [[3, 1, 3, 3], [27, 5], [5, 4], [3], [5], [4]]
        #expect(arrays.map(\.value.shape) == shapes)
        for (array, shape) in zip(arrays, shapes) {
            #expect(array.value.doubles == numbers(shape), "\(array.name)")
            #expect(array.value.scalarType == (array.name == "W2" ? .float64 : .float32))
        }
    }

    @Test func aCommentAfterTheDirectoryIsSkipped() throws {
        let problem = try Self.problem {
            $0[$0.count - 2] = 3
            $0 += [1, 2, 3]
        }
        #expect(problem.hasPrefix("no error"))
    }

    @Test func whatIsNoArchiveIsRefused() throws {
        for bytes in [[], Array("PK".utf8), Array(repeating: 0, count: 100_000)] as [[UInt8]] {
            #expect(
                description { try ZipArchive(bytes, file: "f", limit: 1).entries.count }
                    == "f: no zip directory at the end, expected an .npz file")
        }
    }

    @Test(arguments: ["stored.npz", "deflated.npz"])
    func anArchiveCutAnywhereIsRefused(_ name: String) throws {
        let whole = try Self.bytes(name)
        for count in 0..<whole.count {
            let problem = try Self.problem(name) { $0 = Array($0.prefix(count)) }
            #expect(problem.hasPrefix("f"), "\(count) bytes: \(problem)")
        }
    }

    /// Whatever becomes of a byte, reading gives arrays or an error, and no trap.
    @Test(arguments: ["stored.npz", "deflated.npz"])
    func anArchiveWithAnyByteChangedIsReadOrRefused(_ name: String) throws {
        let whole = try Self.bytes(name)
        for place in whole.indices {
            for mask in [1, 0x80, 0xFF] as [UInt8] {
                let problem = try Self.problem(name) { $0[place] ^= mask }
                #expect(
                    problem.hasPrefix("f") || problem.hasPrefix("no error"),
                    "\(place) ^ \(mask): \(problem)")
            }
        }
    }

    @Test func wrongFiguresAreNamed() throws {
        // The first entry is W1.npy, of 236 bytes in 148.
        #expect(
            try Self.problem { $0[Self.place(of: Self.directory, in: $0) + 16] ^= 1 }
                == "f: W1.npy with a wrong checksum, expected an intact .npz file")
        #expect(
            try Self.problem { $0[Self.place(of: Self.directory, in: $0) + 24] -= 1 }
                == "f: W1.npy of 236 bytes, not 235, expected an intact .npz file")
        #expect(
            try Self.problem { $0[Self.place(of: Self.directory, in: $0) + 24] += 1 }
                == "f: W1.npy of 236 bytes, not 237, expected an intact .npz file")
        #expect(
            try Self.problem { $0[Self.place(of: Self.directory, in: $0) + 20] -= 1 }
                == "f:W1.npy: deflate data ends early, expected an intact deflate stream")
        #expect(
            try Self.problem { $0[Self.place(of: Self.directory, in: $0) + 10] = 12 }
                == "f: W1.npy compressed by method 12, expected 0 (stored) or 8 (deflated)")
        #expect(
            try Self.problem { $0[Self.place(of: Self.directory, in: $0) + 42] = 1 }
                == "f: W1.npy not where the directory says, expected an intact .npz file")
        #expect(
            try Self.problem { $0[Self.place(of: Self.end, in: $0) + 4] = 1 }
                == "f: parts on several disks, expected an intact .npz file")
        #expect(
            try Self.problem { $0[Self.place(of: Self.end, in: $0) + 18] = 0x7F }
                .contains("beyond its place"))
    }

    @Test func theSameNameTwiceIsRefused() throws {
        let problem = try Self.problem {
            // b1 becomes W1, in its header and in the directory.
            for place in $0.indices where $0[place...].starts(with: Array("b1.npy".utf8)) {
                $0[place] = UInt8(ascii: "W")
            }
        }
        #expect(problem == "f: W1.npy twice, expected an intact .npz file")
    }

    /// 2,084 bytes unfold from the six; the limit counts what the directory claims, before anything
    /// is unfolded.
    @Test func moreThanTheLimitIsNotUnfolded() throws {
        #expect(try Self.problem(limit: 2084).hasPrefix("no error"))
        #expect(
            try Self.problem(limit: 2083)
                == "f: 2084 bytes or more when unfolded, expected at most 2083")
        let claim = try Self.problem {
            let place = Self.place(of: Self.directory, in: $0)
            $0.replaceSubrange(place + 24..<place + 28, with: [0, 0, 0, 0x7F])
        }
        #expect(claim == "f: 2130706432 bytes or more when unfolded, expected at most 1073741824")
    }

    /// An archive in memory, of entries that are stored.
    private static func archive(_ entries: [(name: String, contents: [UInt8])]) -> [UInt8] {
        func number(_ value: Int, _ count: Int) -> [UInt8] {
            (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        }
        var (bytes, directory) = ([UInt8](), [UInt8]())
        for (name, contents) in entries {
            let checksum = Int(crc32(0, contents, UInt32(contents.count)))
            let figures =
                number(checksum, 4) + number(contents.count, 4) + number(contents.count, 4)
                + number(name.utf8.count, 2) + number(0, 2)
            directory += Self.directory + number(0, 12) + figures + number(0, 10)
            directory += number(bytes.count, 4) + Array(name.utf8)
            bytes += [0x50, 0x4B, 3, 4] + number(0, 10) + figures + Array(name.utf8) + contents
        }
        return bytes + directory + end + number(0, 4) + number(entries.count, 2)
            + number(entries.count, 2) + number(directory.count, 4) + number(bytes.count, 4)
            + number(0, 2)
    }

    /// A dot may be part of a longer character: names that differ before it stay different.
    @Test func namesAreTakenApartByBytes() throws {
        let array = try Array(
            Data(contentsOf: fixtures.appendingPathComponent("scalar.npy")))
        let names = ["\u{600}", "\u{601}", "a", "a\u{301}"]
        let bytes = Self.archive(names.map { ("\($0).npy", array) })
        let arrays = try NumPy.arrays(bytes: bytes, file: "f")
        #expect(Set(arrays.map(\.name)) == Set(names))
        for name in ["", ".npy", "\u{600}npy"] {
            #expect(
                description { try NumPy.arrays(bytes: Self.archive([(name, array)]), file: "f") }
                    == "f: contains \(name), expected only .npy files")
        }
    }

    /// Entries that share bytes would make a small archive cost as much time as a large one.
    @Test func entriesThatOverlapAreRefused() throws {
        let array = try Array(
            Data(contentsOf: fixtures.appendingPathComponent("scalar.npy")))
        let whole = Self.archive([("a.npy", array), ("b.npy", array)])
        #expect(try NumPy.arrays(bytes: whole, file: "f").map(\.name) == ["a", "b"])
        var shared = whole
        // The second entry of the directory also begins at 0.
        let place = Self.place(of: Self.directory, in: whole, last: true)
        shared.replaceSubrange(place + 42..<place + 46, with: [0, 0, 0, 0])
        #expect(
            description { try NumPy.arrays(bytes: shared, file: "f") }
                .hasSuffix(".npy not where the directory says, expected an intact .npz file"))
        // Its size reaches over the other.
        var long = whole
        let first = Self.place(of: Self.directory, in: whole)
        for offset in [20, 24] { long[first + offset] += 100 }
        #expect(
            description { try NumPy.arrays(bytes: long, file: "f") }
                == "f: a.npy not where the directory says, expected an intact .npz file")
    }

    @Test func filesBesideArraysAreNamed() throws {
        var bytes = try Self.bytes("stored.npz")
        for place in bytes.indices where bytes[place...].starts(with: Array("b1.npy".utf8)) {
            bytes[place + 5] = UInt8(ascii: "z")
        }
        try withFolder(of: ["a.npz": bytes]) { folder in
            let file = folder.appendingPathComponent("a.npz")
            #expect(
                description { try NumPy.arrays(contentsOf: file) }
                    == "\(file.path): contains b1.npz, expected only .npy files")
        }
    }
}
