// SPDX-License-Identifier: MIT
//
// The product of two or more values: gates, such as those of squeeze-and-excitation; Hu et al.,
// "Squeeze-and-excitation networks", 2018.

/// The product of two or more inputs, number by number.
///
/// The inputs have one shape, or are gates: one number for each channel of the others' `[N, C, …]`,
/// that is `[N, C, 1, 1]` for images.
///
/// ```swift
/// let y = try graph.add(Multiplication(), features, gate)
/// ```
public struct Multiplication: Layer {
    /// A layer without parameters.
    public init() {}

    /// The shape of the inputs that are no gates.
    public func outputShape(for inputShapes: [[Int]]) throws -> [Int] {
        guard inputShapes.count >= 2, var whole = inputShapes.first else {
            throw TensorError(
                operation: "Multiplication", argument: "inputs", value: "\(inputShapes.count)",
                expected: "two or more")
        }
        func count(_ shape: [Int]) throws -> Int {
            try Shape.elementCount(shape, operation: "Multiplication", argument: "inputs")
        }
        for shape in inputShapes where try count(shape) > count(whole) { whole = shape }
        let gate = whole.prefix(2) + whole.dropFirst(2).map { _ in 1 }
        if let other = inputShapes.first(where: { $0 != whole && $0 != Array(gate) }) {
            throw TensorError(
                operation: "Multiplication", argument: "inputs", value: "\(other)",
                expected: "\(whole), or \(gate) for a gate")
        }
        return whole
    }

    /// A multiplication per number for each input but the first.
    public func operationCount(for inputShapes: [[Int]]) throws -> Int {
        try operations(timesOutputs: inputShapes.count - 1, for: inputShapes)
    }

    /// The product, in the order of the inputs.
    public func predict(_ inputs: [Tensor], on kernels: any Kernels) throws -> Tensor {
        _ = try outputShape(for: inputs.map(\.shape))
        return try inputs.dropFirst().reduce(inputs[0]) {
            try kernels.elementwise(.multiply, $0, $1)
        }
    }

    /// The product, and the way back: each input has the output's gradient times the other inputs,
    /// a gate the sum of that.
    public func forward(_ inputs: [Tensor], in pass: Pass) throws -> Forward {
        let output = try predict(inputs, on: pass.kernels)
        return Forward(output, inputs: inputs.count) {
            [kernels = pass.kernels] outputGradient, wanted in
            let gradients = try zip(inputs.indices, wanted.inputs).map { place, isWanted in
                guard isWanted else { return Tensor?.none }
                let product = try inputs.indices.filter { $0 != place }.reduce(outputGradient) {
                    try kernels.elementwise(.multiply, $0, inputs[$1])
                }
                return try kernels.summed(product, to: inputs[place].shape)
            }
            return LayerGradients(inputs: gradients)
        }
    }
}

extension Multiplication: PlainLayer {
    /// What files call the type.
    public static let typeName = "Multiplication"
}

extension Multiplication: ONNXLayer {
    /// ONNX's Mul has two inputs.
    func export(to graph: inout ONNXGraph, inputShape: [Int]) {
        let inputs = graph.inputs
        for (place, input) in inputs.enumerated().dropFirst() {
            let isLast = place == inputs.count - 1
            graph.add("Mul", [input], step: isLast ? nil : "product\(place)")
        }
    }
}
