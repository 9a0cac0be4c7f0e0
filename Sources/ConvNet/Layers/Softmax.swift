// SPDX-License-Identifier: MIT
//
// Softmax as a layer of its own; a classifier is trained without it, by `SoftmaxCrossEntropy`.

/// The softmax along an axis, `exp(x[k]) / Σ exp(x[j])`: of each row of `[N, K]`, unless told
/// otherwise.
public struct Softmax: UnaryLayer {
    /// The axis that k and j count along, in the whole tensor, where axis 0 counts samples; a
    /// negative one counts from the end.
    public let axis: Int
    private let takesSamples: Bool

    /// A layer without parameters.
    ///
    /// - Parameter axis: what the numbers add up to 1 along; the last one by default.
    public init(axis: Int = -1) { self.init(axis: axis, takesSamples: false) }

    /// A layer along an axis that may be that of samples.
    init(axis: Int, takesSamples: Bool) {
        self.axis = axis
        self.takesSamples = takesSamples
    }

    /// The shape that comes out for a shape that goes in: the same.
    public func outputShape(for inputShape: [Int]) throws -> [Int] {
        let axis = try KernelChecks.axes(
            [axis], of: inputShape, operation: "Softmax", argument: "axis")
        guard axis != [0] || takesSamples else {
            throw TensorError(
                operation: "Softmax", argument: "axis", value: "\(self.axis)",
                expected: "not axis 0 of \(inputShape), which counts samples")
        }
        return inputShape
    }

    /// The layer's output in prediction.
    public func predict(_ x: Tensor, on kernels: any Kernels) throws -> Tensor {
        _ = try outputShape(for: x.shape)
        return try kernels.softmax(x, axis: axis)
    }

    /// The layer's output in training, and the way back.
    public func forward(_ x: Tensor, in pass: Pass) throws -> Forward {
        let y = try predict(x, on: pass.kernels)
        return Forward(y) { [axis, kernels = pass.kernels] outputGradient, wanted in
            guard wanted.input else { return LayerGradients(input: nil) }
            return LayerGradients(
                input: try kernels.softmaxGradient(outputGradient, output: y, axis: axis))
        }
    }
}

extension Softmax: DescribedLayer {
    /// What files call the type.
    public static let typeName = "Softmax"

    /// The axis; none where it is the last, as in files that knew no other.
    public var layerSettings: LayerSettings {
        Axis.settings(
            axis == -1 ? [:] : ["axis": .integer(axis)], takesSamples: takesSamples)
    }

    /// The layer along an axis, the last where none is given.
    public init(settings: LayerSettings, tensors: LayerTensors) throws {
        let takesSamples = try Axis.takeSamples(
            settings, others: settings["axis"] == nil ? [] : ["axis"])
        try tensors.require(only: [])
        self.init(
            axis: settings["axis"] == nil ? -1 : try settings.integer("axis", in: .min ... .max),
            takesSamples: takesSamples)
    }
}

extension Softmax: ONNXLayer {
    func export(to graph: inout ONNXGraph, inputShape: [Int]) {
        let axis = axis < 0 ? axis + inputShape.count : axis
        graph.add("Softmax", [], [("axis", .int(axis))])
    }
}
