// SPDX-License-Identifier: MIT
//
// What images go through on the way to a network: random changes in training, then normalisation.
// All of it is a function of the seed, the epoch and the image's place, so that any thread may do
// it, at any time, and training can stop anywhere and go on.

import ConvNetTensor

/// Images that are changed at random in each epoch of training, and normalised.
///
/// ```swift
/// let normalization = try Normalization(of: digits)
/// let training = try ImagePipeline(
///     digits.shuffled(seed: 1), augmentation: Augmentation(shift: 2, rotation: 10),
///     normalization: normalization, seed: 1)
/// let test = try ImagePipeline(testDigits, normalization: normalization)
/// ```
public struct ImagePipeline: BatchSource {
    /// The images as they are.
    public let images: LabeledImages
    /// What is changed at random; nil for nothing.
    public let augmentation: Augmentation?
    /// What is subtracted and divided by; nil for nothing.
    public let normalization: Normalization?
    /// What the random changes come from.
    public let seed: UInt64

    /// A way for images.
    ///
    /// - Throws: ``TensorError`` when the normalisation is of another number of channels, or the
    ///   images are not of `float32`.
    public init(
        _ images: LabeledImages, augmentation: Augmentation? = nil,
        normalization: Normalization? = nil, seed: UInt64 = 0
    ) throws(TensorError) {
        let (found, channels) = (images.images, images.images.shape[1])
        guard found.scalarType == .float32 else {
            throw TensorError(
                operation: "ImagePipeline", argument: "images", value: "\(found.scalarType)",
                expected: "float32")
        }
        if let count = normalization?.means.count, count != channels {
            throw TensorError(
                operation: "ImagePipeline", argument: "normalization",
                value: "of \(count) channels", expected: "of \(channels), as the images")
        }
        self.images = images
        self.augmentation = augmentation
        self.normalization = normalization
        self.seed = seed
    }

    /// How many images there are.
    public var sampleCount: Int { images.sampleCount }

    /// The order in which an epoch goes through the images.
    public func order(ofEpoch epoch: Int) -> [Int] { images.order(ofEpoch: epoch) }

    /// That of the images, and what is done with them.
    public var identity: [String: String] {
        var identity = images.identity
        identity["augmentation"] = augmentation?.name ?? "none"
        if augmentation != nil { identity["augmentationSeed"] = "\(seed)" }
        identity["normalization"] = normalization?.name ?? "none"
        return identity
    }

    /// The images at the given places, normalised.
    ///
    /// - Throws: ``TensorError`` when there are no places or one is outside.
    public func batch(at indices: [Int]) throws -> Batch {
        let batch = try images.batch(at: indices)
        guard let normalization else { return batch }
        var result = batch.images
        try result.makeUnique(operation: "ImagePipeline")
        normalization.apply(to: &result)
        return try Batch(images: result, labels: batch.labels)
    }

    /// The images at the given places, changed as the epoch has them, and normalised.
    ///
    /// - Throws: ``TensorError`` when there are no places or one is outside.
    public func batch(at indices: [Int], epoch: Int) throws -> Batch {
        guard let augmentation else { return try batch(at: indices) }
        guard !indices.isEmpty, indices.allSatisfy({ $0 >= 0 && $0 < sampleCount }) else {
            throw TensorError(
                operation: "ImagePipeline", argument: "indices.count", value: "\(indices.count)",
                expected: "at least one, each from 0 to \(sampleCount - 1)")
        }
        var result = try Tensor(
            uninitialized: [indices.count] + images.images.shape.dropFirst(),
            operation: "ImagePipeline")
        warp(indices, epoch: epoch, by: augmentation, to: &result)
        normalization?.apply(to: &result)
        return try Batch(images: result, labels: indices.map { images.labels[$0] })
    }

    private func warp(
        _ indices: [Int], epoch: Int, by augmentation: Augmentation, to result: inout Tensor
    ) {
        let (channels, height, width) = (result.shape[1], result.shape[2], result.shape[3])
        let pixels = height * width
        var epochGenerator = Philox(
            seed: seed,
            stream: RandomStream.augmentation.number(UInt64(bitPattern: Int64(epoch))))
        let epochSeed = epochGenerator.next()
        images.images.withUnsafeScalars(of: Float.self) { source in
            result.withUnsafeMutableScalars(of: Float.self) { target in
                for (place, index) in indices.enumerated() {
                    var generator = Philox(seed: epochSeed, stream: UInt64(index))
                    let warp = ImageWarp(
                        augmentation, using: &generator, height: height, width: width)
                    for channel in 0..<channels {
                        let (from, to) = (
                            (index * channels + channel) * pixels,
                            (place * channels + channel) * pixels
                        )
                        warp.apply(
                            .init(rebasing: source[from..<from + pixels]),
                            to: .init(rebasing: target[to..<to + pixels]), height: height,
                            width: width)
                    }
                }
            }
        }
    }
}
