// SPDX-License-Identifier: MIT
//
// Axes and what stands on them: curves, the confusion matrix, the roofline.

import ConvNetTensor
import Testing

@testable import ConvNetPlots

struct ChartTests {
    /// Numbers whose difference is infinite, or lost when it is rounded.
    @Test(arguments: [
        -Double.greatestFiniteMagnitude...Double.greatestFiniteMagnitude, 1e300...1e300,
        1e17...1e17,
        0...Double.leastNonzeroMagnitude, -1e16...(-1e16), 1e15...1e15 + 0.125,
    ])
    func axesOfAnyNumbersHaveSomeTicks(_ range: ClosedRange<Double>) {
        let axis = Axis(linear: range)
        #expect((2...20).contains(axis.ticks.count))
        #expect(axis.upper > axis.lower && (axis.upper - axis.lower).isFinite)
        #expect(axis.share(of: range.lowerBound).isFinite)
    }

    @Test func ticksAreRound() {
        let axis = Axis(linear: 0...0.97)
        #expect(axis.ticks.map { Labels.number($0) } == ["0", "0.2", "0.4", "0.6", "0.8", "1"])
        #expect((axis.lower, axis.upper) == (0, 1))
        #expect(Axis(linear: -3...12).ticks == [-5, 0, 5, 10, 15])
        // Equal numbers have an axis too.
        #expect(abs(Axis(linear: 7...7).share(of: 7) - 0.5) <= 1e-14)
        #expect(Axis(logarithmic: 3...40).ticks == [2, 4, 8, 16, 32, 64])
        #expect(Axis(logarithmic: 1...1000).ticks == [1, 10, 100, 1000])
        #expect(Axis(logarithmic: 4...4).ticks == [4, 8])
        #expect(Axis(wholeNumbersTo: 3).ticks == [1, 2, 3])
        #expect(Axis(wholeNumbersTo: 20).ticks == [5, 10, 15, 20])
        #expect(abs(Axis(logarithmic: 1...256).share(of: 16) - 0.5) <= 1e-15)
    }

    @Test(arguments: [
        (0.25, "0.25"), (-1.3, "−1.3"), (1301, "1301"), (12_345, "12345"), (0, "0"),
        (0.00003, "3e−05"), (1e9, "1e+09"), (999.6, "1000"),
    ])
    func numbersAreShort(_ value: Double, _ text: String) {
        #expect(Labels.number(value) == text)
    }

    @Test(arguments: [(1.0, "100.0 %"), (0.99999, "99.9 %"), (0, "0.0 %"), (1e-9, "0.1 %")])
    func sharesAreExactOnlyAtTheirEnds(_ share: Double, _ text: String) {
        #expect(Labels.percent(share) == text)
    }

    @Test func palettesEndInTheirColours() {
        #expect(Palette.gray.color(at: 0.5).code == 0x808080)
        #expect(Palette.signed.color(at: 0.5).code == 0xF7F7F7)
        #expect(Palette.rising.color(at: -3).code == 0x440154)
        #expect(Palette.rising.color(at: 7).code == 0xFDE725)
        #expect(Palette.rising.color(at: .nan) == .notANumber)
        // Outliers may go beyond the ends of a scale.
        let numbers = [Float](repeating: 1, count: 999) + [1000]
        #expect(ColorScale(for: numbers, clippedShare: 0.005).upper == 1)
        #expect(ColorScale(for: numbers).upper == 1000)
        #expect(ColorScale(for: [0, 0]).color(of: 0).code == 0x440154)
        #expect(ColorScale(for: [-2, 1]).lower == -2)
        let equal = ColorScale(stretchedOver: [3, 3, 3], clippedShare: 0)
        #expect((equal.lower, equal.upper) == (2.5, 3.5))
    }

    /// Two epochs: x is at a quarter and three quarters of 330 units from 70 on, the loss from 0 to
    /// 1 on 234 units from 42 on.
    @Test func curvesPassThroughTheirPoints() throws {
        let raster = try Picture.learningCurves(
            LearningCurves(trainLoss: [1, 0.5], testLoss: [0.75, 0.25])
        ).raster()
        let (train, test): (UInt32, UInt32) = (0x0072B2, 0xD55E00)
        #expect(raster[317, 159] == train)
        #expect(raster[152, 100] == test)
        #expect(raster[317, 217] == test)
        #expect(raster[152, 217] != test)
        #expect(raster.width == 420 + 16)
    }

    @Test func curvesOfAnyLengthAreDrawn() throws {
        for count in [1, 2, 41, 1000] {
            let numbers = (1...count).map { 1 / Double($0) }
            _ = try Picture.learningCurves(
                LearningCurves(
                    trainLoss: numbers, testLoss: numbers, trainAccuracy: numbers,
                    testAccuracy: numbers)
            ).raster()
        }
        _ = try Picture.learningCurves(
            LearningCurves(trainLoss: [0, 0], testAccuracy: [1, 1])
        ).raster()
        for wrong in [
            LearningCurves(trainLoss: []), LearningCurves(trainLoss: [1], testLoss: [1, 2]),
            LearningCurves(trainLoss: [.nan]), LearningCurves(trainLoss: [], testAccuracy: [1]),
        ] {
            #expect(throws: TensorError.self) { try Picture.learningCurves(wrong) }
        }
    }

    /// Cells of 36 units from (60, 78) on: right ones blue, mistakes orange, by their own scales.
    @Test func confusionHasItsCellsInTheirPlaces() throws {
        let raster = try Picture.confusion([[4, 0], [1, 0]]).raster()
        #expect(raster[64, 82] == 0x2171B5)
        #expect(raster[100, 82] == 0xFFFFFF)
        #expect(raster[64, 118] == 0xD94801)
        #expect(raster[100, 118] == 0xFFFFFF)
    }

    @Test func confusionOfAnySizeIsDrawn() throws {
        let image = try Tensor(zeros: [1, 1, 2, 2])
        for classes in [1, 10, 30, 100, 300] {
            let counts = (0..<classes).map { row in
                (0..<classes).map { $0 == row ? 123_456 : row % 3 }
            }
            let mistakes = (0..<classes).map {
                Mistake(index: $0, label: 0, prediction: 1, probability: 0.9, image: image)
            }
            _ = try Picture.confusion(counts, mistakes: mistakes).raster()
        }
        for wrong in [[], [[1, 2]], [[1], [2]], [[-1]]] {
            #expect(throws: TensorError.self) { try Picture.confusion(wrong) }
        }
        let many = Array(repeating: Array(repeating: 0, count: 1001), count: 1001)
        #expect(throws: TensorError.self) { try Picture.confusion(many) }
    }

    private static let limits = MachineLimits(title: "machine", peak: 100, bandwidth: 10)

    private static func point(
        _ operations: Double, _ bytes: Double, seconds: Double = 1, speedup: Double? = nil,
        peers: [String: Double] = [:]
    ) -> BenchmarkPoint {
        BenchmarkPoint(
            name: "a.b", family: "a", seconds: seconds, operations: operations, bytes: bytes,
            speedup: speedup, peers: peers)
    }

    /// The ridge is at 10 operations per byte.
    @Test(arguments: [
        (50.0, 1.0, 0.5), (20, 4, 0.4), (100, 10, 1), (0, 5, 0.5), (300, 100, 10),
    ])
    func sharesAreOfTheRoof(_ operations: Double, _ bytes: Double, _ share: Double) {
        #expect(Self.limits.share(of: Self.point(operations, bytes)) == share)
    }

    @Test func benchmarksOfAnyKindAreDrawn() throws {
        for points in [
            [Self.point(0, 5)], [Self.point(50, 1, speedup: 1)],
            [Self.point(50, 1, speedup: 0.5, peers: ["x": 0.25, "y": 8]), Self.point(1, 1)],
            Array(repeating: Self.point(50, 1, speedup: 1000), count: 200),
        ] { _ = try Picture.benchmark(points, limits: Self.limits).raster() }
        for wrong in [
            [], [Self.point(-1, 1)], [Self.point(1, 0)], [Self.point(1, 1, seconds: .nan)],
            [Self.point(1, 1, speedup: .infinity)], [Self.point(1e308, 1)], [Self.point(1, 1e-308)],
            [Self.point(.leastNonzeroMagnitude, 1)], [Self.point(1, 1, peers: ["x": 0])],
        ] {
            #expect(throws: TensorError.self) {
                try Picture.benchmark(wrong, limits: Self.limits)
            }
        }
    }
}
