// SPDX-License-Identifier: MIT
//
// Operations on two values with broadcasting.

/// An operation on the numbers of two inputs that lie at the same place.
///
/// The inputs have as many axes as one another, the samples' first; along an axis on which one of
/// them has the extent 1, its number is used for all of the other's.
///
/// ```swift
/// let y = try graph.add(Elementwise(.maximum), a, b)
/// ```
public struct Elementwise: Layer {
    /// What is done to two numbers.
    public let operation: BinaryOperation
    private let alignsLastAxes: Bool

    /// A layer without parameters.
    public init(_ operation: BinaryOperation) {
        self.init(operation, alignsLastAxes: false)
    }

    /// A layer whose inputs may have different numbers of axes: the last ones belong
    /// together, as NumPy's.
    init(_ operation: BinaryOperation, alignsLastAxes: Bool) {
        self.operation = operation
        self.alignsLastAxes = alignsLastAxes
    }

    /// The shape that both inputs broadcast to.
    public func outputShape(for inputShapes: [[Int]]) throws -> [Int] {
        guard inputShapes.count == 2 else {
            throw TensorError(
                operation: "Elementwise", argument: "inputs", value: "\(inputShapes.count)",
                expected: "2")
        }
        // With fewer axes, samples of one would meet something else of the other.
        guard alignsLastAxes || inputShapes[0].count == inputShapes[1].count else {
            throw TensorError(
                operation: "Elementwise", argument: "inputs", value: "\(inputShapes[1])",
                expected: "as many axes as \(inputShapes[0]) has")
        }
        return try KernelChecks.broadcast(
            inputShapes[0], inputShapes[1], operation: "Elementwise", argument: "inputs")
    }

    /// The layer's output in prediction.
    public func predict(_ inputs: [Tensor], on kernels: any Kernels) throws -> Tensor {
        _ = try outputShape(for: inputs.map(\.shape))
        return try kernels.elementwise(operation, inputs[0], inputs[1])
    }

    /// The layer's output in training, and the way back: gradients are added up over the axes along
    /// which an input was repeated.
    public func forward(_ inputs: [Tensor], in pass: Pass) throws -> Forward {
        let output = try predict(inputs, on: pass.kernels)
        return Forward(output, inputs: 2) {
            [operation, kernels = pass.kernels] outputGradient, wanted in
            let operands = BinaryOperation.Operand.allCases
            let gradients = try zip(operands, wanted.inputs).map { operand, isWanted in
                guard isWanted else { return Tensor?.none }
                let gradient = try kernels.elementwiseGradient(
                    outputGradient, of: operation, inputs[0], inputs[1], operand: operand)
                return try kernels.summed(gradient, to: inputs[operand == .a ? 0 : 1].shape)
            }
            return LayerGradients(inputs: gradients)
        }
    }
}

extension Elementwise: DescribedLayer {
    /// What files call the type.
    public static let typeName = "Elementwise"

    /// The operation's name, and whether numbers of axes may differ, if so.
    public var layerSettings: LayerSettings {
        let settings: LayerSettings = ["operation": .text(operation.name)]
        return alignsLastAxes ? settings.merging(["aligns_last_axes": .flag(true)]) : settings
    }

    /// The layer of an operation.
    public init(settings: LayerSettings, tensors: LayerTensors) throws {
        let aligns = settings["aligns_last_axes"] != nil
        try settings.require(only: ["operation"] + (aligns ? ["aligns_last_axes"] : []))
        try tensors.require(only: [])
        try self.init(
            settings.oneOf("operation"),
            alignsLastAxes: aligns ? settings.flag("aligns_last_axes") : false)
    }
}

extension Elementwise: ONNXLayer {
    /// ONNX's PRelu repeats the slope alone, so that one is max(a, 0) + b · min(a, 0).
    func export(to graph: inout ONNXGraph, inputShape: [Int]) throws {
        let (a, b) = (graph.inputs[0], graph.inputs[1])
        guard operation == .prelu else { return graph.add(operation.onnx, on: a, [b]) }
        let zero = try graph.addConstant("zero", Tensor(zeros: []))
        graph.add("Min", on: a, [zero], step: "negative")
        graph.add("Mul", [b], step: "scaled")
        let scaled = graph.value
        graph.add("Relu", on: a, step: "positive")
        graph.add("Add", [scaled])
    }
}
