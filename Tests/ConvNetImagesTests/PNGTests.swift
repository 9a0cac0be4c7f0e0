// SPDX-License-Identifier: MIT
//
// PNG of every colour type and depth, interlaced or not, comes out as the pixels that went in;
// damaged and oversized files are refused in one line.

import ConvNetTensor
import Foundation
import Testing

@testable import ConvNetImages

struct PNGTests {
    struct Kind: Sendable, CustomTestStringConvertible {
        let colorType, bitDepth: Int
        let isInterlaced: Bool
        var testDescription: String {
            "colour type \(colorType), \(bitDepth) bits\(isInterlaced ? ", interlaced" : "")"
        }
    }

    /// All that the specification allows.
    static let kinds = [
        (0, [1, 2, 4, 8, 16]), (2, [8, 16]), (3, [1, 2, 4, 8]), (4, [8, 16]), (6, [8, 16]),
    ].flatMap { type, depths in
        depths.flatMap { depth in
            [false, true].map { Kind(colorType: type, bitDepth: depth, isInterlaced: $0) }
        }
    }

    /// A sample that differs from place to place and from channel to channel.
    private static func sample(_ x: Int, _ y: Int, _ channel: Int, _ bitDepth: Int) -> Int {
        let number = (x * 37 + y * 101 + channel * 59) % 256
        return bitDepth == 16 ? number << 8 | (255 - number) : number >> (8 - bitDepth)
    }

    @Test(arguments: kinds) func everyKindIsRead(_ kind: Kind) throws {
        let depth = kind.bitDepth
        let entries = 1 << min(depth, 8)
        let palette: [[UInt8]] = (0..<entries).map { (entry: Int) -> [UInt8] in
            [UInt8(entry * 7 % 256), UInt8(255 - entry), UInt8(entry * 31 % 256)]
        }
        let writer = PNGWriter(
            width: 13, height: 9, bitDepth: depth, colorType: kind.colorType,
            isInterlaced: kind.isInterlaced, palette: kind.colorType == 3 ? palette : [],
            sample: { Self.sample($0, $1, $2, depth) })
        let image = try Image(bytes: writer.bytes, file: "test.png")
        #expect(image.width == 13)
        #expect(image.height == 9)
        #expect(image.channels == ([0, 4].contains(kind.colorType) ? 1 : 3))
        for y in 0..<9 {
            for x in 0..<13 {
                let expected = Self.color(kind, palette) { Self.sample(x, y, $0, depth) }
                for channel in 0..<3 {
                    let found = image.bytes[
                        (y * 13 + x) * image.channels + channel % image.channels]
                    let pair = (Int(found), expected[channel])
                    // Alpha is applied twice and 16 bits are cut to 8: each may round by one.
                    let exact = kind.colorType < 4 && depth < 16
                    #expect(
                        abs(pair.0 - pair.1) <= (exact ? 0 : 2), "(\(x), \(y)): \(pair) in \(kind)")
                }
            }
        }
    }

    /// The colour that the specification gives, on white paper, in 8 bits.
    private static func color(
        _ kind: Kind, _ palette: [[UInt8]], _ sample: (Int) -> Int
    ) -> [Int] {
        let most = Double(1 << kind.bitDepth - 1)
        func share(_ channel: Int) -> Double { Double(sample(channel)) / most }
        switch kind.colorType {
        case 0: return [share(0), share(0), share(0)].map { Int(($0 * 255).rounded()) }
        case 2: return (0..<3).map { Int((share($0) * 255).rounded()) }
        case 3: return palette[sample(0)].map(Int.init)
        default:
            let alpha = share(kind.colorType == 4 ? 1 : 3)
            return (0..<3).map {
                let part = share(kind.colorType == 4 ? 0 : $0)
                return Int(((part * alpha + 1 - alpha) * 255).rounded())
            }
        }
    }

    @Test func aPalettesTransparencyShowsPaper() throws {
        let writer = PNGWriter(
            width: 2, height: 1, bitDepth: 1, colorType: 3,
            palette: [[10, 20, 30], [200, 0, 0]], transparency: [0, 255],
            sample: { x, _, _ in x })
        let image = try Image(bytes: writer.bytes, file: "test.png")
        #expect(image.bytes == [255, 255, 255, 200, 0, 0])
    }

    static func gray(_ width: Int, _ height: Int, _ sample: @escaping (Int, Int) -> Int)
        -> PNGWriter
    {
        PNGWriter(
            width: width, height: height, bitDepth: 8, colorType: 0,
            sample: { x, y, _ in sample(x, y) })
    }

    @Test func filesThatEndTooEarlyAreRefused() throws {
        let whole = Self.gray(8, 8) { x, y in x * y }.bytes
        let data = whole.count - 33 - 12 - 12
        // A file may end after any byte of its data.
        for count in 33..<whole.count - 12 {
            let inside = "inside chunk IDAT at byte 33, which claims \(data) bytes"
            #expect(
                Self.problem(Array(whole.prefix(count)))
                    == "bad.png: the file ends \(count < 45 ? "without a chunk IEND" : inside), "
                    + "expected a whole PNG file")
        }
        for count in whole.count - 12..<whole.count {
            #expect(
                Self.problem(Array(whole.prefix(count)))
                    == "bad.png: the file ends without a chunk IEND, expected a whole PNG file")
        }
        for count in 8..<33 {
            #expect(
                Self.problem(Array(whole.prefix(count)))
                    == "bad.png: no PNG header, expected a PNG file")
        }
        for count in 0..<8 {
            #expect(
                Self.problem(Array(whole.prefix(count)))
                    == "bad.png: \(count == 0 ? "an empty file" : "no image"), "
                    + "expected a JPEG, PNG, PPM or PGM file")
        }
        #expect(
            Self.problem(Array("GIF89a, and more than enough bytes".utf8))
                == "bad.png: no image, expected a JPEG, PNG, PPM or PGM file")
    }

    /// What reading the bytes says.
    private static func problem(_ bytes: [UInt8]) -> String? {
        #expect(throws: FileError.self) { try Image(bytes: bytes, file: "bad.png") }?
            .description
    }

    /// Any one byte that is not as it was written, checksums among them: the chunk is named.
    @Test func aWrongByteIsNamedByItsChunk() throws {
        let palette = PNGWriter(
            width: 3, height: 2, bitDepth: 8, colorType: 3, palette: [[1, 2, 3], [4, 5, 6]],
            transparency: [0, 255], sample: { x, y, _ in (x + y) % 2 })
        let whole = palette.bytes
        var place = 8
        for name in ["IHDR", "PLTE", "tRNS", "IDAT", "IEND"] {
            let end = place + 12 + whole[place..<place + 4].reduce(0) { $0 << 8 | Int($1) }
            // The width and height are looked at before checksums are.
            for wrong in (name == "IHDR" ? place + 16 : place + 8)..<end {
                var bytes = whole
                bytes[wrong] ^= 0x55
                #expect(
                    Self.problem(bytes)
                        == "bad.png: damaged: chunk \(name) at byte \(place) doesn't match its "
                        + "checksum, expected a whole PNG file", "byte \(wrong)")
            }
            place = end
        }
        #expect(place == whole.count)
    }

    struct Fault: Sendable, CustomTestStringConvertible {
        let problem: String
        var isFromLibpng = false
        var header = PNGWriter.header(2, 2, 8, 0)
        var palette: [UInt8]?
        var transparency: [UInt8]?
        var data: [UInt8] = [0, 1, 2, 0, 3, 4]
        /// What becomes of the data when they are deflated.
        var change: @Sendable ([UInt8]) -> [UInt8] = { $0 }
        var testDescription: String { problem }

        var bytes: [UInt8] {
            var file: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
            file += PNGWriter.chunk("IHDR", header)
            if let palette { file += PNGWriter.chunk("PLTE", palette) }
            if let transparency { file += PNGWriter.chunk("tRNS", transparency) }
            file += PNGWriter.chunk("IDAT", change(PNGWriter.deflated(data)))
            return file + PNGWriter.chunk("IEND", [])
        }
    }

    /// Files whose chunks are whole and match their checksums.
    static let faults = [
        Fault(
            problem: "3 bits per sample of colour type 0, expected one of 1, 2, 4, 8, 16",
            header: PNGWriter.header(2, 2, 3, 0)),
        Fault(
            problem: "4 bits per sample of colour type 2, expected one of 8, 16",
            header: PNGWriter.header(2, 2, 4, 2)),
        Fault(
            problem: "colour type 5, expected 0, 2, 3, 4 or 6", header: PNGWriter.header(2, 2, 8, 5)
        ),
        Fault(
            problem: "Missing PLTE", isFromLibpng: true,
            header: PNGWriter.header(2, 2, 8, 3)),
        Fault(
            problem: "PLTE: invalid", isFromLibpng: true,
            header: PNGWriter.header(2, 2, 8, 3), palette: [1, 2]),
        Fault(
            problem: "tRNS: invalid", isFromLibpng: true, transparency: [1, 2, 3]),
        Fault(
            problem: "bad adaptive filter value", isFromLibpng: true,
            data: [0, 1, 2, 9, 3, 4]),
        Fault(
            problem: "Not enough image data", isFromLibpng: true,
            data: [0, 1, 2, 0]),
        Fault(
            problem: "IDAT: incorrect data check", isFromLibpng: true,
            change: { $0.dropLast() + [$0[$0.count - 1] ^ 1] }),
        Fault(
            problem: "IDAT: incorrect header check", isFromLibpng: true,
            change: { [0x11] + $0.dropFirst() }),
        Fault(
            problem: "Not enough image data", isFromLibpng: true,
            change: { Array($0.prefix(4)) }),
    ]

    @Test(arguments: faults) func whatIsWrongIsSaid(_ fault: Fault) {
        guard fault.isFromLibpng else {
            #expect(Self.problem(fault.bytes) == "bad.png: \(fault.problem)")
            return
        }
        // What libpng and zlib say may have more words in another version.
        let problem = Self.problem(fault.bytes) ?? ""
        #expect(problem.hasPrefix("bad.png: damaged: ") && problem.contains(fault.problem))
        #expect(problem.hasSuffix(", expected a whole PNG file"))
    }

    /// The header alone decides: there is no data that such an image could be read from.
    @Test(arguments: [
        (70_000, 70_000), (1, 32_768), (0, 5), (20_000, 20_000), (0x7FFF_FFFF, 0x7FFF_FFFF),
        (0xFFFF_FFFF, 1),
    ])
    func sizesAreCheckedBeforeThereIsMemory(_ width: Int, _ height: Int) throws {
        let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
        let bytes = signature + PNGWriter.chunk("IHDR", PNGWriter.header(width, height, 8, 0))
        #expect(
            throws: FileError(
                file: "huge.png", problem: "\(width) x \(height) pixels",
                expected: "sides from 1 to 32767 and at most 67108864 pixels")
        ) { try Image(bytes: bytes, file: "huge.png") }
    }

    /// libpng would take 2 GiB for a text that says so, and unfold one that is there.
    @Test func textsAreNeitherBelievedNorUnfolded() throws {
        let whole = Self.gray(2, 2) { x, y in x + y }.bytes
        let text = PNGWriter.chunk("zTXt", Array("key\0\0".utf8))
        let spot = 33  // Behind the header.
        let withText = Array(whole[..<spot] + text + whole[spot...] + text)
        #expect(try PNGChunks.makingPixels(of: withText, file: "text.png") == whole)
        #expect(
            try Image(bytes: withText, file: "text.png") == Image(bytes: whole, file: "text.png"))
        for length: [UInt8] in [[0x7A, 0x54, 0x58, 0x74], [0xFF, 0xFF, 0xFF, 0xFF]] {
            let claims = Array(whole[..<spot] + length + text[4...] + whole[spot...])
            #expect(throws: FileError.self) {
                try PNGChunks.makingPixels(of: claims, file: "text.png")
            }
            #expect(throws: FileError.self) { try Image(bytes: claims, file: "text.png") }
        }
    }

    @Test func unreadableFilesAreNamed() throws {
        #expect(
            throws: FileError(
                file: "/no/such.png", problem: "can't be read: No such file or directory",
                expected: "a readable file")
        ) { try Image(contentsOf: URL(fileURLWithPath: "/no/such.png")) }
        #expect(throws: FileError.self) {
            try Image(contentsOf: URL(fileURLWithPath: "/tmp"))
        }
    }

    /// 2×2 blocks, and 3 pixels to 2: the middle one counts half on both sides.
    @Test func imagesAreScaledByArea() throws {
        let block = try Image(
            bytes: Self.gray(4, 2) { x, y in [0, 255, 51, 51, 255, 0, 51, 51][y * 4 + x] }.bytes,
            file: "block.png")
        let halved = try block.tensor(channels: 1, height: 1, width: 2)
        #expect(halved.shape == [1, 1, 1, 2])
        try expectClose(halved.scalars, [0.5, 0.2])
        try expectClose(
            block.tensor(channels: 1, height: 1, width: 2, inverted: true).scalars, [0.5, 0.8])
        let three = try Image(
            bytes: Self.gray(3, 1) { x, _ in [0, 255, 0][x] }.bytes, file: "three.png")
        try expectClose(
            three.tensor(channels: 1, height: 1, width: 2).scalars, [1.0 / 3, 1.0 / 3])
        try expectClose(
            three.tensor(channels: 1, height: 1, width: 6).scalars, [0, 0, 1, 1, 0, 0])
        // Rows stay rows: a wide image's first row is the result's first.
        let tall = try Image(
            bytes: Self.gray(1, 2) { _, y in y * 255 }.bytes, file: "tall.png")
        try expectClose(tall.tensor(channels: 1).scalars, [0, 1])
    }

    @Test func coloursBecomeChannelsOrBrightness() throws {
        let red = PNGWriter(
            width: 2, height: 1, bitDepth: 8, colorType: 2,
            sample: { x, _, channel in channel == x ? 255 : 0 })
        let image = try Image(bytes: red.bytes, file: "red.png")
        // Red, then green.
        try expectClose(image.tensor(channels: 3).scalars, [1, 0, 0, 1, 0, 0])
        try expectClose(image.tensor(channels: 1).scalars, [0.299, 0.587])
    }

    @Test func impossibleTensorsAreRefused() throws {
        let image = try Image(bytes: Self.gray(1, 1) { _, _ in 0 }.bytes, file: "dot.png")
        for (channels, height) in [(2, 1), (0, 1), (1, 0), (1, -3), (3, Int.max)] {
            #expect(throws: TensorError.self, "\(channels), \(height)") {
                try image.tensor(channels: channels, height: height, width: 1)
            }
        }
    }

    /// Means of a few bytes: three roundings of Double and one of Float.
    private func expectClose(_ found: [Float], _ expected: [Double]) throws {
        try #require(found.count == expected.count)
        for (number, wanted) in zip(found, expected) {
            #expect(abs(Double(number) - wanted) <= 1e-7, "\(found), expected \(expected)")
        }
    }
}
