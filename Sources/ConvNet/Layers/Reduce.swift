// SPDX-License-Identifier: MIT
//
// Sums, means and other reductions of a value over some of its axes.

/// The sum, mean, maximum, minimum or root of the sum of squares along some axes of each sample.
///
/// ```swift
/// let y = try graph.add(Reduce(.mean, axes: [2, 3]), x)   // [N, C, H, W] to [N, C, 1, 1]
/// ```
public struct Reduce: UnaryLayer {
    /// What becomes of the numbers.
    public let reduction: Reduction
    /// The axes that are reduced, counted in the whole tensor, where axis 0 counts samples;
    /// negative ones count from the end.
    public let axes: [Int]
    /// Whether they stay as axes of extent 1.
    public let keepsAxes: Bool
    private let takesSamples: Bool

    /// A layer without parameters.
    ///
    /// - Parameters:
    ///   - reduction: what becomes of the numbers.
    ///   - axes: the axes that are reduced, each once, of the whole tensor; negative ones count
    ///     from the end.
    ///   - keepsAxes: whether they stay as axes of extent 1.
    /// - Throws: ``TensorError`` when there is no axis, or it is axis 0, which counts samples.
    public init(_ reduction: Reduction, axes: [Int], keepsAxes: Bool = true) throws {
        guard !axes.isEmpty, !axes.contains(0) else {
            throw TensorError(
                operation: "Reduce", argument: "axes", value: "\(axes)",
                expected: "at least one, and not axis 0, which counts samples")
        }
        self.reduction = reduction
        self.axes = axes
        self.keepsAxes = keepsAxes
        takesSamples = false
    }

    /// A reduction over any axes, that of samples included.
    init(_ reduction: Reduction, anyAxes axes: [Int], keepsAxes: Bool) {
        self.reduction = reduction
        self.axes = axes
        self.keepsAxes = keepsAxes
        takesSamples = true
    }

    /// The shape that comes out for a shape that goes in: with the axes 1, or without them.
    public func outputShape(for inputShape: [Int]) throws -> [Int] {
        let (axes, kept) = try reduced(inputShape)
        return keepsAxes ? kept : Shape.removing(axes, from: kept)
    }

    /// One per number that goes in.
    public func operationCount(for inputShape: [Int]) throws -> Int {
        try Shape.elementCount(inputShape, operation: "Reduce", argument: "x")
    }

    /// The layer's output in prediction.
    public func predict(_ x: Tensor, on kernels: any Kernels) throws -> Tensor {
        try kernels.reduced(x, reduction, axes: reduced(x.shape).axes, keepsAxes: keepsAxes)
    }

    /// The layer's output in training, and the way back. Of several maxima, or minima, each gets an
    /// equal share of the gradient; the root of a sum of squares that is 0 passes none.
    public func forward(_ x: Tensor, in pass: Pass) throws -> Forward {
        let (axes, kept) = try reduced(x.shape)
        let y = try predict(x, on: pass.kernels)
        let takesNumbers = reduction != .sum && reduction != .mean
        return Forward(y) {
            [self, kernels = pass.kernels, shape = x.shape, values = takesNumbers ? x : nil]
            outputGradient, wanted in
            guard wanted.input else { return LayerGradients(input: nil) }
            let dy = try outputGradient.reshaped(to: kept)
            guard let x = values else {
                return LayerGradients(input: try self.spread(dy, to: shape, on: kernels))
            }
            let y = try y.reshaped(to: kept)
            let gradient =
                self.reduction == .l2
                ? try Self.rootGradient(dy, x, y, on: kernels)
                : try self.extremeGradient(dy, x, y, axes, on: kernels)
            return LayerGradients(input: gradient)
        }
    }

    /// The axes from the first, and the shape with them as axes of extent 1.
    private func reduced(_ shape: [Int]) throws -> (axes: [Int], kept: [Int]) {
        let found = try KernelChecks.reduced(shape, axes: axes, operation: "Reduce")
        guard takesSamples || !found.axes.contains(0) else {
            throw TensorError(
                operation: "Reduce", argument: "axes", value: "\(axes)",
                expected: "not axis 0 of \(shape), which counts samples")
        }
        return found
    }

    /// The gradient of a sum or mean.
    private func spread(
        _ outputGradient: Tensor, to shape: [Int], on kernels: any Kernels
    ) throws -> Tensor {
        let zeros = try Tensor(zeros: shape, scalarType: outputGradient.scalarType)
        guard reduction == .mean else {
            return try kernels.elementwise(.add, zeros, outputGradient)
        }
        let count = try Tensor(
            shape: [], repeating: Double(zeros.count / outputGradient.count),
            scalarType: outputGradient.scalarType)
        return try kernels.elementwise(
            .add, zeros, kernels.elementwise(.divide, outputGradient, count))
    }

    /// `dy · x / y`.
    private static func rootGradient(
        _ dy: Tensor, _ x: Tensor, _ y: Tensor, on kernels: any Kernels
    ) throws -> Tensor {
        // Where y is 0, so is x, and the gradient whatever it is divided by.
        let divisors = try y.map { $0 == 0 ? 1 : $0 }
        return try kernels.elementwise(
            .multiply, x, kernels.elementwise(.divide, dy, divisors))
    }

    /// `dy` divided by how many numbers equal `y`, for each of them.
    private func extremeGradient(
        _ dy: Tensor, _ x: Tensor, _ y: Tensor, _ axes: [Int], on kernels: any Kernels
    ) throws -> Tensor {
        // Of equal numbers each gets half of 2, of others the one that is no maximum nothing.
        let two = try Tensor(shape: [], repeating: 2, scalarType: x.scalarType)
        let marks = try kernels.elementwiseGradient(
            two, of: reduction == .maximum ? .maximum : .minimum, x, y, operand: .a)
        let counts = try kernels.reduced(marks, .sum, axes: axes, keepsAxes: true)
        return try kernels.elementwise(
            .multiply, marks, kernels.elementwise(.divide, dy, counts))
    }
}

extension Reduce: DescribedLayer {
    /// What files call the type.
    public static let typeName = "Reduce"

    /// The reduction, the axes, and whether they are kept.
    public var layerSettings: LayerSettings {
        Axis.settings(
            [
                "reduction": .text(reduction.name), "axes": .integers(axes),
                "keeps_axes": .flag(keepsAxes),
            ], takesSamples: takesSamples)
    }

    /// The layer of a reduction over axes.
    public init(settings: LayerSettings, tensors: LayerTensors) throws {
        let takesSamples = try Axis.takeSamples(
            settings, others: ["reduction", "axes", "keeps_axes"])
        try tensors.require(only: [])
        let (reduction, axes) = (
            try settings.oneOf("reduction") as Reduction,
            try settings.integers("axes", in: -8...8)
        )
        let keepsAxes = try settings.flag("keeps_axes")
        if takesSamples {
            self.init(reduction, anyAxes: axes, keepsAxes: keepsAxes)
        } else {
            try self.init(reduction, axes: axes, keepsAxes: keepsAxes)
        }
    }
}

extension Reduce: ONNXLayer {
    func export(to graph: inout ONNXGraph, inputShape: [Int]) throws {
        let axes = try reduced(inputShape).axes
        let keeps = ("keepdims", ONNXAttribute.int(keepsAxes ? 1 : 0))
        // In version 17 of the operators, the sum alone has its axes as an input.
        if reduction == .sum {
            graph.add(reduction.onnx, [graph.addIntegers("axes", axes)], [keeps])
        } else {
            graph.add(reduction.onnx, [], [("axes", .ints(axes)), keeps])
        }
    }
}
