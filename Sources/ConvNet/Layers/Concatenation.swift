// SPDX-License-Identifier: MIT
//
// Values one behind the other along an axis: what joins the branches of an Inception block (Szegedy
// et al., "Going deeper with convolutions", 2014) or of a U-Net (Ronneberger et al., 2015).

/// The inputs one behind the other along an axis; their other extents are equal. Any number of
/// inputs, also the same value several times.
///
/// ```swift
/// // [N, 3, H, W] and [N, 5, H, W] to [N, 8, H, W]
/// let y = try graph.add(Concatenation(axis: 1), left, right)
/// ```
public struct Concatenation: Layer {
    /// The axis along which they lie; -1 is the last.
    public let axis: Int
    private let takesSamples: Bool

    /// A concatenation along an axis.
    ///
    /// - Parameter axis: from 1 on, or from the end, -1 being the last; 1 is that of channels.
    /// - Throws: ``TensorError`` when the axis is 0, which counts samples.
    public init(axis: Int = 1) throws {
        try Axis.check(axis, operation: "Concatenation")
        self.axis = axis
        takesSamples = false
    }

    /// A concatenation along any axis, that of samples included.
    init(anyAxis axis: Int) {
        self.axis = axis
        takesSamples = true
    }

    /// A concatenation.
    public var pattern: LayerPattern { .concatenation(axis: axis) }

    /// The shape of the inputs together.
    public func outputShape(for inputShapes: [[Int]]) throws -> [Int] {
        try layout(of: inputShapes).shape
    }

    /// None: numbers are copied.
    public func operationCount(for inputShapes: [[Int]]) throws -> Int {
        _ = try outputShape(for: inputShapes)
        return 0
    }

    /// The inputs together.
    public func predict(_ inputs: [Tensor], on kernels: any Kernels) throws -> Tensor {
        let (shape, views) = try layout(of: inputs.map(\.shape))
        if inputs.count == 1 { return inputs[0] }
        var output = try Tensor(
            uninitialized: shape, scalarType: inputs[0].scalarType, operation: "Concatenation")
        for (input, view) in zip(inputs, views) {
            try kernels.copy(input, from: StridedView(shape: input.shape), into: &output, at: view)
        }
        return output
    }

    /// The inputs together, and the way back: each has its part of the gradient.
    public func forward(_ inputs: [Tensor], in pass: Pass) throws -> Forward {
        let views = try layout(of: inputs.map(\.shape)).views
        return Forward(try predict(inputs, on: pass.kernels), inputs: inputs.count) {
            [kernels = pass.kernels] outputGradient, wanted in
            LayerGradients(
                inputs: try zip(wanted.inputs, views).map { isWanted, view in
                    isWanted ? try kernels.copied(outputGradient, as: view) : nil
                })
        }
    }

    /// The output's shape, and where each input lies in it.
    private func layout(of shapes: [[Int]]) throws -> (shape: [Int], views: [StridedView]) {
        guard var shape = shapes.first else {
            throw TensorError(
                operation: "Concatenation", argument: "inputs", value: "0", expected: "one or more")
        }
        let axis = try Axis.resolved(
            axis, of: shape, operation: "Concatenation", takesSamples: takesSamples)
        for other in shapes.dropFirst() {
            var alike = other
            if alike.indices.contains(axis) { alike[axis] = shapes[0][axis] }
            guard alike == shapes[0] else {
                throw TensorError(
                    operation: "Concatenation", argument: "inputs", value: "\(other)",
                    expected: "\(shapes[0]), the shape of the first, except along axis \(axis)")
            }
        }
        for other in shapes { _ = try Shape.elementCount(other, operation: "Concatenation") }
        shape[axis] = shapes.reduce(0) { $0 + $1[axis] }
        let whole = try StridedView(shape: shape)
        var views: [StridedView] = []
        var first = 0
        for other in shapes {
            views.append(try whole.slice(axis: axis, from: first, count: other[axis]))
            first += other[axis]
        }
        return (shape, views)
    }
}

extension Concatenation: DescribedLayer {
    /// What files call the type.
    public static let typeName = "Concatenation"

    /// The axis, and whether it may be that of samples, if so.
    public var layerSettings: LayerSettings {
        Axis.settings(["axis": .integer(axis)], takesSamples: takesSamples)
    }

    /// The layer with an axis.
    public init(settings: LayerSettings, tensors: LayerTensors) throws {
        let takesSamples = try Axis.takeSamples(settings, others: ["axis"])
        try tensors.require(only: [])
        let axis = try settings.integer("axis", in: Int.min...Int.max)
        if takesSamples { self.init(anyAxis: axis) } else { try self.init(axis: axis) }
    }
}

extension Concatenation: ONNXLayer {
    func export(to graph: inout ONNXGraph, inputShape: [Int]) throws {
        let axis = try Axis.resolved(
            axis, of: inputShape, operation: "Concatenation", takesSamples: takesSamples)
        graph.add(
            "Concat", on: graph.inputs[0], Array(graph.inputs.dropFirst()), [("axis", .int(axis))])
    }
}
