// SPDX-License-Identifier: MIT
//
// What is drawn is where it should be, in the colour it should have: pixels at known places of
// small pictures, at one pixel per unit.

import ConvNetImages
import ConvNetTensor
import ConvNetTestSupport
import Foundation
import Testing

@testable import ConvNetPlots

struct PictureTests {
    /// Two filters of 2×2: cells of 44 units, 16 from the left and 27 from the top, 51 apart.
    @Test func filtersHaveTheirColoursInTheirPlaces() throws {
        let weights = try Tensor(shape: [2, 1, 2, 2], scalars: [2, -2, 0, 1, -2, 0, 0, 2])
        let raster = try Picture.filters(weights).raster()
        let (most, least, zero): (UInt32, UInt32, UInt32) = (0xB2182B, 0x2166AC, 0xF7F7F7)
        // Half of the greatest: halfway between the fifth and the sixth of seven colours.
        let half = Palette.signed.color(at: 0.75).code
        for (x, y, color) in [
            (27, 38, most), (49, 38, least), (27, 60, zero), (49, 60, half),
            (78, 38, least), (100, 38, zero), (78, 60, zero), (100, 60, most),
        ] {
            #expect(raster[x, y] == color, "(\(x), \(y)) is \(String(raster[x, y], radix: 16))")
        }
        // The first and the last pixel of a cell, and what lies around it.
        #expect(raster[16, 27] == most)
        #expect(raster[59, 70] == half)
        #expect(raster[5, 5] == 0xFFFFFF)
        #expect(raster[63, 40] == 0xFFFFFF)
    }

    @Test func whatWasBeforeStandsLeftOnItsOwnScale() throws {
        let before = try Tensor(shape: [1, 1, 1, 1], scalars: [-0.001])
        let after = try Tensor(shape: [1, 1, 1, 1], scalars: [5])
        let picture = try Picture.filters(after, before: before)
        let raster = try picture.raster()
        // 22 units of title, 11 of label; a grid of one cell is as wide as its scale: 150 units.
        #expect(raster[38, 71] == 0x2166AC)
        #expect(raster[38 + 150 + 36, 71] == 0xB2182B)
        #expect(raster.width == 16 + 150 + 36 + 150 + 16)
    }

    @Test func threeChannelsAreColours() throws {
        let weights = try Tensor(shape: [1, 3, 1, 2], scalars: [4, 0, -4, 0, 0, 4])
        let raster = try Picture.filters(weights).raster()
        // Red full, green none, blue half; then red and green half, blue full.
        #expect(raster[20, 38] == 0xFF0080)
        #expect(raster[45, 38] == 0x8080FF)
    }

    @Test func whatIsNotANumberStandsOut() throws {
        let weights = try Tensor(shape: [1, 1, 1, 2], scalars: [.nan, .infinity])
        let raster = try Picture.filters(weights).raster()
        #expect(raster[20, 38] == 0xFF00FF)
        // Beyond the end of the scale is its last colour.
        #expect(raster[45, 38] == 0xB2182B)
    }

    /// Filters of two channels show each by itself: 512 filters are the most.
    @Test func impossibleFiltersAreRefused() throws {
        let weights = try Tensor(zeros: [600, 2, 1, 1])
        #expect(
            throws: TensorError(
                operation: "Picture.filters", argument: "limit", value: "600",
                expected: "at most 512 filters of 2 channels")
        ) { try Picture.filters(weights) }
        _ = try Picture.filters(weights, limit: 512)
        #expect(throws: TensorError.self) { try Picture.filters(Tensor(zeros: [1, 2, 3])) }
        #expect(throws: TensorError.self) {
            try Picture.filters(Tensor(zeros: [1, 1, 2, 2]), before: Tensor(zeros: [1, 1, 2, 3]))
        }
    }

    /// The image at the left, upright; a response from black to white at the right.
    @Test func responsesAreStretchedAndUpright() throws {
        let image = try Tensor(shape: [1, 1, 2, 1], scalars: [1, 0])
        let weights = try Tensor(shape: [1, 1, 1, 1], scalars: [-3])
        let responses = try Tensor(shape: [1, 1, 2, 1], scalars: [-3, 0])
        let raster = try Picture.responses(image: image, weights: weights, responses: responses)
            .raster()
        // 260 units high below 46 of margin and head: white above, black below.
        #expect(raster[18, 60] == 0xFFFFFF)
        #expect(raster[18, 290] == 0x000000)
        // Right of 16 + 150 + 28, where the response is 125 units high.
        #expect(raster[200, 60] == 0x000000)
        #expect(raster[200, 150] == 0xFFFFFF)
        for wrong in [[1, 2, 2, 1], [2, 1, 2, 1], [1, 2]] {
            #expect(throws: TensorError.self, "\(wrong)") {
                try Picture.responses(
                    image: image, weights: weights, responses: Tensor(zeros: wrong))
            }
        }
        #expect(throws: TensorError.self) {
            try Picture.responses(
                image: Tensor(zeros: [1, 3, 2, 1]), weights: weights, responses: responses)
        }
    }

    @Test func featuresShowEachLayer() throws {
        let image = try Tensor(shape: [1, 1, 1, 1], scalars: [1])
        let layers = [
            LayerOutput(
                name: "a", kind: "A",
                output: try Tensor(shape: [1, 2, 1, 2], scalars: [0, 4, 4, 0])),
            LayerOutput(
                name: "b", kind: "B", output: try Tensor(shape: [1, 2], scalars: [-1, 2])),
            LayerOutput(name: "c", kind: "C", output: try Tensor(zeros: [1, 5000])),
        ]
        let raster = try Picture.features(image: image, layers: layers).raster()
        // 148 units from the left, below the image's 96 and a gap; a map is 64 wide, and 70 apart.
        let (first, second) = (148, 148 + 70)
        let y = 16 + 96 + 16 + 10
        #expect(raster[first + 10, y] == 0x440154)
        #expect(raster[first + 50, y] == 0xFDE725)
        #expect(raster[second + 10, y] == 0xFDE725)
        #expect(raster[second + 50, y] == 0x440154)
        #expect(raster[first + 67, y] == 0xFFFFFF)
        #expect(throws: TensorError.self) {
            try Picture.features(image: image, layers: layers, channels: 65)
        }
        #expect(throws: TensorError.self) {
            try Picture.features(
                image: image,
                layers: [LayerOutput(name: "d", kind: "D", output: Tensor(zeros: [2, 3]))])
        }
    }

    @Test func bothFormatsHoldThePicture() throws {
        let picture = try Picture.filters(Tensor(shape: [1, 1, 1, 1], scalars: [1]))
        let image = try Image(bytes: picture.bytes(.png, scale: 1), file: "filters.png")
        let pixels = try picture.raster().pixels
        let samples: [UInt8] = pixels.flatMap { pixel in
            [UInt32(16), 8, 0].map { UInt8(pixel >> $0 & 255) }
        }
        #expect(image.bytes == samples)
        #expect(try Image(bytes: picture.bytes(.png), file: "").width == image.width * 2)
        let svg = String(decoding: try picture.bytes(.svg), as: UTF8.self)
        #expect(svg.hasPrefix("<?xml"))
        #expect(svg.contains("width=\"\(image.width)px\" height=\"\(image.height)px\""))
        #expect(svg.hasSuffix("</svg>\n"))
    }

    @Test func filesAreWrittenByTheirEnding() throws {
        let picture = try Picture.filters(Tensor(zeros: [1, 1, 1, 1]))
        try withTemporaryFolder { folder in
            let png = folder.appendingPathComponent("a.PNG")
            let svg = folder.appendingPathComponent("a.svg")
            try picture.write(to: png)
            try picture.write(to: svg)
            #expect(try Data(contentsOf: png).starts(with: [0x89, 0x50, 0x4E, 0x47]))
            #expect(try Data(contentsOf: svg).starts(with: Data("<?xml".utf8)))
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).count == 2)
        }
        #expect(
            throws: FileError(
                file: "/tmp/a.jpg", problem: "not a picture's name",
                expected: "one that ends in .png or .svg")
        ) { try picture.write(to: URL(fileURLWithPath: "/tmp/a.jpg")) }
        #expect(
            throws: FileError(
                file: "/no/such/a.png", problem: "can't be written: No such file or directory",
                expected: "a file in a writable folder")
        ) { try picture.write(to: URL(fileURLWithPath: "/no/such/a.png")) }
    }

    @Test(arguments: [(40_000.0, 1.0), (20_000, 20_000), (0, 5), (.infinity, 5), (.nan, 1)])
    func pixelsAreCountedBeforeThereIsMemory(_ width: Double, _ height: Double) throws {
        let picture = Picture(width: width, height: height) { _ in }
        #expect(throws: FileError.self) { try picture.bytes(.png, scale: 1) }
    }

    @Test(arguments: [0, -1, .nan, .leastNonzeroMagnitude, 0.015, .infinity])
    func aScaleThatLeavesNoPixelIsRefused(_ scale: Double) {
        let picture = Picture(width: 100, height: 50) { _ in }
        let error = #expect(throws: FileError.self) { try picture.bytes(.png, scale: scale) }
        #expect(error?.problem == "a picture of \(100 * scale) x \(50 * scale) pixels")
    }

    /// Cairo goes on without drawing once it has failed; LeakSanitizer sees what that
    /// leaves behind.
    @Test(arguments: [PictureFormat.png, .svg])
    func whatCairoCannotDrawIsAnError(_ format: PictureFormat) {
        let image = Raster(width: 3, height: 2, pixels: Array(repeating: 0, count: 6))
        let picture = Picture(width: 100, height: 50) { canvas in
            canvas.image(image, in: Rectangle(0, 0, 0, 0))
            canvas.image(image, in: Rectangle(0, 0, 30, 20))
        }
        let error = #expect(throws: FileError.self) { try picture.bytes(format) }
        // The cause is in Cairo's words; it is not always a lack of memory.
        #expect(
            error?.description
                == "picture: can't be drawn: invalid matrix (not invertible), "
                + "expected a picture that Cairo can draw")
    }
}
