// SPDX-License-Identifier: MIT
//
// All numbers of a value in another shape, the axis of samples included: what imported models do.

/// All numbers of a value in another shape, which says what becomes of the samples too.
/// ``Reshape`` keeps those.
struct WholeReshape: UnaryLayer {
    /// The shape that comes out; -1 in it, at most once, is what is left over.
    let shape: [Int]

    /// A whole shape.
    ///
    /// - Throws: ``TensorError`` when an extent is below 1 or the shape too large.
    init(to shape: [Int]) throws {
        let known = shape.filter { $0 != -1 }
        guard known.count >= shape.count - 1 else {
            throw TensorError(
                operation: "WholeReshape", argument: "shape", value: "\(shape)",
                expected: "at most one -1")
        }
        _ = try Shape.elementCount(known, operation: "WholeReshape")
        self.shape = shape
    }

    var fixesInputShape: Bool { true }

    func outputShape(for inputShape: [Int]) throws -> [Int] {
        let count = try Shape.elementCount(inputShape, operation: "WholeReshape", argument: "x")
        let known = shape.filter { $0 != -1 }.reduce(1, *)
        guard known == count || (shape.contains(-1) && count % known == 0) else {
            throw TensorError(
                operation: "WholeReshape", argument: "x", value: "\(inputShape)",
                expected: "as many numbers as \(shape) holds")
        }
        return shape.map { $0 == -1 ? count / known : $0 }
    }

    func operationCount(for inputShape: [Int]) throws -> Int { 0 }

    func predict(_ x: Tensor, on kernels: any Kernels) throws -> Tensor {
        try x.reshaped(to: outputShape(for: x.shape))
    }

    func forward(_ x: Tensor, in pass: Pass) throws -> Forward {
        try .reshaped(x, to: outputShape(for: x.shape))
    }
}

extension WholeReshape: DescribedLayer {
    static let typeName = "WholeReshape"

    var layerSettings: LayerSettings { ["shape": .integers(shape)] }

    init(settings: LayerSettings, tensors: LayerTensors) throws {
        try settings.require(only: ["shape"])
        try tensors.require(only: [])
        try self.init(to: settings.integers("shape", in: -1...Shape.largestExtent))
    }
}

extension WholeReshape: ONNXLayer {
    func export(to graph: inout ONNXGraph, inputShape: [Int]) throws {
        // What was a sample's axis stays open.
        let keepsSamples = !shape.isEmpty && inputShape.first == shape[0]
        let shape = keepsSamples ? [0] + shape.dropFirst() : shape
        graph.add("Reshape", [graph.addIntegers("shape", shape)])
    }
}
