// SPDX-License-Identifier: MIT
//
// The images that commands work on: digits from a folder, or drawn ones.

import ConvNet
import ConvNetData
import ConvNetOptions
import Foundation

enum DataSets {
    /// How many digits are drawn where no folder is named.
    static let drawnTraining = 10_000, drawnTest = 2_000

    /// How many stripes are drawn for a network of large images.
    static let patternsTraining = 1000, patternsTest = 100

    /// Drawn test digits never meet the ones that were trained with.
    private static let testSeed: UInt64 = 0x7E57_D161_7500_0000

    /// `--data DIR`.
    static let folder = Option(
        "data", "DIR",
        "MNIST's four files, CIFAR's binary ones, or a folder for each class; without it "
            + "images are drawn.")
    static let options = [
        folder,
        Option("limit", "N", "Use only N images: the first, or, of photographs, N at random."),
    ]

    /// The images to train with, in an order that the seed decides.
    static func training(
        _ options: Options, seed: UInt64, augmentation: Augmentation?
    ) throws -> any BatchSource {
        let limit = try options.int("limit")
        if try takesPatterns(options) {
            guard augmentation == nil else {
                throw UsageError("--augment is for digits, expected none with alexnet")
            }
            return try SyntheticPatterns(count: limit ?? patternsTraining, seed: seed)
        }
        let images = try digits(options, limit, seed: seed).shuffled(seed: seed)
        guard let augmentation else { return images }
        return try ImagePipeline(images, augmentation: augmentation, seed: seed)
    }

    private static func digits(
        _ options: Options, _ limit: Int?, seed: UInt64
    ) throws -> LabeledImages {
        if let folder = options.string("data") {
            return try limited(MNIST.load(from: URL(fileURLWithPath: folder), .training), limit)
        }
        return try SyntheticDigits.make(count: checked(limit) ?? drawnTraining, seed: seed)
    }

    /// The images to evaluate with.
    static func test(_ options: Options, limit: Int?) throws -> any BatchSource {
        if try takesPatterns(options) {
            return try SyntheticPatterns(count: limit ?? patternsTest, seed: testSeed)
        }
        if let folder = options.string("data") {
            return try limited(MNIST.load(from: URL(fileURLWithPath: folder), .test), limit)
        }
        return try SyntheticDigits.make(count: checked(limit) ?? drawnTest, seed: testSeed)
    }

    /// Whether the network takes coloured images larger than any digit.
    private static func takesPatterns(_ options: Options) throws(UsageError) -> Bool {
        guard try Networks.name(options) == "alexnet" else { return false }
        if let folder = options.string("data") {
            throw UsageError(
                "--data is \(folder), expected none with alexnet, whose images are drawn")
        }
        return true
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
