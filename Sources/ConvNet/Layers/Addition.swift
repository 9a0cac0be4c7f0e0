// SPDX-License-Identifier: MIT
//
// The sum of two or more values: what makes a network residual; He et al., "Deep residual learning
// for image recognition", 2016.

/// The sum of two or more inputs of equal shapes, number by number.
///
/// ```swift
/// let y = try graph.add(Addition(), branch, shortcut)
/// ```
public struct Addition: Layer {
    /// A layer without parameters.
    public init() {}

    /// The shape of the inputs.
    public func outputShape(for inputShapes: [[Int]]) throws -> [Int] {
        guard let first = inputShapes.first, inputShapes.count >= 2 else {
            throw TensorError(
                operation: "Addition", argument: "inputs", value: "\(inputShapes.count)",
                expected: "two or more")
        }
        if let other = inputShapes.first(where: { $0 != first }) {
            throw TensorError(
                operation: "Addition", argument: "inputs", value: "\(other)",
                expected: "\(first), the shape of the first")
        }
        return first
    }

    /// A sum.
    public var pattern: LayerPattern { .addition }

    /// An addition per number for each input but the first.
    public func operationCount(for inputShapes: [[Int]]) throws -> Int {
        try operations(timesOutputs: inputShapes.count - 1, for: inputShapes)
    }

    /// The sum, in the order of the inputs.
    public func predict(_ inputs: [Tensor], on kernels: any Kernels) throws -> Tensor {
        _ = try outputShape(for: inputs.map(\.shape))
        return try inputs.dropFirst().reduce(inputs[0]) { try kernels.elementwise(.add, $0, $1) }
    }

    /// The sum, and the way back: each input has the output's gradient.
    public func forward(_ inputs: [Tensor], in pass: Pass) throws -> Forward {
        Forward(try predict(inputs, on: pass.kernels), inputs: inputs.count) {
            outputGradient, wanted in
            LayerGradients(inputs: wanted.inputs.map { $0 ? outputGradient : nil })
        }
    }
}
