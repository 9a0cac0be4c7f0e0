// SPDX-License-Identifier: MIT
//
// Average pooling to a given size, whatever the image's.

/// The means of the parts into which images are cut: `[N, C, H, W]` to `[N, C, OH, OW]`.
///
/// As in PyTorch, output row i is the mean of the rows from `⌊i·H/OH⌋` to `⌈(i + 1)·H/OH⌉ − 1`:
/// parts overlap where the sizes don't divide, and where images are smaller than the output.
public struct AdaptiveAveragePooling: ResamplingLayer {
    /// OH and OW.
    public let outputSize: PerAxis

    /// A pooling to square images.
    ///
    /// - Parameter outputSize: OH and OW.
    /// - Throws: ``TensorError`` when the size is not from 1 to 2²⁰.
    public init(_ outputSize: Int) throws { try self.init(PerAxis(outputSize)) }

    /// A pooling to images of any size.
    ///
    /// - Parameter outputSize: OH and OW.
    /// - Throws: ``TensorError`` when a size is not from 1 to 2²⁰.
    public init(_ outputSize: PerAxis) throws {
        try ResamplingTaps.check(
            outputSize, operation: "AdaptiveAveragePooling", argument: "outputSize")
        self.outputSize = outputSize
    }

    /// The shape that comes out for a shape that goes in.
    public func outputShape(for inputShape: [Int]) throws -> [Int] {
        let sides = [outputSize.height, outputSize.width]
        try requireImages(inputShape, resizedTo: sides)
        return inputShape.prefix(2) + sides
    }

    /// The means along each axis.
    func taps(for inputShape: [Int]) throws -> (rows: ResamplingTaps, columns: ResamplingTaps) {
        (
            try .means(from: inputShape[2], to: outputSize.height),
            try .means(from: inputShape[3], to: outputSize.width)
        )
    }
}

extension ResamplingTaps {
    /// The means of the parts into which one axis is cut.
    fileprivate static func means(from extent: Int, to size: Int) throws -> ResamplingTaps {
        try ResamplingTaps(inputSize: extent, outputSize: size) { output in
            let first = output * extent / size
            let end = ((output + 1) * extent + size - 1) / size
            return (first..<end).map { ($0, 1 / Double(end - first)) }
        }
    }

    /// Fails unless images of a size can be made by resampling.
    static func check(
        _ size: PerAxis, operation: String, argument: String
    ) throws(TensorError) {
        let allowed = 1...largestExtent
        guard allowed.contains(size.height), allowed.contains(size.width) else {
            throw TensorError(
                operation: operation, argument: argument, value: "\(size.height)×\(size.width)",
                expected: "from 1 to \(largestExtent) along each axis")
        }
    }
}

extension AdaptiveAveragePooling: DescribedLayer {
    /// What files call the type.
    public static let typeName = "AdaptiveAveragePooling"

    /// The size, the height first.
    public var layerSettings: LayerSettings {
        ["output_size": .integers([outputSize.height, outputSize.width])]
    }

    /// The layer with a size.
    public init(settings: LayerSettings, tensors: LayerTensors) throws {
        try settings.require(only: ["output_size"])
        try tensors.require(only: [])
        let sides = try settings.integers(
            "output_size", count: 2, in: 1...ResamplingTaps.largestExtent)
        try self.init(PerAxis(height: sides[0], width: sides[1]))
    }
}

extension AdaptiveAveragePooling: ONNXLayer {
    /// ONNX has no such operator; where the sizes divide, it is an AveragePool.
    func export(to graph: inout ONNXGraph, inputShape: [Int]) throws {
        guard inputShape[2] % outputSize.height == 0, inputShape[3] % outputSize.width == 0 else {
            let (rows, columns) = try taps(for: inputShape)
            return try graph.addResampling(rows: rows, columns: columns)
        }
        let part = [inputShape[2] / outputSize.height, inputShape[3] / outputSize.width]
        graph.add("AveragePool", [], [("kernel_shape", .ints(part)), ("strides", .ints(part))])
    }
}
