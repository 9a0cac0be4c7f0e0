// SPDX-License-Identifier: MIT
//
// Batches of photographs: brought to one size, changed at random in training, and made numbers. All
// of it is a function of the seed, the epoch and the image's place, so that any thread may do it,
// at any time, and training can stop anywhere and go on.

import ConvNetSupport
import ConvNetTensor

/// Images of a set as a network takes them.
///
/// ```swift
/// let preparation = try ImagePreparation(size: ImageSize(width: 32, height: 32))
/// let training = try ImageBatches(
///     images, preparation, augmentation: ImageAugmentation(shift: 4, flip: true),
///     shuffleSeed: 1, seed: 1)
/// ```
public struct ImageBatches: BatchSource {
    /// The images; brought to the network's size already unless parts are to be cut from them.
    public let images: ImageSet
    /// What is done to every image.
    public let preparation: ImagePreparation
    /// What is changed at random in training; nil for nothing.
    public let augmentation: ImageAugmentation?
    /// What decides about the order of an epoch; nil keeps the images in their order.
    public let shuffleSeed: UInt64?
    /// What the random changes come from.
    public let seed: UInt64

    /// A way for images.
    ///
    /// - Parameters:
    ///   - images: the images.
    ///   - preparation: what is done to every image.
    ///   - augmentation: what is changed at random in training; nil for nothing.
    ///   - shuffleSeed: what decides about the order of an epoch; nil keeps the images in theirs.
    ///   - seed: what the random changes come from.
    ///   - threads: how many bring the images to their size; nil for one per processor.
    /// - Throws: ``TensorError`` when the preparation has numbers for other channels than the
    ///   images', or reverses the order of other than three.
    public init(
        _ images: ImageSet, _ preparation: ImagePreparation,
        augmentation: ImageAugmentation? = nil, shuffleSeed: UInt64? = nil, seed: UInt64 = 0,
        threads: Int? = nil
    ) throws(TensorError) {
        try preparation.check(channels: images.channels)
        guard !preparation.reversesChannels || images.channels == 3 else {
            throw TensorError(
                operation: "ImageBatches", argument: "reversesChannels", value: "true",
                expected: "images of 3 channels, not \(images.channels)")
        }
        let cuts = augmentation?.resizedCrop != nil
        self.images = cuts ? images : try images.framed(by: preparation, threads: threads)
        self.preparation = preparation
        self.augmentation = augmentation
        self.shuffleSeed = shuffleSeed
        self.seed = seed
    }

    /// How many images there are.
    public var sampleCount: Int { images.images.count }

    /// The order in which an epoch goes through the images: each place once, a function of
    /// ``shuffleSeed``, the epoch and the number of images.
    public func order(ofEpoch epoch: Int) -> [Int] {
        guard let shuffleSeed else { return Array(0..<sampleCount) }
        return ImageRandom.order(
            of: sampleCount, seed: shuffleSeed,
            ImageRandom.shuffle.number(UInt64(bitPattern: Int64(epoch))))
    }

    /// The number and a hash of images and labels, the seeds, and what is done with the images.
    public var identity: [String: String] {
        var hash = ContentHash()
        for (image, label) in zip(images.images, images.labels) {
            hash.add(UInt64(image.width))
            hash.add(UInt64(label))
            image.bytes.withUnsafeBytes { hash.add($0) }
        }
        for name in images.classNames { Array(name.utf8).withUnsafeBytes { hash.add($0) } }
        var identity = [
            "samples": "\(sampleCount)", "data": hash.text,
            "shuffleSeed": shuffleSeed.map { "\($0)" } ?? "none",
            "augmentation": augmentation?.name ?? "none", "preparation": preparation.name,
        ]
        if augmentation != nil { identity["augmentationSeed"] = "\(seed)" }
        return identity
    }

    /// The images at the given places, without random changes.
    ///
    /// - Throws: ``TensorError`` when there are no places or one is outside.
    public func batch(at indices: [Int]) throws -> Batch {
        try batch(at: indices, augmentation: nil, epochSeed: 0)
    }

    /// The images at the given places, changed as the epoch has them. Where images are mixed, the
    /// targets are rows of probabilities.
    ///
    /// - Throws: ``TensorError`` when there are no places or one is outside.
    public func batch(at indices: [Int], epoch: Int) throws -> Batch {
        var generator = Philox(
            seed: seed,
            stream: ImageRandom.augmentation.number(UInt64(bitPattern: Int64(epoch))))
        return try batch(
            at: indices, augmentation: augmentation, epochSeed: generator.next())
    }

    private func batch(
        at indices: [Int], augmentation: ImageAugmentation?, epochSeed: UInt64
    ) throws -> Batch {
        guard !indices.isEmpty, indices.allSatisfy({ $0 >= 0 && $0 < sampleCount }) else {
            throw TensorError(
                operation: "ImageBatches", argument: "indices.count", value: "\(indices.count)",
                expected: "at least one, each from 0 to \(sampleCount - 1)")
        }
        let size = preparation.size
        let maker = try SampleMaker(self, augmentation, epochSeed: epochSeed)
        var result = try Tensor(
            uninitialized: [indices.count, images.channels, size.height, size.width],
            operation: "ImageBatches")
        let count = result.count / indices.count
        var failure: (any Error)?
        result.withUnsafeMutableScalars(of: Float.self) { numbers in
            do {
                for (place, index) in indices.enumerated() {
                    try maker.make(
                        index,
                        into: .init(
                            rebasing: numbers[place * count..<(place + 1) * count]))
                }
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        let labels = indices.map { images.labels[$0] }
        guard let augmentation, augmentation.mixup > 0 else {
            return try Batch(images: result, labels: labels)
        }
        var targets = try Tensor(zeros: [indices.count, images.classes])
        targets.withUnsafeMutableScalars(of: Float.self) { numbers in
            for (place, index) in indices.enumerated() {
                let row = place * images.classes
                let mix = maker.mix(of: index)
                numbers[row + labels[place]] += Float(mix.ownShare)
                numbers[row + images.labels[mix.partner]] += Float(1 - mix.ownShare)
            }
        }
        return try Batch(images: result, targets: .values(targets))
    }
}

extension ImageSet {
    /// The images in the size of a network.
    func framed(
        by preparation: ImagePreparation, threads: Int?
    ) throws(TensorError) -> ImageSet {
        let images = images
        let framed = ParallelWork.map(
            images.count, threads: threads ?? ParallelWork.standardThreads
        ) {
            { place -> Result<Image, TensorError> in
                do throws(TensorError) {
                    return .success(try preparation.framed(images[place]))
                } catch {
                    return .failure(error)
                }
            }
        }
        var results: [Image] = []
        results.reserveCapacity(images.count)
        for result in framed { results.append(try result.get()) }
        return try ImageSet(
            images: results, labels: labels, classes: classes, classNames: classNames,
            leftOut: leftOut)
    }
}
