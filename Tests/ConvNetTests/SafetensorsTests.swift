// SPDX-License-Identifier: MIT
//
// The safetensors format, byte by byte: a file that one can check by eye, and every way in which a
// file can be wrong.

import ConvNet
import ConvNetTestSupport
import Foundation
import Testing

struct SafetensorsTests {
    /// A file with the given header and so many bytes after it.
    private static func file(_ header: String, _ byteCount: Int, length: UInt64? = nil) -> Data {
        let text = Data(header.utf8)
        var file = withUnsafeBytes(of: (length ?? UInt64(text.count)).littleEndian) { Data($0) }
        file.append(text)
        file.append(Data(count: byteCount))
        return file
    }

    private static func entry(_ name: String, _ shape: String, _ offsets: String) -> String {
        "\"\(name)\":{\"dtype\":\"F32\",\"shape\":\(shape),\"data_offsets\":\(offsets)}"
    }

    private static func problem(of data: Data) -> String? {
        do {
            _ = try Safetensors.decode(data)
            return nil
        } catch let error as FileError {
            return error.problem
        } catch {
            return "another error: \(error)"
        }
    }

    private static func example() throws -> [NamedTensor] {
        [
            ("b1", try Tensor(shape: [1], scalars: [-2])),
            ("W1", try Tensor(shape: [1, 2], scalars: [1, 0.5])),
        ]
    }

    /// 8 bytes of length, the header in order of names with spaces up to a multiple of 8, then the
    /// numbers: 1 is 3F800000, 0.5 is 3F000000, −2 is C0000000, lowest byte first.
    @Test func theBytesOfAFileAreTheFormats() throws {
        let header =
            "{\"W1\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[0,8]},"
            + "\"b1\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,12]}}"
        let padded = header + String(repeating: " ", count: -header.count & 7)
        var expected = Data([UInt8(padded.count), 0, 0, 0, 0, 0, 0, 0])
        expected.append(Data(padded.utf8))
        expected.append(contentsOf: [0, 0, 0x80, 0x3F, 0, 0, 0, 0x3F, 0, 0, 0, 0xC0])
        #expect(try Safetensors.encode(Self.example()) == expected)
        let decoded = try Safetensors.decode(expected)
        #expect(decoded.map(\.name) == ["W1", "b1"])
        #expect(decoded.map(\.value.scalars) == [[1, 0.5], [-2]])
        #expect(decoded.map(\.value.shape) == [[1, 2], [1]])
    }

    /// Names of each length, so that the header needs each number of spaces from 0 to 7.
    @Test func numbersStartAtAMultipleOfEight() throws {
        var endings: Set<Int> = []
        for length in 1...8 {
            let name = String(repeating: "n", count: length)
            let file = try Safetensors.encode([(name, Tensor(shape: [1], scalars: [1]))])
            let header = Int(file[0])
            #expect(header % 8 == 0)
            #expect(file.count == 8 + header + 4)
            endings.insert(file.dropLast(4).reversed().prefix { $0 == UInt8(ascii: " ") }.count)
            #expect(try Safetensors.decode(file).map(\.name) == [name])
        }
        #expect(endings == Set(0...7))
    }

    @Test func doublesNaNInfinityAndSingleNumbersComeBackAsTheyWere() throws {
        let doubles: [Double] = [.infinity, -0.0, 0x1.fffffffffffffp1023, .leastNonzeroMagnitude]
        let tensors: [NamedTensor] = [
            ("doubles", try Tensor(shape: [4], doubles: doubles)),
            ("nan", try Tensor(shape: [1], scalars: [Float(bitPattern: 0x7FC0_1234)])),
            ("one \"quoted\" \\ é", try Tensor(shape: [], scalars: [3])),
        ]
        let decoded = try Safetensors.decode(Safetensors.encode(tensors))
        #expect(decoded.map(\.name) == tensors.map(\.name))
        #expect(decoded[0].value.doubles.map(\.bitPattern) == doubles.map(\.bitPattern))
        #expect(decoded[1].value.scalars[0].bitPattern == 0x7FC0_1234)
        #expect(decoded[2].value.shape == [])
    }

    @Test func metadataAndFilesWithoutTensorsAreRead() throws {
        let header = "{\"__metadata__\":{\"format\":\"pt\"},\(Self.entry("a", "[1]", "[0,4]"))}   "
        #expect(try Safetensors.decode(Self.file(header, 4)).map(\.name) == ["a"])
        #expect(try Safetensors.decode(Self.file("{}", 0)).isEmpty)
    }

    /// Texts come first, in order of their keys, whatever order the dictionary has.
    @Test func metadataIsWrittenInOrderAndReadBack() throws {
        let texts = ["step": "12", "a \"quoted\" key": "{\"b\":1}\n", "é": ""]
        let file = try Safetensors.encode(Self.example(), metadata: texts)
        let header = String(decoding: file.dropFirst(8).prefix(Int(file[0])), as: UTF8.self)
        #expect(
            header.hasPrefix(
                "{\"__metadata__\":{\"a \\\"quoted\\\" key\":\"{\\\"b\\\":1}\\n\","
                    + "\"step\":\"12\",\"é\":\"\"},\"W1\":"))
        for _ in 0..<20 {
            // A dictionary made anew may have another order.
            let again = Dictionary(uniqueKeysWithValues: texts.shuffled())
            #expect(try Safetensors.encode(Self.example(), metadata: again) == file)
        }
        let contents = try Safetensors.contents(of: file)
        #expect(contents.metadata == texts)
        #expect(contents.tensors.map(\.name) == ["W1", "b1"])
        let plain = try Safetensors.encode(Self.example())
        #expect(try Safetensors.contents(of: plain).metadata == [:])
    }

    /// Data that is part of other data doesn't start at index 0.
    @Test func aSliceOfDataIsRead() throws {
        var data = Data([1, 2, 3])
        data.append(try Safetensors.encode(Self.example()))
        #expect(try Safetensors.decode(data[3...]).count == 2)
    }

    @Test func theSameNameTwiceIsNotWritten() throws {
        let tensor = try Tensor(zeros: [1])
        for name in ["a", "__metadata__"] {
            #expect(
                throws: FileError(
                    file: "f", problem: "\(name) can't be a tensor's name here")
            ) { try Safetensors.encode([(name, tensor), (name, tensor)], file: "f") }
        }
    }

    @Test func aFileCutAtAnyByteIsRefused() throws {
        let whole = try Safetensors.encode(Self.example())
        for count in 0..<whole.count {
            #expect(Self.problem(of: whole.prefix(count)) != nil, "\(count) bytes")
        }
        #expect(
            Self.problem(of: whole + [0]) == "1 bytes after the last tensor, expected none")
    }

    /// Whatever a byte of the header becomes, reading gives tensors or an error, and no trap.
    @Test func aFileWithAnyByteChangedIsReadOrRefused() throws {
        let whole = try Safetensors.encode(Self.example())
        for place in 0..<whole.count - 12 {
            for byte in UInt8.min...UInt8.max where byte != whole[place] {
                var changed = whole
                changed[place] = byte
                let problem = Self.problem(of: changed)
                #expect(problem?.hasPrefix("another error") != true, "\(place): \(byte)")
            }
        }
    }

    @Test(arguments: [
        (Data(), "has 0 bytes, expected at least 8: not a safetensors file"),
        (
            file("{}", 0, length: 3),
            "header of 3 bytes, expected at most the 2 bytes that follow and at most 100000000"
        ),
        (
            file("{}", 0, length: .max),
            "header of 18446744073709551615 bytes, expected at most the 2 bytes that follow and "
                + "at most 100000000"
        ),
        (file("", 0), "header is not the JSON of a safetensors file"),
        (file("[]", 0), "header is not the JSON of a safetensors file"),
        (file("{\"a\":1}", 0), "header is not the JSON of a safetensors file"),
        (file("}{", 0), "header is not the JSON of a safetensors file"),
        // The format's first byte is a brace, and its text UTF-8: other encodings would hide keys
        // from the search for duplicates.
        (file(" {}", 0), "header is not the JSON of a safetensors file"),
        (file("{}\0", 0), "header is not the JSON of a safetensors file"),
        (file("{\0\"\0a\0\"\0:\0", 0), "header is not the JSON of a safetensors file"),
        (
            file("{\"\\ud800\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4),
            "header is not the JSON of a safetensors file"
        ),
        (file("{\"a\tb\":1}", 0), "header is not the JSON of a safetensors file"),
        (file("{\"a\":{\"dtype\":\"F32\"}}", 0), "header is not the JSON of a safetensors file"),
        (
            file("{\"a\":{\"dtype\":\"F32\",\"shape\":[01],\"data_offsets\":[0,4]}}", 4),
            "header is not the JSON of a safetensors file"
        ),
        (
            file("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"b\":1}}", 4),
            "header is not the JSON of a safetensors file"
        ),
        (file("{},", 0), "header is not the JSON of a safetensors file"),
        (
            file("{\(entry("a", "[1]", "[0,4]")),}", 4),
            "header is not the JSON of a safetensors file"
        ),
        (
            file("{\"__metadata__\":{},\"__metadata__\":{}}", 0),
            "__metadata__ comes twice in the header, expected once"
        ),
        (
            file("{\(entry("a", "[\(String(repeating: "1,", count: 64))1]", "[0,4]"))}", 4),
            "header is not the JSON of a safetensors file"
        ),
        // The same letter in one scalar and in two: Swift takes the two for one key.
        (
            file("{\(entry("é", "[1]", "[0,4]")),\(entry("e\u{301}", "[1]", "[4,8]"))}", 8),
            "e\u{301} comes twice in the header, expected once"
        ),
        (file("{\"a", 0), "header is not the JSON of a safetensors file"),
        (file("{\"a\\", 0), "header is not the JSON of a safetensors file"),
        (
            file("{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}", 0),
            "a comes twice in the header, expected once"
        ),
        (file("{\"__metadata__\":{\"a\":1}}", 0), "header is not the JSON of a safetensors file"),
        (
            file("{\(entry("a", "[1]", "[-4,0]"))}", 0),
            "header is not the JSON of a safetensors file"
        ),
        (
            file("{\(entry("a", "[1]", "[0,4,8]"))}", 4),
            "header is not the JSON of a safetensors file"
        ),
        (
            file("{\(entry("a", "[1]", "[0,4]")),\(entry("a", "[1]", "[0,4]"))}", 4),
            "a comes twice in the header, expected once"
        ),
        (
            file("{\(entry("a", "[1]", "[0,4]")),\(entry("\\u0061", "[1]", "[4,8]"))}", 8),
            "a comes twice in the header, expected once"
        ),
        (
            file(
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"shape\":[1],\"data_offsets\":[0,4]}}", 4),
            "shape comes twice in the header, expected once"
        ),
        (
            file("{\"a\":{\"dtype\":\"BF16\",\"shape\":[3],\"data_offsets\":[0,4]}}", 4),
            "a has 4 bytes, expected 6 for shape [3]"
        ),
        (
            file("{\(entry("a", "[1]", "[4,8]"))}", 8),
            "a lies at 4..<8, expected to start at 0 and end by 8"
        ),
        (
            file("{\(entry("a", "[1]", "[0,4]")),\(entry("b", "[1]", "[8,12]"))}", 12),
            "b lies at 8..<12, expected to start at 4 and end by 12"
        ),
        (
            file("{\(entry("a", "[2]", "[0,8]")),\(entry("b", "[1]", "[4,8]"))}", 8),
            "b lies at 4..<8, expected to start at 8 and end by 8"
        ),
        (
            file("{\(entry("a", "[1]", "[0,4]"))}", 3),
            "a lies at 0..<4, expected to start at 0 and end by 3"
        ),
        (
            file("{\(entry("a", "[1]", "[0,9223372036854775807]"))}", 4),
            "a lies at 0..<9223372036854775807, expected to start at 0 and end by 4"
        ),
        (
            file("{\(entry("a", "[1]", "[4,0]"))}", 4),
            "a lies at 4..<0, expected to start at 0 and end by 4"
        ),
        (
            file("{\(entry("a", "[2]", "[0,4]"))}", 4),
            "a has 4 bytes, expected 8 for shape [2]"
        ),
        (
            file("{\(entry("a", "[-1]", "[0,4]"))}", 4),
            "a has shape [-1], expected extents from 1 to 2147483647 and a size that fits in memory"
        ),
        (
            file("{\(entry("a", "[2147483647,2147483647,8]", "[0,4]"))}", 4),
            "a has shape [2147483647, 2147483647, 8], expected extents from 1 to 2147483647 and a "
                + "size that fits in memory"
        ),
        (
            file("{\(entry("a", "[2147483647,200000000]", "[0,4]"))}", 4),
            "a has 4 bytes, expected 1717986917600000000 for shape [2147483647, 200000000]"
        ),
    ])
    func aBrokenFileGivesOneClearLine(_ data: Data, _ problem: String) {
        #expect(Self.problem(of: data) == problem)
        #expect(!problem.contains("\n"))
    }

    @Test func aHeaderBeyondTheLimitIsRefusedBeforeItIsRead() {
        let length = Safetensors.largestHeader + 1
        let data = Self.file("", length, length: UInt64(length))
        #expect(
            Self.problem(of: data)
                == "header of 100000001 bytes, expected at most the 100000001 bytes that follow "
                + "and at most 100000000")
    }

    /// Python escapes what is beyond ASCII, and beyond 16 bits in two halves.
    @Test func escapesInNamesAreRead() throws {
        let header =
            "{\"__metadata__\":{\"\\ud83d\\ude00\\u00E9\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"}} \n\r\t"
        let contents = try Safetensors.contents(of: Self.file(header, 0))
        #expect(contents.metadata == ["😀é": "\"\\/\u{8}\u{C}\n\r\t"])
    }

    /// What could not be read again is not written.
    @Test func moreThanAFileMayHaveIsNotEncoded() throws {
        let axes = try Tensor(shape: Array(repeating: 1, count: 65), scalars: [1])
        #expect(
            throws: FileError(file: "f", problem: "a has 65 axes, expected at most 64")
        ) { try Safetensors.encode([("a", axes)], file: "f") }
        // Four tensors that share their numbers, a gigabyte each were they written.
        let large = try Tensor(uninitialized: [1 << 28], operation: "test")
        #expect(
            throws: FileError(
                file: "f", problem: "needs 4294967616 bytes, expected at most 4294967296")
        ) {
            try Safetensors.encode((0..<4).map { ("t\($0)", large) }, file: "f")
        }
    }

    /// A path may name what never ends or never begins.
    @Test func whatIsNoRegularFileIsRefusedAtOnce() throws {
        try withTemporaryFolder { folder in
            let pipe = folder.appendingPathComponent("pipe")
            try #require(mkfifo(pipe.path, 0o600) == 0)
            for path in [pipe.path, folder.path, "/dev/zero"] {
                let file = URL(fileURLWithPath: path)
                let refusal = FileError(
                    file: path, problem: "can't be read: not a file", expected: "a regular file")
                #expect(throws: refusal) { try Safetensors.contents(of: file) }
                #expect(throws: refusal) { try Checkpoint(contentsOf: file) }
                #expect(throws: refusal) { try Network(contentsOf: file) }
            }
            // A file that only says that it is large: neither it nor its header is read.
            let sparse = folder.appendingPathComponent("sparse")
            try Data(repeating: 0xFF, count: 8).write(to: sparse)
            try #require(truncate(sparse.path, off_t(Safetensors.largestFile) + 1) == 0)
            #expect(
                throws: FileError(
                    file: sparse.path,
                    problem: "can't be read: 4294967297 bytes", expected: "at most 4294967296")
            ) { try Safetensors.contents(of: sparse) }
            try #require(truncate(sparse.path, off_t(Safetensors.largestFile)) == 0)
            #expect(
                throws: FileError(
                    file: sparse.path,
                    problem: "header of 18446744073709551615 bytes, expected at most the "
                        + "4294967288 bytes that follow and at most 100000000")
            ) { try Safetensors.contents(of: sparse) }
        }
    }

    @Test func aFileIsReadAsItsBytesAre() throws {
        try withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("file")
            let data = try Safetensors.encode(Self.example(), metadata: ["a": "b"])
            for count in 0...data.count {
                let part = data.prefix(count)
                try part.write(to: file)
                let problem = Self.problem(of: part)
                if count == data.count {
                    let contents = try Safetensors.contents(of: file)
                    #expect(contents.tensors.map(\.name) == ["W1", "b1"])
                    #expect(contents.tensors.map(\.value.scalars) == [[1, 0.5], [-2]])
                    #expect(contents.metadata == ["a": "b"])
                } else {
                    let expected = FileError(file: file.path, problem: problem ?? "none")
                    #expect(throws: expected) { try Safetensors.contents(of: file) }
                }
            }
        }
    }

    /// Nesting as deep as the header is long must not overflow the stack.
    @Test func deepNestingIsRefused() {
        for text in ["[", "{\"a\":", "{\"a\":["] {
            let header = String(repeating: text, count: 100_000)
            #expect(
                Self.problem(of: Self.file(header, 0))
                    == "header is not the JSON of a safetensors file")
        }
    }
}
