// SPDX-License-Identifier: MIT
//
// Synthetic digits: always the same, balanced, in range, and drawn by a pen that draws right.

import ConvNetTensor
import Testing

@testable import ConvNetData

@Suite struct SyntheticDigitsTests {
    @Test func formatIsMNISTs() throws {
        let digits = try SyntheticDigits.make(count: 205, seed: 1)
        #expect(digits.images.shape == [205, 1, 28, 28])
        #expect(digits.images.scalarType == .float32)
        #expect(digits.classes == 10)
        for scalar in digits.images.scalars {
            #expect(scalar >= 0 && scalar <= 1 && scalar == (scalar * 255).rounded() / 255)
        }
    }

    @Test func labelsAreBalanced() throws {
        let labels = try SyntheticDigits.make(count: 205, seed: 1).labels
        for digit in 0..<10 {
            #expect(labels.count { $0 == digit } == (digit < 5 ? 21 : 20))
        }
    }

    /// A seed always means the same images: the hash is FNV-1a over the pixels' 256 levels.
    @Test(
        arguments: [(1, 0x7F61_831B_9609_F0C9), (2, 0x8155_993C_C36C_F102)] as [(UInt64, UInt64)])
    func imagesArePinned(seed: UInt64, hash: UInt64) throws {
        let scalars = try SyntheticDigits.make(count: 100, seed: seed).images.scalars
        let found = scalars.reduce(0xCBF2_9CE4_8422_2325 as UInt64) {
            ($0 ^ UInt64($1 * 255 + 0.5)) &* 0x100_0000_01B3
        }
        #expect(found == hash, "0x\(String(found, radix: 16))")
    }

    @Test func largerSetBeginsWithTheSmaller() throws {
        let larger = try SyntheticDigits.make(count: 47, seed: 9)
        let smaller = try SyntheticDigits.make(count: 13, seed: 9)
        #expect(try larger.prefix(13).images == smaller.images)
    }

    @Test func noTwoImagesAreEqual() throws {
        let all = try [1 as UInt64, 2].flatMap { seed in
            let images = try SyntheticDigits.make(count: 100, seed: seed).images
            return try (0..<100).map { try images.samples($0..<$0 + 1).scalars }
        }
        #expect(Set(all).count == 200)
    }

    /// The nearest mean image of another seed names most digits, so that labels and images belong
    /// together. Guessing would get 10 of 100 right, and 50 only once in 10²³ times.
    @Test func digitsLookLikeTheirKind() throws {
        let known = try SyntheticDigits.make(count: 500, seed: 1).images.scalars
        var means = Array(repeating: [Float](repeating: 0, count: 784), count: 10)
        for (place, scalar) in known.enumerated() {
            means[place / 784 % 10][place % 784] += scalar / 50
        }
        let asked = try SyntheticDigits.make(count: 100, seed: 2).images.scalars
        let rightCount = (0..<100).count { sample in
            let image = asked[sample * 784..<(sample + 1) * 784]
            let distances = means.map {
                zip($0, image).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
            }
            return distances.indices.min { distances[$0] < distances[$1] } == sample % 10
        }
        #expect(rightCount > 50, "\(rightCount) of 100")
    }

    @Test(arguments: [0, -5]) func emptySetIsRefused(count: Int) {
        #expect(
            description(of: { try SyntheticDigits.make(count: count, seed: 1) })
                == "SyntheticDigits: count is \(count), expected at least 1")
    }

    @Test func impossibleSetIsRefused() {
        #expect(throws: TensorError.self) { try SyntheticDigits.make(count: .max, seed: 1) }
    }

    @Test(arguments: 0..<10) func glyphsAreWellFormed(digit: Int) {
        for glyph in DigitGlyph.variants[digit] {
            #expect(glyph.points.allSatisfy { (0...1).contains($0.x) && (0...1).contains($0.y) })
            #expect(Set(glyph.strokes.joined()) == Set(glyph.points.indices))
            #expect(glyph.strokes.allSatisfy { $0.count >= 2 })
        }
    }
}

@Suite struct StrokeRasterTests {
    /// A line along the centres of row 4, from column 2 to column 6, with a pen of radius 1: full
    /// ink in its row, half in the rows beside it, none beyond; a round end.
    @Test func lineHasTheExpectedInk() {
        var raster = StrokeRaster(side: 9)
        raster.addStroke(through: [SIMD2(2.5, 4.5), SIMD2(6.5, 4.5)])
        func ink(_ row: Int, _ column: Int) -> Double {
            raster.coverage(at: row * 9 + column, radius: 1)
        }
        for column in 2...6 {
            #expect((2...6).map { ink($0, column) } == [0, 0.5, 1, 0.5, 0])
        }
        #expect(ink(4, 1) == 0.5)
        #expect(ink(4, 0) == 0)
        #expect(abs(ink(3, 1) - (1.5 - 2.0.squareRoot())) < 1e-12)
        #expect(ink(0, 0) == 0)
    }

    /// Points on a straight line give a straight line, whatever the spline does between them.
    @Test func curveThroughALineIsTheLine() {
        var (curve, line) = (StrokeRaster(side: 12), StrokeRaster(side: 12))
        curve.addStroke(through: [SIMD2(1, 2), SIMD2(4, 5), SIMD2(7, 8), SIMD2(10, 11)])
        line.addStroke(through: [SIMD2(1, 2), SIMD2(10, 11)])
        for place in 0..<144 {
            let difference =
                curve.coverage(at: place, radius: 1.5) - line.coverage(at: place, radius: 1.5)
            #expect(abs(difference) < 1e-12)
        }
    }

    @Test func loopIsSymmetric() {
        var raster = StrokeRaster(side: 10)
        raster.addStroke(
            through: [SIMD2(5, 2), SIMD2(8, 5), SIMD2(5, 8), SIMD2(2, 5), SIMD2(5, 2)])
        let ink = (0..<100).map { raster.coverage(at: $0, radius: 1) }
        for row in 0..<10 {
            for column in 0..<10 {
                #expect(abs(ink[row * 10 + column] - ink[column * 10 + row]) < 1e-12)
                #expect(abs(ink[row * 10 + column] - ink[row * 10 + 9 - column]) < 1e-12)
            }
        }
        #expect(ink.contains(1) && ink[44] == 0)
    }

    @Test func strokesOutsideAreCutOff() {
        var raster = StrokeRaster(side: 5)
        raster.addStroke(through: [SIMD2(-50, -50), SIMD2(-40, 70)])
        raster.addStroke(through: [SIMD2(2.5, 70), SIMD2(90, 2.5)])
        #expect((0..<25).allSatisfy { raster.coverage(at: $0, radius: 2) == 0 })
    }

    @Test func clearedRasterIsBlank() {
        var raster = StrokeRaster(side: 5)
        raster.addStroke(through: [SIMD2(0, 0), SIMD2(5, 5)])
        raster.clear()
        #expect((0..<25).allSatisfy { raster.coverage(at: $0, radius: 2) == 0 })
    }
}
