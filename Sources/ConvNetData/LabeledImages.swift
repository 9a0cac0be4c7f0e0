// SPDX-License-Identifier: MIT
//
// Images with their classes, in memory, in an order that a seed decides.

import ConvNetTensor

/// Images and the class of each, for training and testing.
///
/// ```swift
/// let digits = try SyntheticDigits.make(count: 5000, seed: 1).shuffled(seed: 1)
/// let batch = try digits.batch(at: Array(digits.order(ofEpoch: 0).prefix(100)))
/// ```
public struct LabeledImages: BatchSource {
    /// The images, `[N, C, H, W]`.
    public let images: Tensor
    /// The class of each image, from 0 to `classes - 1`.
    public let labels: [Int]
    /// How many classes there are, whether or not each occurs.
    public let classes: Int
    /// What decides about the order of an epoch; `nil` keeps the images in their order.
    public let shuffleSeed: UInt64?

    /// Puts images and labels together.
    ///
    /// - Parameters:
    ///   - images: shape `[N, C, H, W]`.
    ///   - labels: N of them, each from 0 to `classes - 1`.
    ///   - classes: at least 1.
    ///   - shuffleSeed: what decides about the order of an epoch; `nil` keeps theirs.
    /// - Throws: ``TensorError`` that names the argument that breaks one of these rules.
    public init(
        images: Tensor, labels: [Int], classes: Int, shuffleSeed: UInt64? = nil
    ) throws(TensorError) {
        func wrong(_ argument: String, _ value: String, _ expected: String) -> TensorError {
            TensorError(
                operation: "LabeledImages", argument: argument, value: value, expected: expected)
        }
        guard images.shape.count == 4 else {
            throw wrong("images", "\(images.shape)", "[N, C, H, W]")
        }
        guard labels.count == images.shape[0] else {
            throw wrong(
                "labels.count", "\(labels.count)", "one for each image of \(images.shape)")
        }
        guard classes >= 1 else { throw wrong("classes", "\(classes)", "at least 1") }
        if let place = labels.firstIndex(where: { $0 < 0 || $0 >= classes }) {
            throw wrong("labels[\(place)]", "\(labels[place])", "0 to \(classes - 1)")
        }
        self.init(checkedImages: images, labels, classes, shuffleSeed)
    }

    private init(checkedImages: Tensor, _ labels: [Int], _ classes: Int, _ shuffleSeed: UInt64?) {
        images = checkedImages
        self.labels = labels
        self.classes = classes
        self.shuffleSeed = shuffleSeed
    }

    /// How many images there are.
    public var sampleCount: Int { labels.count }

    /// The order in which an epoch goes through the images: each place once.
    ///
    /// It is a function of ``shuffleSeed``, the epoch and the number of images, on every machine.
    ///
    /// - Parameter epoch: the epoch's number, from 0.
    public func order(ofEpoch epoch: Int) -> [Int] {
        var order = Array(0..<sampleCount)
        guard let shuffleSeed else { return order }
        var generator = Philox(
            seed: shuffleSeed, stream: RandomStream.shuffle.number(UInt64(bitPattern: Int64(epoch)))
        )
        // Fisher and Yates. Not `shuffle(using:)`: nothing promises that the standard library will
        // draw the same numbers in its next version.
        for last in stride(from: order.count - 1, to: 0, by: -1) {
            let place = generator.next().multipliedFullWidth(by: UInt64(last) + 1).high
            order.swapAt(last, Int(place))
        }
        return order
    }

    /// The images and labels at the given places.
    ///
    /// - Throws: ``TensorError`` when there are no places or one is outside.
    public func batch(at indices: [Int]) throws -> Batch {
        let chosen = try images.samples(at: indices)
        return try Batch(images: chosen, labels: indices.map { labels[$0] })
    }

    /// The number and a hash of images and labels, and the shuffle seed.
    public var identity: [String: String] {
        var hash = ContentHash()
        hash.add(images)
        for label in labels { hash.add(UInt64(label)) }
        return [
            "samples": "\(sampleCount)", "data": hash.text,
            "shuffleSeed": shuffleSeed.map { "\($0)" } ?? "none",
        ]
    }

    /// The first images, with the same shuffle seed.
    ///
    /// - Parameter count: from 1 to ``sampleCount``.
    /// - Throws: ``TensorError`` when there are not that many, or it is not at least 1.
    public func prefix(_ count: Int) throws -> LabeledImages {
        guard count >= 1, count <= sampleCount else {
            throw TensorError(
                operation: "prefix", argument: "count", value: "\(count)",
                expected: "1 to \(sampleCount)")
        }
        return LabeledImages(
            checkedImages: try images.samples(0..<count), Array(labels.prefix(count)), classes,
            shuffleSeed)
    }

    /// The same images with another shuffle seed; nothing is copied.
    ///
    /// - Parameter seed: what decides about the order of an epoch; `nil` keeps theirs.
    public func shuffled(seed: UInt64?) -> LabeledImages {
        LabeledImages(checkedImages: images, labels, classes, seed)
    }
}
