// SPDX-License-Identifier: MIT
//
// Reading and writing whole files: what the system refuses comes out as one line.

import ConvNetTensor
import ConvNetTestSupport
import Foundation
import Testing

struct FileTests {
    @Test func whatIsWrittenIsReadAndNothingElseStays() throws {
        try withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("file").path
            for bytes in [[UInt8](0...255), [], [7]] {
                try bytes.withUnsafeBytes { try AtomicFile.write($0, to: file) }
                #expect(try FileBytes.contents(of: file, limit: 256) == bytes)
                #expect(
                    try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["file"])
            }
        }
    }

    @Test func refusalsNameTheFile() throws {
        let path = "/no/such/folder/file"
        #expect(
            throws: FileError(
                file: path, problem: "can't be written: No such file or directory",
                expected: "a file in a writable folder")
        ) {
            try [UInt8(1)].withUnsafeBytes { try AtomicFile.write($0, to: path) }
        }
        #expect(
            throws: FileError(
                file: path, problem: "can't be read: No such file or directory",
                expected: "a readable file")
        ) { try FileBytes.contents(of: path, limit: 1) }
        #expect(
            throws: FileError(
                file: "/tmp", problem: "can't be read: not a file", expected: "a regular file")
        ) { try FileBytes.contents(of: "/tmp", limit: 1) }
        try withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("file").path
            try Data([1, 2, 3]).write(to: URL(fileURLWithPath: file))
            #expect(
                throws: FileError(
                    file: file, problem: "can't be read: 3 bytes", expected: "at most 2")
            ) { try FileBytes.contents(of: file, limit: 2) }
        }
    }

    /// The numbers in FILE, FILE.1 and so on; nil where there is no file.
    private static func numbers(_ file: String, _ count: Int) -> [UInt8?] {
        (0..<count).map {
            try? FileBytes.contents(of: AtomicFile.path(file, age: $0), limit: 1).first
        }
    }

    private static func write(
        _ number: UInt8, to file: String, keeping count: Int, skipping: Int = 0
    ) throws {
        try [number].withUnsafeBytes {
            try AtomicFile.write($0, to: file, keeping: count, skipping: skipping)
        }
    }

    @Test func olderFilesAreKeptBesideTheNewest() throws {
        try withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("file").path
            for number in 1...2 as ClosedRange<UInt8> {
                try Self.write(number, to: file, keeping: 1)
                #expect(Self.numbers(file, 2) == [number, nil])
            }
            try Self.write(3, to: file, keeping: 3)
            #expect(Self.numbers(file, 4) == [3, 2, nil, nil])
            try Self.write(4, to: file, keeping: 3)
            try Self.write(5, to: file, keeping: 3)
            #expect(Self.numbers(file, 4) == [5, 4, 3, nil])
            // With fewer to keep, the others are left alone.
            try Self.write(6, to: file, keeping: 2)
            #expect(Self.numbers(file, 4) == [6, 5, 3, nil])
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
                    == ["file", "file.1", "file.2"])
        }
    }

    /// What a kill may leave: a place without a file, or one file in two places.
    @Test func keepingGoesOnFromWhatAKillLeft() throws {
        try withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("file").path
            for number in 1...3 as ClosedRange<UInt8> {
                try Self.write(number, to: file, keeping: 3)
            }
            // Killed once file.1 has become file.2.
            try FileManager.default.removeItem(atPath: "\(file).2")
            try FileManager.default.moveItem(atPath: "\(file).1", toPath: "\(file).2")
            try Self.write(4, to: file, keeping: 3)
            #expect(Self.numbers(file, 4) == [4, 3, 2, nil])
            // Killed once file has its second name.
            try FileManager.default.removeItem(atPath: "\(file).1")
            try FileManager.default.linkItem(atPath: file, toPath: "\(file).1")
            try Self.write(5, to: file, keeping: 2)
            #expect(Self.numbers(file, 4) == [5, 4, 2, nil])
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
                    == ["file", "file.1", "file.2"])
        }
    }

    /// The two newest are not worth keeping: the third becomes the one before the newest.
    @Test func newerFilesMakePlace() throws {
        try withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("file").path
            for number in 1...4 as ClosedRange<UInt8> {
                try Self.write(number, to: file, keeping: 4)
            }
            #expect(Self.numbers(file, 4) == [4, 3, 2, 1])
            try Self.write(5, to: file, keeping: 4, skipping: 2)
            #expect(Self.numbers(file, 4) == [5, 2, nil, 1])
            try Self.write(6, to: file, keeping: 4, skipping: 1)
            #expect(Self.numbers(file, 4) == [6, 2, nil, 1])
            try Self.write(7, to: file, keeping: 4)
            #expect(Self.numbers(file, 4) == [7, 6, 2, 1])
        }
    }

    @Test func theFirstNumberThatIsNoneIsFound() throws {
        for count in [1, 4095, 4096, 4097, 10_000] {
            #expect(try Tensor(zeros: [count]).firstNonFinite == nil)
            for place in Set([0, count / 2, count - 1]) {
                for number in [Double.nan, .infinity, -.infinity] {
                    var doubles = [Double](repeating: -3e38, count: count)
                    doubles[place] = number
                    doubles[count - 1] = number
                    #expect(try Tensor(shape: [count], doubles: doubles).firstNonFinite == place)
                    let floats = try Tensor(shape: [count], scalars: doubles.map { Float($0) })
                    #expect(floats.firstNonFinite == place)
                }
            }
        }
        #expect(try Tensor(zeros: [2, 3, 4]).indices(ofPlace: 23) == [1, 2, 3])
        #expect(try Tensor(zeros: [2, 3, 4]).indices(ofPlace: 13) == [1, 0, 1])
    }
}
