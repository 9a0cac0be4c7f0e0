// SPDX-License-Identifier: MIT
//
// The digits that commands work on: real ones from a folder, or drawn ones.

import ConvNet
import ConvNetData
import ConvNetOptions
import Foundation

enum DataSets {
    /// How many digits are drawn where no folder is named.
    static let drawnTraining = 10_000, drawnTest = 2_000

    /// Drawn test digits never meet the ones that were trained with.
    private static let testSeed: UInt64 = 0x7E57_D161_7500_0000

    static let options = [
        Option("data", "DIR", "The folder with MNIST's four files; without it digits are drawn."),
        Option("limit", "N", "Use only the first N images."),
    ]

    /// The digits to train with.
    static func training(_ options: Options, seed: UInt64) throws -> LabeledImages {
        let limit = try options.int("limit")
        if let folder = options.string("data") {
            return try limited(MNIST.load(from: URL(fileURLWithPath: folder), .training), limit)
        }
        return try SyntheticDigits.make(count: checked(limit) ?? drawnTraining, seed: seed)
    }

    /// The digits to evaluate with.
    static func test(_ options: Options, limit: Int?) throws -> LabeledImages {
        if let folder = options.string("data") {
            return try limited(MNIST.load(from: URL(fileURLWithPath: folder), .test), limit)
        }
        return try SyntheticDigits.make(count: checked(limit) ?? drawnTest, seed: testSeed)
    }

    /// Fails where more digits are asked for than should be drawn into memory.
    private static func checked(_ limit: Int?) throws(UsageError) -> Int? {
        let most = 1_000_000
        guard let limit, limit > most else { return limit }
        throw UsageError("--limit is \(limit), expected at most \(most) without --data")
    }

    private static func limited(_ images: LabeledImages, _ limit: Int?) throws -> LabeledImages {
        guard let limit, limit < images.sampleCount else { return images }
        return try images.prefix(limit)
    }
}
