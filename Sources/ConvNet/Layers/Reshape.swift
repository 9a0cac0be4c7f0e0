// SPDX-License-Identifier: MIT
//
// The numbers of each sample in another shape.

/// The numbers of each sample in another shape: `[N, 12]` to `[N, 3, 2, 2]`. Nothing is copied.
///
/// ```swift
/// let images = try Reshape(to: [3, -1, 2])    // -1 is what is left over
/// ```
public struct Reshape: UnaryLayer {
    /// The shape of one sample; -1 in it, at most once, is what is left over.
    public let sampleShape: [Int]

    /// A shape of samples.
    ///
    /// - Parameter sampleShape: the extents behind the axis of samples, each at least 1, but that
    ///   one of them may be -1, what is left over.
    /// - Throws: ``TensorError`` when an extent is neither, or the shape is too large.
    public init(to sampleShape: [Int]) throws {
        let known = sampleShape.filter { $0 != -1 }
        guard known.count >= sampleShape.count - 1, known.allSatisfy({ $0 >= 1 }) else {
            throw TensorError(
                operation: "Reshape", argument: "sampleShape", value: "\(sampleShape)",
                expected: "extents of at least 1, and -1 at most once")
        }
        _ = try Shape.elementCount(known, operation: "Reshape", argument: "sampleShape")
        self.sampleShape = sampleShape
    }

    /// Pixels become numbers of a row.
    public var fixesInputShape: Bool { true }

    /// The shape that comes out for a shape that goes in.
    public func outputShape(for inputShape: [Int]) throws -> [Int] {
        let count = try Shape.elementCount(inputShape, operation: "Reshape", argument: "x")
        let known = sampleShape.filter { $0 != -1 }.reduce(1, *)
        let hasRest = sampleShape.contains(-1)
        guard let samples = inputShape.first, count / samples % known == 0,
            hasRest || count / samples == known
        else {
            throw TensorError(
                operation: "Reshape", argument: "x", value: "\(inputShape)",
                expected: "samples that can be reshaped to \(sampleShape)")
        }
        let shape = [samples] + sampleShape.map { $0 == -1 ? count / samples / known : $0 }
        _ = try Shape.elementCount(shape, operation: "Reshape", argument: "x")
        return shape
    }

    /// None: nothing is computed.
    public func operationCount(for inputShape: [Int]) throws -> Int {
        _ = try outputShape(for: inputShape)
        return 0
    }

    /// The layer's output in prediction.
    public func predict(_ x: Tensor, on kernels: any Kernels) throws -> Tensor {
        try x.reshaped(to: outputShape(for: x.shape))
    }

    /// The layer's output in training, and the way back.
    public func forward(_ x: Tensor, in pass: Pass) throws -> Forward {
        try .reshaped(x, to: outputShape(for: x.shape))
    }
}

extension Forward {
    /// An input in another shape, and its gradient in the old one.
    static func reshaped(_ x: Tensor, to shape: [Int]) throws -> Forward {
        Forward(try x.reshaped(to: shape)) { [inputShape = x.shape] outputGradient, wanted in
            guard wanted.input else { return LayerGradients(input: nil) }
            return LayerGradients(input: try outputGradient.reshaped(to: inputShape))
        }
    }
}

extension Reshape: DescribedLayer {
    /// What files call the type.
    public static let typeName = "Reshape"

    /// The shape.
    public var layerSettings: LayerSettings { ["sample_shape": .integers(sampleShape)] }

    /// The layer with a shape.
    public init(settings: LayerSettings, tensors: LayerTensors) throws {
        try settings.require(only: ["sample_shape"])
        try tensors.require(only: [])
        try self.init(to: settings.integers("sample_shape", in: -1...Shape.largestExtent))
    }
}

extension Reshape: ONNXLayer {
    /// In ONNX 0 stands for the extent that the input has there: that of samples.
    func export(to graph: inout ONNXGraph, inputShape: [Int]) throws {
        let shape = try outputShape(for: inputShape)
        graph.add("Reshape", [graph.addIntegers("shape", [0] + shape.dropFirst())])
    }
}
