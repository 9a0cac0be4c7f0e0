// SPDX-License-Identifier: MIT
//
// What is done to an image before a network sees it, and what its classes are called: what
// training, a command and a server have to agree on travels with the network.

import Foundation

/// How an image becomes a network's input, and the names of the classes that come out.
///
/// A sample of `[0, 1]` becomes `(scale · x − mean) / deviation`, channel by channel.
///
/// ```swift
/// network.preprocessing = .imageNet
/// let pixels = try image.tensor(channels: 3, height: 224, width: 224)
/// let x = try network.preprocessing!.applied(to: pixels)
/// ```
public struct Preprocessing: Sendable, Hashable, Codable {
    /// The order of the three colours of a pixel.
    public enum ChannelOrder: String, Sendable, Codable, CaseIterable {
        /// Red first.
        case rgb
        /// Blue first.
        case bgr
    }

    /// What white, 1, becomes before the mean is taken off: 1, or 255 for networks that take bytes.
    public var scale: Double
    /// What is taken off, a number per channel or one for all.
    public var mean: [Double]
    /// What is divided by then, a number per channel or one for all.
    public var deviation: [Double]
    /// Which colour comes first in the network's input.
    public var channelOrder: ChannelOrder
    /// The classes' names, in the order of the logits; empty where they have none.
    public var classNames: [String]
    /// How long an image's shorter side is made before its middle is cut out in the network's size;
    /// nil where both sides are scaled separately.
    public var shorterSide: Int?

    /// The most class names that are read.
    static let mostNames = 1 << 20
    /// What a file's metadata calls it.
    static let metadataKey = "swift-convnet.preprocessing"

    /// By default, numbers from 0 to 1 as they are.
    ///
    /// - Throws: ``TensorError`` when a number is not finite, the scale or a deviation not above 0,
    ///   or the shorter side not from 1 to 32,767.
    public init(
        scale: Double = 1, mean: [Double] = [0], deviation: [Double] = [1],
        channelOrder: ChannelOrder = .rgb, classNames: [String] = [], shorterSide: Int? = nil
    ) throws(TensorError) {
        self.scale = scale
        self.mean = mean
        self.deviation = deviation
        self.channelOrder = channelOrder
        self.classNames = classNames
        self.shorterSide = shorterSide
        try check()
    }

    private init(standardMean mean: [Double], deviation: [Double]) {
        (scale, self.mean, self.deviation) = (1, mean, deviation)
        (channelOrder, classNames) = (.rgb, [])
    }

    /// What torchvision's networks for ImageNet are trained with.
    public static let imageNet = Preprocessing(
        standardMean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225])

    private func check() throws(TensorError) {
        func fail(_ argument: String, _ value: String, _ expected: String) -> TensorError {
            TensorError(
                operation: "Preprocessing", argument: argument, value: value, expected: expected)
        }
        guard scale.isFinite, scale > 0 else {
            throw fail("scale", "\(scale)", "a finite number above 0")
        }
        guard !mean.isEmpty, mean.allSatisfy(\.isFinite) else {
            throw fail("mean", "\(mean)", "finite numbers, one or one per channel")
        }
        guard !deviation.isEmpty, deviation.allSatisfy({ $0.isFinite && $0 > 0 }) else {
            throw fail("deviation", "\(deviation)", "numbers above 0, one or one per channel")
        }
        if let shorterSide, !(1...32_767).contains(shorterSide) {
            throw fail("shorterSide", "\(shorterSide)", "from 1 to 32767")
        }
    }

    /// The network's input for images.
    ///
    /// - Parameter images: `[N, C, H, W]`, red first, from 0 (black) to 1 (white).
    /// - Throws: ``TensorError`` when mean or deviation have neither one number nor one per
    ///   channel, or colours are to be exchanged where there are not three channels.
    public func applied(to images: Tensor) throws(TensorError) -> Tensor {
        let shape = images.shape
        for (argument, values) in [("mean", mean), ("deviation", deviation)] {
            guard shape.count == 4, values.count == 1 || values.count == shape[1] else {
                throw TensorError(
                    operation: "Preprocessing", argument: argument,
                    value: "\(values.count) numbers",
                    expected: "one, or one per channel of images \(shape)")
            }
        }
        guard channelOrder == .rgb || shape[1] == 3 else {
            throw TensorError(
                operation: "Preprocessing", argument: "channelOrder", value: "bgr",
                expected: "images of 3 channels, not \(shape)")
        }
        let plane = shape[2] * shape[3]
        let scalars = images.scalars
        var result = try Tensor(zeros: shape)
        result.withUnsafeMutableScalars(of: Float.self) { numbers in
            for start in stride(from: 0, to: numbers.count, by: max(plane, 1)) {
                let channel = start / plane % shape[1]
                let source = channelOrder == .rgb ? channel : shape[1] - 1 - channel
                let from = start + (source - channel) * plane
                // Mean and deviation are listed in the order of the network's input.
                let (mean, deviation) = (
                    mean[mean.count == 1 ? 0 : channel],
                    deviation[deviation.count == 1 ? 0 : channel]
                )
                for place in 0..<plane {
                    numbers[start + place] = Float(
                        (scale * Double(scalars[from + place]) - mean) / deviation)
                }
            }
        }
        return result
    }

    /// The text that a file keeps.
    func text() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }

    /// What a file's text says.
    ///
    /// - Throws: ``FileError`` when it says something else.
    init(text: String, file: String) throws(FileError) {
        let data = Data(text.utf8)
        do {
            try StrictJSON.check(data, limit: Architecture.largestText)
            let read = try JSONDecoder().decode(Self.self, from: data)
            try read.check()
            self = read
        } catch {
            throw FileError(
                file: file, problem: "\(Self.metadataKey) in its metadata can't be read: \(error)")
        }
        guard classNames.count <= Self.mostNames else {
            throw FileError(
                file: file, problem: "has \(classNames.count) class names",
                expected: "at most \(Self.mostNames)")
        }
    }
}
