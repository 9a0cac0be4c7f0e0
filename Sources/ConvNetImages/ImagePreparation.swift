// SPDX-License-Identifier: MIT
//
// What is done to every image on its way to a network, in training and afterwards alike: it is
// brought to one size, and its samples become numbers.

import ConvNetTensor

/// How an image becomes a network's input: a size, and `(scale · x − mean) / deviation` for a
/// sample x from 0 to 1.
public struct ImagePreparation: Sendable, Hashable {
    /// The network's size.
    public let size: ImageSize
    /// How long the image's shorter side is made before its middle is cut out; nil where both sides
    /// are scaled each by itself.
    public let shorterSide: Int?
    /// What white, 1, becomes before the mean is taken off.
    public let scale: Double
    /// What is taken off, a number per channel or one for all.
    public let mean: [Double]
    /// What is divided by then, a number per channel or one for all.
    public let deviation: [Double]
    /// Whether blue comes first.
    public let reversesChannels: Bool

    /// A preparation.
    ///
    /// - Throws: ``TensorError`` when a side is not from 1 to ``Image/longestSide``, a number is
    ///   not finite, or the scale or a deviation not above 0.
    public init(
        size: ImageSize, shorterSide: Int? = nil, scale: Double = 1, mean: [Double] = [0],
        deviation: [Double] = [1], reversesChannels: Bool = false
    ) throws(TensorError) {
        func wrong(_ argument: String, _ value: String, _ expected: String) -> TensorError {
            TensorError(
                operation: "ImagePreparation", argument: argument, value: value,
                expected: expected)
        }
        guard Image.isPossible(size.width, size.height) else {
            throw wrong("size", "\(size.width) x \(size.height) pixels", Image.possibleSizes)
        }
        if let shorterSide, !(1...Image.longestSide).contains(shorterSide) {
            throw wrong("shorterSide", "\(shorterSide)", "1 to \(Image.longestSide)")
        }
        guard scale > 0, scale.isFinite else {
            throw wrong("scale", "\(scale)", "a finite number above 0")
        }
        guard !mean.isEmpty, mean.allSatisfy(\.isFinite) else {
            throw wrong("mean", "\(mean)", "finite numbers, one or one per channel")
        }
        guard !deviation.isEmpty, deviation.allSatisfy({ $0 > 0 && $0.isFinite }) else {
            throw wrong("deviation", "\(deviation)", "numbers above 0, one or one per channel")
        }
        self.size = size
        self.shorterSide = shorterSide
        self.scale = scale
        self.mean = mean
        self.deviation = deviation
        self.reversesChannels = reversesChannels
    }

    /// The image in the network's size: the middle of the image whose shorter side is
    /// ``shorterSide``, or longer where that would not cover the size; bilinear, with antialiasing.
    ///
    /// - Throws: ``TensorError`` when the image would have too many pixels in between.
    public func framed(_ image: Image) throws(TensorError) -> Image {
        guard let shorterSide else {
            return try image.resized(width: size.width, height: size.height)
        }
        var scaled = Image.size(image.width, image.height, shorterSide: shorterSide)
        if scaled.width < size.width || scaled.height < size.height {
            // The side that is shorter in proportion just covers its own.
            let isWide = size.width * image.height >= size.height * image.width
            scaled =
                isWide
                ? ImageSize(
                    width: size.width,
                    height: (image.height * size.width + image.width - 1) / image.width)
                : ImageSize(
                    width: (image.width * size.height + image.height - 1) / image.height,
                    height: size.height)
        }
        return try image.resized(width: scaled.width, height: scaled.height)
            .centerCropped(width: size.width, height: size.height)
    }

    /// Fails unless the numbers suit images of some channels.
    func check(channels: Int) throws(TensorError) {
        for (argument, numbers) in [("mean", mean), ("deviation", deviation)]
        where numbers.count != 1 && numbers.count != channels {
            throw TensorError(
                operation: "ImagePreparation", argument: argument,
                value: "\(numbers.count) numbers",
                expected: "one, or one per channel of \(channels)")
        }
    }

    /// The number that the network takes for a sample from 0 to 1 of one of its channels.
    @inline(__always)
    func number(_ sample: Float, channel: Int) -> Float {
        Float(
            (scale * Double(sample) - mean[mean.count == 1 ? 0 : channel])
                / deviation[deviation.count == 1 ? 0 : channel])
    }

    /// The settings as text.
    var name: String {
        "\(size.width)x\(size.height), shorter side \(shorterSide.map { "\($0)" } ?? "none"), "
            + "scale \(scale), mean \(mean), deviation \(deviation)"
            + (reversesChannels ? ", blue first" : "")
    }
}

extension ImageSet {
    /// The mean and the standard deviation of each channel over all pixels, of samples from 0 to 1;
    /// 1 in place of a deviation of 0. Sums are whole numbers: exact, whatever the order.
    public var statistics: (means: [Double], deviations: [Double]) {
        var (sums, squares) = ([Int](repeating: 0, count: 3), [Int](repeating: 0, count: 3))
        let channels = channels
        for image in images {
            image.bytes.withUnsafeBufferPointer { bytes in
                for channel in 0..<channels {
                    var (sum, square) = (0, 0)
                    for place in stride(from: channel, to: bytes.count, by: channels) {
                        let sample = Int(bytes[place])
                        sum &+= sample
                        square &+= sample &* sample
                    }
                    sums[channel] += sum
                    squares[channel] += square
                }
            }
        }
        let count = Double(images.reduce(0) { $0 + $1.width * $1.height })
        let means = (0..<channels).map { Double(sums[$0]) / count }
        let deviations = (0..<channels).map { channel in
            let variance = Double(squares[channel]) / count - means[channel] * means[channel]
            return variance > 0 ? variance.squareRoot() / 255 : 1
        }
        return (means.map { $0 / 255 }, deviations)
    }
}
