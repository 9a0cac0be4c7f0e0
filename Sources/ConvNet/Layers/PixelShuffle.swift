// SPDX-License-Identifier: MIT
//
// Channels as pixels and back; Shi et al., "Real-time single image and video super-resolution using
// an efficient sub-pixel convolutional neural network", 2016.

/// Blocks of channels as blocks of pixels: `[N, C·r², H, W]` to `[N, C, H·r, W·r]`, with
/// `y[n, c, h·r + i, w·r + j] = x[n, c·r² + i·r + j, h, w]`, as in PyTorch.
public struct PixelShuffle: ViewLayer {
    /// r, by how much images grow along each axis.
    public let factor: Int

    /// A layer with a factor.
    ///
    /// - Parameter factor: r, by how much images grow along each axis.
    /// - Throws: ``TensorError`` when the factor is not from 1 to 2³¹ − 1.
    public init(_ factor: Int) throws {
        try checkFactor(factor, operation: "PixelShuffle")
        self.factor = factor
    }

    /// The shape that comes out for a shape that goes in.
    public func outputShape(for inputShape: [Int]) throws -> [Int] {
        _ = try Shape.elementCount(inputShape, operation: "PixelShuffle", argument: "x")
        guard inputShape.count == 4, inputShape[1] % (factor * factor) == 0 else {
            throw TensorError(
                operation: "PixelShuffle", argument: "x", value: "\(inputShape)",
                expected: "[N, C, H, W] with C a multiple of \(factor * factor)")
        }
        let shape = [
            inputShape[0], inputShape[1] / (factor * factor), inputShape[2] * factor,
            inputShape[3] * factor,
        ]
        _ = try Shape.elementCount(shape, operation: "PixelShuffle", argument: "x")
        return shape
    }

    /// The input as `[N, C, H, r, W, r]`.
    func view(of inputShape: [Int]) throws -> StridedView {
        let shape = try outputShape(for: inputShape)
        return try StridedView(
            shape: [
                shape[0], shape[1], factor, factor, inputShape[2], inputShape[3],
            ]
        ).transposed([0, 1, 4, 2, 5, 3])
    }
}

/// Blocks of pixels as blocks of channels, the inverse of ``PixelShuffle``: `[N, C, H·r, W·r]` to
/// `[N, C·r², H, W]`.
public struct PixelUnshuffle: ViewLayer {
    /// r, by how much images shrink along each axis.
    public let factor: Int

    /// A layer with a factor.
    ///
    /// - Parameter factor: r, by how much images shrink along each axis.
    /// - Throws: ``TensorError`` when the factor is not from 1 to 2³¹ − 1.
    public init(_ factor: Int) throws {
        try checkFactor(factor, operation: "PixelUnshuffle")
        self.factor = factor
    }

    /// The shape that comes out for a shape that goes in.
    public func outputShape(for inputShape: [Int]) throws -> [Int] {
        _ = try Shape.elementCount(inputShape, operation: "PixelUnshuffle", argument: "x")
        guard inputShape.count == 4, inputShape[2] % factor == 0, inputShape[3] % factor == 0 else {
            throw TensorError(
                operation: "PixelUnshuffle", argument: "x", value: "\(inputShape)",
                expected: "[N, C, H, W] with H and W multiples of \(factor)")
        }
        // Both sides are at least the factor, so the square is no larger than their product.
        let shape = [
            inputShape[0], inputShape[1] * factor * factor, inputShape[2] / factor,
            inputShape[3] / factor,
        ]
        _ = try Shape.elementCount(shape, operation: "PixelUnshuffle", argument: "x")
        return shape
    }

    /// The input as `[N, C, r, r, H, W]`.
    func view(of inputShape: [Int]) throws -> StridedView {
        let shape = try outputShape(for: inputShape)
        return try StridedView(
            shape: [inputShape[0], inputShape[1], shape[2], factor, shape[3], factor]
        ).transposed([0, 1, 3, 5, 2, 4])
    }
}

private func checkFactor(_ factor: Int, operation: String) throws(TensorError) {
    guard (1...Shape.largestExtent).contains(factor) else {
        throw TensorError(
            operation: operation, argument: "factor", value: "\(factor)",
            expected: "from 1 to \(Shape.largestExtent)")
    }
}

extension PixelShuffle: DescribedLayer {
    /// What files call the type.
    public static let typeName = "PixelShuffle"

    /// The factor.
    public var layerSettings: LayerSettings { ["factor": .integer(factor)] }

    /// The layer with a factor.
    public init(settings: LayerSettings, tensors: LayerTensors) throws {
        try settings.require(only: ["factor"])
        try tensors.require(only: [])
        try self.init(settings.integer("factor", in: 1...Shape.largestExtent))
    }
}

extension PixelUnshuffle: DescribedLayer {
    /// What files call the type.
    public static let typeName = "PixelUnshuffle"

    /// The factor.
    public var layerSettings: LayerSettings { ["factor": .integer(factor)] }

    /// The layer with a factor.
    public init(settings: LayerSettings, tensors: LayerTensors) throws {
        try settings.require(only: ["factor"])
        try tensors.require(only: [])
        try self.init(settings.integer("factor", in: 1...Shape.largestExtent))
    }
}

extension PixelShuffle: ONNXLayer {
    func export(to graph: inout ONNXGraph, inputShape: [Int]) {
        graph.add(
            "DepthToSpace", [], [("blocksize", .int(factor)), ("mode", .text("CRD"))])
    }
}

extension PixelUnshuffle: ONNXLayer {
    /// ONNX's SpaceToDepth has the channels in another order.
    func export(to graph: inout ONNXGraph, inputShape: [Int]) throws {
        let shape = try outputShape(for: inputShape)
        // 0 stands for the extent that the input has there: that of samples.
        let blocks = graph.addIntegers(
            "blocks", [0, inputShape[1], shape[2], factor, shape[3], factor])
        graph.add("Reshape", [blocks], step: "blocks")
        graph.add("Transpose", step: "turned", [("perm", .ints([0, 1, 3, 5, 2, 4]))])
        graph.add("Reshape", [graph.addIntegers("shape", [0] + shape.dropFirst())])
    }
}
