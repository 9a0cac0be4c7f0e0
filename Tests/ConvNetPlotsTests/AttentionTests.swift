// SPDX-License-Identifier: MIT
//
// Maps over photographs, several trainings in one picture, and tables of many classes: pixels
// at known places.

import ConvNetTensor
import Foundation
import Testing

@testable import ConvNetPlots

struct AttentionTests {
    /// A gray image of 2×2, each pixel 160 units wide: its places are those of the map.
    @Test func aMapLiesHalfAndHalfOverItsImage() throws {
        let image = try Tensor(shape: [1, 1, 2, 2], scalars: [0, 1, 1, 0])
        let map = try Tensor(shape: [1, 1, 2, 2], scalars: [0, 2, 0, 2])
        let raster = try Picture.attention(image: image, map: map).raster()
        #expect(raster[50, 50] == 0 && raster[300, 50] == 0xFFFFFF)
        // The right image begins 16 units behind the left one, which ends at 336.
        func mixed(_ image: Double, _ share: Double) -> UInt32 {
            let color = Palette.rising.color(at: share)
            return Color(
                (image + color.red) / 2, (image + color.green) / 2, (image + color.blue) / 2
            ).code
        }
        #expect(raster[352 + 50, 50] == mixed(0, 0))
        #expect(raster[352 + 300, 50] == mixed(1, 1))
        #expect(raster[352 + 300, 300] == mixed(0, 1))
        #expect(raster.width == 16 + 320 + 16 + 320 + 16)
    }

    /// A map of two places over 320 units: flat in the outer quarters, a line between their ends.
    @Test func aCoarseMapIsEnlargedEvenly() throws {
        let image = try Tensor(zeros: [1, 3, 1, 4])
        let map = try Tensor(shape: [1, 1, 1, 2], scalars: [0, 4])
        let raster = try Picture.attention(image: image, map: map).raster()
        // The pixels behind the middles of four parts.
        for (pixel, share) in [0, 40.5 / 160, 120.5 / 160, 1].enumerated() {
            let color = Palette.rising.color(at: share)
            let half = Color(color.red / 2, color.green / 2, color.blue / 2).code
            #expect(raster[352 + 80 * pixel + 40, 16 + 40] == half, "pixel \(pixel)")
        }
    }

    @Test func mapsThatAreNoneAreRefused() throws {
        let image = try Tensor(zeros: [1, 3, 2, 2])
        for map in [
            try Tensor(zeros: [1, 2, 2, 2]), try Tensor(shape: [1, 1, 1, 1], scalars: [-1]),
            try Tensor(shape: [1, 1, 1, 1], scalars: [.nan]),
        ] {
            #expect(throws: TensorError.self) {
                _ = try Picture.attention(image: image, map: map)
            }
        }
        // A map of zeros has a picture too.
        _ = try Picture.attention(image: image, map: Tensor(zeros: [1, 1, 2, 2])).raster()
    }

    /// Two epochs: x is at a quarter and three quarters of 330 units from 70 on, the loss from 0 to
    /// 1 on 234 units from 42 on.
    @Test func runsHaveTheirColours() throws {
        let runs = [
            TrainingRun(
                name: "one", curves: LearningCurves(trainLoss: [1, 1], testLoss: [0.75, 0.25])),
            TrainingRun(
                name: "two", curves: LearningCurves(trainLoss: [1, 1], testLoss: [0.5, 0.75])),
        ]
        let raster = try Picture.learningCurves(of: runs).raster()
        #expect(raster[152, 100] == 0x0072B2)
        #expect(raster[152, 159] == 0xD55E00)
        #expect(raster[317, 217] == 0x0072B2)
        // The samples of the legend.
        #expect(raster[85, 330] == 0x0072B2 && raster[85, 347] == 0xD55E00)
        #expect(throws: TensorError.self) { _ = try Picture.learningCurves(of: []) }
        #expect(throws: TensorError.self) {
            _ = try Picture.learningCurves(of: Array(repeating: runs[0], count: 9))
        }
        #expect(throws: TensorError.self) {
            _ = try Picture.learningCurves(
                of: [TrainingRun(name: "none", curves: LearningCurves(trainLoss: []))])
        }
        let epochs = [1, 30].map { count in
            TrainingRun(
                name: "\(count)",
                curves: LearningCurves(trainLoss: (0..<count).map { 1 / Double($0 + 1) }))
        }
        _ = try Picture.learningCurves(of: epochs).raster()
    }

    /// 200 classes on 720 units, from (60, 78) on: a cell is 3.6 units wide.
    @Test func manyClassesAreAnImageAndAList() throws {
        var counts = (0..<200).map { row in (0..<200).map { $0 == row ? 4 : 0 } }
        counts[0][199] = 8
        let raster = try Picture.confusion(counts).raster()
        #expect(raster[62, 800 - 4] == 0xFFFFFF)
        #expect(raster[60 + 360 + 2, 78 + 360 + 2] == 0x2171B5)
        #expect(raster[60 + 719, 78 + 1] == 0xD94801)
        let table = try Picture.confusion([[1]]).raster()
        // The list of pairs stands beside it.
        #expect(raster.width > 60 + 720 + 62 + 100 && table.width < 400)
        let pairs = ConfusedPairs(counts: counts, names: [])
        #expect(!pairs.isEmpty && ConfusedPairs(counts: [[1]], names: []).isEmpty)
        #expect(ConfusedPairs.text(1, 0, ["cat", "dog"]) == "dog as cat")
        #expect(ConfusedPairs.text(1, 7, ["cat", "dog"]) == "dog as 7")
    }

    @Test func classesHaveTheirNames() throws {
        let counts = (0..<8).map { row in (0..<8).map { $0 == row ? 3 : 1 } }
        let plain = try Picture.confusion(counts).raster()
        let named = try Picture.confusion(counts, names: (0..<8).map { "name \($0)" }).raster()
        #expect(named.width > plain.width)
        #expect(throws: TensorError.self) { _ = try Picture.confusion(counts, names: ["one"]) }
    }
}
