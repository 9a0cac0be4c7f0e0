// SPDX-License-Identifier: MIT
//
// Scaled images are Pillow's, sample for sample; parts of images are where they should be.

import ConvNetTensor
import Testing

@testable import ConvNetImages

struct ResizingTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let filter: ResizingFilter
        let width, height: Int
        var kind = "ppm"
        var testDescription: String { "\(filter.rawValue)-\(width)x\(height).\(kind)" }
    }

    static let cases = ResizingFilter.allCases.flatMap { filter in
        [(20, 15), (100, 80), (61, 10), (7, 43), (1, 1), (59, 47)].prefix(
            filter == .nearest ? 2 : 6
        )
        .map { Case(filter: filter, width: $0, height: $1) }
            + [Case(filter: filter, width: 24, height: 31, kind: "pgm")]
    }

    @Test(arguments: cases) func imagesAreScaledAsPillowScalesThem(_ scaling: Case) throws {
        let source = try ImageFixtures.image("source.\(scaling.kind)")
        let scaled = try source.resized(
            width: scaling.width, height: scaling.height, filter: scaling.filter)
        let expected = try ImageFixtures.image(scaling.testDescription)
        let difference = try #require(scaled.largestDifference(to: expected))
        // 1 would do; the same whole numbers are added.
        #expect(difference == 0)
    }

    @Test func grayIsPillows() throws {
        let gray = try ImageFixtures.image("source.ppm").converted(toChannels: 1)
        #expect(gray == (try ImageFixtures.image("source.pgm")))
        #expect(try gray.converted(toChannels: 3).converted(toChannels: 1) == gray)
    }

    /// Three columns of 1, 2 and 3, two rows.
    private static func small() throws -> Image {
        try Image(width: 3, height: 2, channels: 1, bytes: [1, 2, 3, 4, 5, 6])
    }

    @Test func partsAreWhereTheyShouldBe() throws {
        let image = try Self.small()
        #expect(try image.cropped(x: 1, y: 0, width: 2, height: 2).bytes == [2, 3, 5, 6])
        #expect(try image.centerCropped(width: 1, height: 1).bytes == [2])
        #expect(try image.centerCropped(width: 2, height: 2).bytes == [1, 2, 4, 5])
        #expect(image.flipped().bytes == [3, 2, 1, 6, 5, 4])
        #expect(image.inverted().bytes == [254, 253, 252, 251, 250, 249])
        #expect(try image.resized(width: 3, height: 2) == image)
        #expect(try image.resized(shorterSide: 4).width == 6)
        let photograph = try Image(
            width: 640, height: 427, channels: 1,
            bytes: Array(repeating: 9, count: 640 * 427))
        let scaled = try photograph.resized(shorterSide: 256)
        #expect([scaled.width, scaled.height] == [383, 256])
        #expect(scaled.bytes.allSatisfy { $0 == 9 })
    }

    @Test func samplesBecomeNumbers() throws {
        let image = try Image(
            width: 2, height: 1, channels: 3, bytes: [0, 51, 255, 102, 153, 204])
        let x = try image.tensor()
        #expect(x.shape == [3, 1, 2])
        #expect(x.scalars == [0, 0.4, 0.2, 0.6, 1, 0.8])
    }

    @Test func impossibleCallsAreRefused() throws {
        let image = try Self.small()
        for (width, height) in [(0, 1), (1, -1), (32_768, 1), (32_767, 32_767), (Int.max, Int.max)]
        {
            let error = #expect(throws: TensorError.self) {
                try image.resized(width: width, height: height)
            }
            #expect(
                error?.description.contains("\(width) x \(height) pixels, expected sides from 1 to")
                    == true)
        }
        for side in [0, -5, 40_000, Int.max, Int.min] {
            #expect(throws: TensorError.self) { try image.resized(shorterSide: side) }
        }
        for (x, y, width, height) in [
            (0, 0, 4, 1), (-1, 0, 1, 1), (0, 1, 1, 2), (3, 0, 1, 1), (0, 0, 0, 1),
            (Int.max, 0, Int.max, 1),
        ] {
            #expect(throws: TensorError.self) {
                try image.cropped(x: x, y: y, width: width, height: height)
            }
        }
        for (width, height) in [(4, 1), (1, 3), (0, 1), (Int.min, 1), (1, Int.min), (Int.max, 1)] {
            #expect(throws: TensorError.self) {
                try image.centerCropped(width: width, height: height)
            }
        }
        #expect(throws: TensorError.self) { try image.converted(toChannels: 2) }
        #expect(throws: TensorError.self) {
            try Image(width: 1, height: 1, channels: 2, bytes: [1, 2])
        }
        #expect(throws: TensorError.self) {
            try Image(width: 2, height: 1, channels: 1, bytes: [1])
        }
    }
}
