// SPDX-License-Identifier: MIT
//
// Random changes of images: what each does to pixels one can count, that they come from the seed,
// the epoch and the image alone, and what is refused.

import ConvNetData
import ConvNetTensor
import Testing

struct AugmentationTests {
    /// Images of 6×5 pixels with numbers that all differ.
    private static func images(_ count: Int = 4, channels: Int = 2) throws -> LabeledImages {
        let numbers = (0..<count * channels * 30).map { Float($0 + 1) }
        return try LabeledImages(
            images: Tensor(shape: [count, channels, 6, 5], scalars: numbers),
            labels: (0..<count).map { $0 % 3 }, classes: 3, shuffleSeed: 5)
    }

    private static func pipeline(
        _ augmentation: Augmentation, count: Int = 4, seed: UInt64 = 1
    ) throws -> ImagePipeline {
        try ImagePipeline(images(count), augmentation: augmentation, seed: seed)
    }

    /// The pixels of each plane of a batch, a row an array.
    private static func planes(_ images: Tensor) -> [[[Float]]] {
        let scalars = images.scalars
        return stride(from: 0, to: scalars.count, by: 30).map { plane in
            (0..<6).map { Array(scalars[plane + $0 * 5..<plane + ($0 + 1) * 5]) }
        }
    }

    /// A plane moved by whole pixels, zeros coming in.
    private static func shifted(_ plane: [[Float]], _ dx: Int, _ dy: Int) -> [[Float]] {
        (0..<6).map { row in
            (0..<5).map { column in
                let (y, x) = (row - dy, column - dx)
                return (0..<6).contains(y) && (0..<5).contains(x) ? plane[y][x] : 0
            }
        }
    }

    /// Both channels of an image are moved alike, by at most two pixels; over many, by each amount.
    @Test func aShiftMovesWholePixels() throws {
        let pipeline = try Self.pipeline(Augmentation(shift: 2), count: 64)
        let before = Self.planes(pipeline.images.images)
        let after = Self.planes(
            try pipeline.batch(at: Array(0..<64), epoch: 0).images)
        var seen: Set<[Int]> = []
        for image in 0..<64 {
            let fitting = (-2...2).flatMap { dx in (-2...2).map { [dx, $0] } }.filter { shift in
                (2 * image...2 * image + 1).allSatisfy {
                    after[$0] == Self.shifted(before[$0], shift[0], shift[1])
                }
            }
            #expect(fitting.count == 1, "image \(image)")
            seen.formUnion(fitting)
        }
        #expect(Set(seen.map { $0[0] }) == Set(-2...2))
        #expect(Set(seen.map { $0[1] }) == Set(-2...2))
    }

    @Test func aFlipMirrorsAboutHalfOfTheImages() throws {
        let pipeline = try Self.pipeline(Augmentation(flip: true), count: 64)
        let before = Self.planes(pipeline.images.images)
        let after = Self.planes(try pipeline.batch(at: Array(0..<64), epoch: 3).images)
        var flipped = 0
        for image in 0..<64 {
            let planes = 2 * image...2 * image + 1
            let isSame = planes.allSatisfy { after[$0] == before[$0] }
            let isMirrored = planes.allSatisfy {
                after[$0] == before[$0].map { Array($0.reversed()) }
            }
            #expect(isSame != isMirrored)
            if isMirrored { flipped += 1 }
        }
        // Six deviations of 64 tosses of a coin around their mean.
        #expect(abs(flipped - 32) <= 24)
    }

    /// A quarter of a turn moves pixels of a square to pixels; between, numbers stay
    /// within the image's.
    @Test func aRotationTurnsAroundTheCenter() throws {
        let size = 9
        var numbers = [Float](repeating: 0, count: size * size)
        numbers[4 * size + 4] = 1
        let images = try LabeledImages(
            images: Tensor(shape: [1, 1, size, size], scalars: numbers), labels: [0], classes: 1)
        let pipeline = try ImagePipeline(images, augmentation: Augmentation(rotation: 180), seed: 2)
        for epoch in 0..<20 {
            let turned = try pipeline.batch(at: [0], epoch: epoch).images
            // The centre stays where it is, whatever the angle: to rounding of sums of
            // half the size.
            #expect(abs(try turned[0, 0, 4, 4] - 1) <= 16 * 0x1p-24)
        }
        let slope = try LabeledImages(
            images: Tensor(
                shape: [1, 1, size, size],
                scalars: (0..<size * size).map { Float($0 % size) - 4 }), labels: [0], classes: 1)
        let angles = try (0..<20).map { epoch in
            let turned = try ImagePipeline(slope, augmentation: Augmentation(rotation: 10), seed: 2)
                .batch(at: [0], epoch: epoch).images
            // On a slope, x' = x·cos − y·sin: the pixel right of the centre gives the cosine, the
            // one below it the sine.
            let (cosine, sine) = (try turned[0, 0, 4, 5], -(try turned[0, 0, 5, 4]))
            #expect(abs(cosine * cosine + sine * sine - 1) <= 32 * 0x1p-24)
            // sin 10° = 0.17365
            #expect(abs(sine) <= 0.1737)
            return sine
        }
        #expect(Set(angles).count == 20)
        #expect(angles.contains { $0 > 0.05 })
        #expect(angles.contains { $0 < -0.05 })
    }

    /// On a slope, neighbours of an enlarged image differ by the scale; what is read lies inside.
    @Test func aCropEnlargesAPartOfTheImage() throws {
        let slope = try LabeledImages(
            images: Tensor(shape: [1, 1, 8, 8], scalars: (0..<64).map { Float($0 % 8) + 1 }),
            labels: [0], classes: 1)
        let pipeline = try ImagePipeline(slope, augmentation: Augmentation(crop: 0.5), seed: 2)
        let scales = try (0..<50).map { epoch in
            let row = Array(try pipeline.batch(at: [0], epoch: epoch).images.scalars[24..<32])
            let steps = zip(row.dropFirst(), row).map { $0 - $1 }
            #expect(steps.allSatisfy { abs($0 - steps[0]) <= 64 * 0x1p-24 }, "\(row)")
            #expect(row.allSatisfy { $0 >= 1 && $0 <= 8 }, "\(row)")
            return steps[0]
        }
        #expect(scales.allSatisfy { $0 >= 0.5 - 64 * 0x1p-24 && $0 <= 1 })
        #expect((scales.min() ?? 1) < 0.6)
        #expect((scales.max() ?? 0) > 0.9)
    }

    /// An image depends on the seed, the epoch and its place, not on the batch that it is in.
    @Test func imagesAreAFunctionOfSeedEpochAndPlace() throws {
        let all = try Augmentation(shift: 2, rotation: 10, crop: 0.1, flip: true)
        let pipeline = try Self.pipeline(all)
        let together = try pipeline.batch(at: [0, 1, 2, 3], epoch: 2)
        let backwards = try pipeline.batch(at: [3, 1], epoch: 2)
        #expect(try together.images.samples(at: [3, 1]) == backwards.images)
        #expect(together.labels == [0, 1, 2, 0])
        #expect(backwards.labels == [0, 1])
        #expect(
            try pipeline.batch(at: [0], epoch: 2).images != pipeline.batch(at: [0], epoch: 3).images
        )
        #expect(
            try pipeline.batch(at: [0], epoch: 2).images
                != Self.pipeline(all, seed: 2).batch(at: [0], epoch: 2).images)
        // Where nothing is asked to change, and outside training, images are as they are.
        #expect(try pipeline.batch(at: [2, 0]).images == pipeline.images.batch(at: [2, 0]).images)
        let none = try Self.pipeline(Augmentation())
        #expect(
            try none.batch(at: [2, 0], epoch: 1).images == none.images.batch(at: [2, 0]).images)
        #expect(pipeline.order(ofEpoch: 7) == pipeline.images.order(ofEpoch: 7))
        #expect(pipeline.sampleCount == 4)
    }

    @Test func normalizationGivesEachChannelMeanZeroAndDeviationOne() throws {
        let images = try Self.images(8)
        let normalization = try Normalization(of: images)
        let pipeline = try ImagePipeline(images, normalization: normalization)
        let planes = Self.planes(try pipeline.batch(at: Array(0..<8)).images)
        for channel in 0..<2 {
            let numbers = stride(from: channel, to: 16, by: 2)
                .flatMap { planes[$0].joined() }.map(Double.init)
            let mean = numbers.reduce(0, +) / 240
            let variance = numbers.map { $0 * $0 }.reduce(0, +) / 240
            // Each number, of size up to 2, is off by a few roundings of itself and of the mean, 4
            // deviations large.
            #expect(abs(mean) <= 16 * 0x1p-24)
            #expect(abs(variance - 1) <= 64 * 0x1p-24)
        }
        #expect(
            try pipeline.batch(at: [3, 2], epoch: 4).images == pipeline.batch(at: [3, 2]).images)
        // A channel without differences keeps its numbers, around 0.
        let flat = try LabeledImages(
            images: Tensor(shape: [1, 1, 2, 2], repeating: 3), labels: [0], classes: 1)
        #expect(try Normalization(of: flat) == Normalization(means: [3], deviations: [1]))
    }

    @Test func theIdentityTellsEverythingApart() throws {
        let images = try Self.images()
        var pipelines = [
            try ImagePipeline(images), try ImagePipeline(images.shuffled(seed: 6)),
            try ImagePipeline(images.prefix(3)), try ImagePipeline(Self.images(4, channels: 1)),
            try ImagePipeline(
                images, normalization: Normalization(means: [0, 0], deviations: [1, 2])),
            try Self.pipeline(Augmentation(shift: 1)),
            try Self.pipeline(Augmentation(shift: 1), seed: 2),
            try Self.pipeline(Augmentation(rotation: 1)),
            try Self.pipeline(Augmentation(crop: 0.5)),
            try Self.pipeline(Augmentation(flip: true)),
        ]
        pipelines.append(
            try ImagePipeline(
                LabeledImages(
                    images: images.images, labels: [0, 1, 2, 1], classes: 3, shuffleSeed: 5)))
        #expect(Set(pipelines.map(\.identity)).count == pipelines.count)
        #expect(try ImagePipeline(Self.images()).identity == ImagePipeline(images).identity)
    }

    @Test(arguments: [
        ("shift", "shift:2"), ("rotate", "rotate:10.0"), ("crop", "crop:0.1"), ("flip", "flip"),
        ("flip,shift:3", "shift:3,flip"), ("rotate:7.5,crop:0.25", "rotate:7.5,crop:0.25"),
        ("shift:0", "none"),
    ])
    func names(_ text: String, _ name: String) throws {
        let augmentation = try Augmentation(name: text)
        #expect(augmentation.name == name)
        if name != "none" { #expect(try Augmentation(name: name) == augmentation) }
    }

    @Test(arguments: [
        "", "blur", "shift,shift", "shift:", "shift:x", "shift:1.5", "flip:1", "shift:1:2",
        "shift:99999999999999999999", "rotate:x", "shift,",
    ])
    func wrongNamesAreRefused(_ text: String) {
        #expect {
            try Augmentation(name: text)
        } throws: {
            "\($0)".hasPrefix("Augmentation: name is ")
        }
    }

    @Test(arguments: [
        "shift:-1", "shift:1001", "rotate:-1", "rotate:181", "rotate:nan", "rotate:inf", "crop:1",
        "crop:-0.1", "crop:nan",
    ])
    func impossibleAmountsAreRefused(_ text: String) {
        #expect(throws: TensorError.self) { try Augmentation(name: text) }
    }

    @Test func whatDoesNotFitTheImagesIsRefused() throws {
        let images = try Self.images()
        #expect(
            throws: TensorError(
                operation: "ImagePipeline", argument: "normalization", value: "of 1 channels",
                expected: "of 2, as the images")
        ) {
            try ImagePipeline(images, normalization: Normalization(means: [0], deviations: [1]))
        }
        let pipeline = try Self.pipeline(Augmentation(flip: true))
        for places in [[], [4], [-1]] {
            #expect(throws: TensorError.self) { try pipeline.batch(at: places, epoch: 0) }
            #expect(throws: TensorError.self) { try pipeline.batch(at: places) }
        }
        for deviation in [0, -1, .nan, .infinity] {
            #expect(throws: TensorError.self) {
                try Normalization(means: [0], deviations: [deviation])
            }
        }
        #expect(throws: TensorError.self) { try Normalization(means: [], deviations: []) }
        #expect(throws: TensorError.self) { try Normalization(means: [.nan], deviations: [1]) }
        #expect(throws: TensorError.self) { try Normalization(means: [0], deviations: [1, 1]) }
    }
}
