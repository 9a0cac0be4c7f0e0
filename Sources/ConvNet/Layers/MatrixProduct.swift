// SPDX-License-Identifier: MIT
//
// The product of two values that hold a matrix, or several, for each sample: what attention is made
// of.

/// The matrix products of two inputs, `[N, …, M, K]` and `[N, …, K, P]` to `[N, …, M, P]`.
///
/// The inputs have as many axes as one another. Those before the last two say which matrices are
/// multiplied; an input of extent 1 along one of them has one matrix for all of the other's.
///
/// ```swift
/// let scores = try graph.add(MatrixProduct(), queries, keys)
/// ```
public struct MatrixProduct: Layer {
    /// A layer without parameters.
    public init() {}

    /// The same product, of any axes that broadcast.
    private static let product = BroadcastProduct(operation: "MatrixProduct")

    /// The shape of the products.
    public func outputShape(for inputShapes: [[Int]]) throws -> [Int] {
        if inputShapes.count == 2 {
            let (a, b) = (inputShapes[0], inputShapes[1])
            guard a.count >= 3, b.count == a.count, a[a.count - 1] == b[b.count - 2] else {
                throw TensorError(
                    operation: "MatrixProduct", argument: "inputs", value: "\(a) and \(b)",
                    expected: "[N, …, M, K] and [N, …, K, P]")
            }
        }
        return try Self.product.outputShape(for: inputShapes)
    }

    /// A product and an addition for each number of a row of the first input and column of the
    /// second.
    public func operationCount(for inputShapes: [[Int]]) throws -> Int {
        _ = try outputShape(for: inputShapes)
        return try Self.product.operationCount(for: inputShapes)
    }

    /// The layer's output in prediction.
    public func predict(_ inputs: [Tensor], on kernels: any Kernels) throws -> Tensor {
        _ = try outputShape(for: inputs.map(\.shape))
        return try Self.product.predict(inputs, on: kernels)
    }

    /// The layer's output in training, and the way back: with Y = A · B, `dA = dY · Bᵀ` and
    /// `dB = Aᵀ · dY`, each added up over the axes along which an input was repeated.
    public func forward(_ inputs: [Tensor], in pass: Pass) throws -> Forward {
        _ = try outputShape(for: inputs.map(\.shape))
        return try Self.product.forward(inputs, in: pass)
    }
}

extension MatrixProduct: PlainLayer {
    /// What files call the type.
    public static let typeName = "MatrixProduct"
}

extension MatrixProduct: ONNXLayer {
    func export(to graph: inout ONNXGraph, inputShape: [Int]) {
        graph.add("MatMul", on: graph.inputs[0], [graph.inputs[1]])
    }
}
