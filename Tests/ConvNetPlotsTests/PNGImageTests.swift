// SPDX-License-Identifier: MIT
//
// PNG of every colour type and depth, interlaced or not, comes out as the pixels that went in;
// damaged and oversized files are refused in one line.

import ConvNetTensor
import Foundation
import Testing

@testable import ConvNetPlots

struct PNGImageTests {
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
        let image = try PNGImage(bytes: writer.bytes, file: "test.png")
        #expect(image.width == 13)
        #expect(image.height == 9)
        for y in 0..<9 {
            for x in 0..<13 {
                let expected = Self.color(kind, palette) { Self.sample(x, y, $0, depth) }
                let found = image.raster[x, y]
                for shift in [16, 8, 0] {
                    let pair = (Int(found >> shift & 255), expected[(16 - shift) / 8])
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
        let image = try PNGImage(bytes: writer.bytes, file: "test.png")
        #expect(image.raster.pixels == [0xFFFFFF, 0xC80000])
    }

    static func gray(_ width: Int, _ height: Int, _ sample: @escaping (Int, Int) -> Int)
        -> PNGWriter
    {
        PNGWriter(
            width: width, height: height, bitDepth: 8, colorType: 0,
            sample: { x, y, _ in sample(x, y) })
    }

    @Test func damagedFilesAreRefused() throws {
        let whole = Self.gray(8, 8) { x, y in x * y }.bytes
        // A file may end after any byte of its data.
        for count in 33..<whole.count - 12 {
            let error = #expect(throws: PictureError.self) {
                try PNGImage(bytes: Array(whole.prefix(count)), file: "cut.png")
            }
            #expect(error?.description == "cut.png: damaged, expected a whole PNG file")
        }
        for count in 0..<33 {
            let error = #expect(throws: PictureError.self) {
                try PNGImage(bytes: Array(whole.prefix(count)), file: "cut.png")
            }
            #expect(error?.expected == "a PNG file")
        }
        // A wrong checksum, a depth that does not exist, data that is no deflate stream.
        for place in [24, 30, 45] {
            var bytes = whole
            bytes[place] ^= 0x55
            #expect(throws: PictureError.self, "byte \(place)") {
                try PNGImage(bytes: bytes, file: "bad.png")
            }
        }
        #expect(throws: PictureError.self) {
            try PNGImage(bytes: Array("GIF89a, and more than enough bytes".utf8), file: "a.gif")
        }
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
            throws: PictureError(
                file: "huge.png", problem: "\(width) x \(height) pixels",
                expected: "sides from 1 to 32767 and at most 67108864 pixels")
        ) { try PNGImage(bytes: bytes, file: "huge.png") }
    }

    /// libpng would take 2 GiB for a text that says so, and unfold one that is there.
    @Test func textsAreNeitherBelievedNorUnfolded() throws {
        let whole = Self.gray(2, 2) { x, y in x + y }.bytes
        let text = PNGWriter.chunk("zTXt", Array("key\0\0".utf8))
        let spot = 33  // Behind the header.
        let withText = Array(whole[..<spot] + text + whole[spot...] + text)
        #expect(PNGChunks.makingPixels(of: withText) == whole)
        #expect(
            try PNGImage(bytes: withText, file: "text.png").raster.pixels
                == PNGImage(bytes: whole, file: "text.png").raster.pixels)
        for length: [UInt8] in [[0x7A, 0x54, 0x58, 0x74], [0xFF, 0xFF, 0xFF, 0xFF]] {
            let claims = Array(whole[..<spot] + length + text[4...] + whole[spot...])
            #expect(PNGChunks.makingPixels(of: claims) == nil)
            #expect(throws: PictureError.self) { try PNGImage(bytes: claims, file: "text.png") }
        }
    }

    @Test func unreadableFilesAreNamed() throws {
        #expect(
            throws: PictureError(
                file: "/no/such.png", problem: "No such file or directory",
                expected: "a readable file")
        ) { try PNGImage(contentsOf: URL(fileURLWithPath: "/no/such.png")) }
        #expect(throws: PictureError.self) {
            try PNGImage(contentsOf: URL(fileURLWithPath: "/tmp"))
        }
    }

    /// 2×2 blocks, and 3 pixels to 2: the middle one counts half on both sides.
    @Test func imagesAreScaledByArea() throws {
        let block = try PNGImage(
            bytes: Self.gray(4, 2) { x, y in [0, 255, 51, 51, 255, 0, 51, 51][y * 4 + x] }.bytes,
            file: "block.png")
        let halved = try block.tensor(channels: 1, height: 1, width: 2)
        #expect(halved.shape == [1, 1, 1, 2])
        try expectClose(halved.scalars, [0.5, 0.2])
        try expectClose(
            block.tensor(channels: 1, height: 1, width: 2, inverted: true).scalars, [0.5, 0.8])
        let three = try PNGImage(
            bytes: Self.gray(3, 1) { x, _ in [0, 255, 0][x] }.bytes, file: "three.png")
        try expectClose(
            three.tensor(channels: 1, height: 1, width: 2).scalars, [1.0 / 3, 1.0 / 3])
        try expectClose(
            three.tensor(channels: 1, height: 1, width: 6).scalars, [0, 0, 1, 1, 0, 0])
        // Rows stay rows: a wide image's first row is the result's first.
        let tall = try PNGImage(
            bytes: Self.gray(1, 2) { _, y in y * 255 }.bytes, file: "tall.png")
        try expectClose(tall.tensor(channels: 1).scalars, [0, 1])
    }

    @Test func coloursBecomeChannelsOrBrightness() throws {
        let red = PNGWriter(
            width: 2, height: 1, bitDepth: 8, colorType: 2,
            sample: { x, _, channel in channel == x ? 255 : 0 })
        let image = try PNGImage(bytes: red.bytes, file: "red.png")
        // Red, then green.
        try expectClose(image.tensor(channels: 3).scalars, [1, 0, 0, 1, 0, 0])
        try expectClose(image.tensor(channels: 1).scalars, [0.299, 0.587])
    }

    @Test func impossibleTensorsAreRefused() throws {
        let image = try PNGImage(bytes: Self.gray(1, 1) { _, _ in 0 }.bytes, file: "dot.png")
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
