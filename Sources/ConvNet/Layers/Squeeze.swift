// SPDX-License-Identifier: MIT
//
// Axes of one index: taken away and put in.

/// The input without one axis, whose extent is 1: `[N, C, 1, W]` to `[N, C, W]`. Nothing is copied.
public struct Squeeze: UnaryLayer {
    /// The axis; -1 is the last.
    public let axis: Int

    /// A layer that takes an axis away.
    ///
    /// - Parameter axis: from 1 on, or from the end, -1 being the last.
    /// - Throws: ``TensorError`` when the axis is 0, which counts samples.
    public init(axis: Int) throws {
        try Axis.check(axis, operation: "Squeeze")
        self.axis = axis
    }

    /// The shape that comes out for a shape that goes in.
    public func outputShape(for inputShape: [Int]) throws -> [Int] {
        let axis = try Axis.resolved(axis, of: inputShape, operation: "Squeeze")
        guard inputShape[axis] == 1 else {
            throw TensorError(
                operation: "Squeeze", argument: "x", value: "\(inputShape)",
                expected: "1 along axis \(axis)")
        }
        var shape = inputShape
        shape.remove(at: axis)
        return shape
    }

    /// None: nothing is computed.
    public func operationCount(for inputShape: [Int]) throws -> Int {
        _ = try outputShape(for: inputShape)
        return 0
    }

    /// The layer's output in training, and the way back.
    public func forward(_ x: Tensor, in pass: Pass) throws -> Forward {
        try .reshaped(x, to: outputShape(for: x.shape))
    }
}

/// The input with one axis more, whose extent is 1: `[N, C, W]` to `[N, C, 1, W]`.
/// Nothing is copied.
public struct Unsqueeze: UnaryLayer {
    /// The axis of the output; -1 is the last.
    public let axis: Int

    /// A layer that puts an axis in.
    ///
    /// - Parameter axis: where the output has it: from 1 on, or from the end, -1 being the last.
    /// - Throws: ``TensorError`` when the axis is 0, which counts samples.
    public init(axis: Int) throws {
        try Axis.check(axis, operation: "Unsqueeze")
        self.axis = axis
    }

    /// The shape that comes out for a shape that goes in.
    public func outputShape(for inputShape: [Int]) throws -> [Int] {
        var shape = inputShape
        shape.insert(1, at: try place(in: inputShape))
        return shape
    }

    /// None: nothing is computed.
    public func operationCount(for inputShape: [Int]) throws -> Int {
        _ = try outputShape(for: inputShape)
        return 0
    }

    /// The layer's output in training, and the way back.
    public func forward(_ x: Tensor, in pass: Pass) throws -> Forward {
        try .reshaped(x, to: outputShape(for: x.shape))
    }

    /// Before which axis of an input the new one stands.
    fileprivate func place(in inputShape: [Int]) throws -> Int {
        try Axis.resolved(axis, of: inputShape + [1], operation: "Unsqueeze")
    }
}

extension Squeeze: DescribedLayer {
    /// What files call the type.
    public static let typeName = "Squeeze"

    /// The axis.
    public var layerSettings: LayerSettings { ["axis": .integer(axis)] }

    /// The layer with an axis.
    public init(settings: LayerSettings, tensors: LayerTensors) throws {
        try settings.require(only: ["axis"])
        try tensors.require(only: [])
        try self.init(axis: settings.integer("axis", in: Int.min...Int.max))
    }
}

extension Unsqueeze: DescribedLayer {
    /// What files call the type.
    public static let typeName = "Unsqueeze"

    /// The axis.
    public var layerSettings: LayerSettings { ["axis": .integer(axis)] }

    /// The layer with an axis.
    public init(settings: LayerSettings, tensors: LayerTensors) throws {
        try settings.require(only: ["axis"])
        try tensors.require(only: [])
        try self.init(axis: settings.integer("axis", in: Int.min...Int.max))
    }
}

extension Squeeze: ONNXLayer {
    func export(to graph: inout ONNXGraph, inputShape: [Int]) throws {
        let axis = try Axis.resolved(axis, of: inputShape, operation: "Squeeze")
        graph.add("Squeeze", [graph.addIntegers("axes", [axis])])
    }
}

extension Unsqueeze: ONNXLayer {
    func export(to graph: inout ONNXGraph, inputShape: [Int]) throws {
        graph.add("Unsqueeze", [graph.addIntegers("axes", [try place(in: inputShape)])])
    }
}
