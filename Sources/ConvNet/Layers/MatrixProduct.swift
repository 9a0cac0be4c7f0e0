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

    /// The shape of the products.
    public func outputShape(for inputShapes: [[Int]]) throws -> [Int] {
        guard inputShapes.count == 2 else {
            throw TensorError(
                operation: "MatrixProduct", argument: "inputs", value: "\(inputShapes.count)",
                expected: "2")
        }
        let (a, b) = (inputShapes[0], inputShapes[1])
        guard a.count >= 3, b.count == a.count, a[a.count - 1] == b[b.count - 2] else {
            throw TensorError(
                operation: "MatrixProduct", argument: "inputs", value: "\(a) and \(b)",
                expected: "[N, …, M, K] and [N, …, K, P]")
        }
        let matrices = try KernelChecks.broadcast(
            Array(a.dropLast(2)), Array(b.dropLast(2)), operation: "MatrixProduct",
            argument: "inputs")
        return matrices + [a[a.count - 2], b[b.count - 1]]
    }

    /// A product and an addition for each number of a row of the first input and column of the
    /// second.
    public func operationCount(for inputShapes: [[Int]]) throws -> Int {
        let factors = try outputShape(for: inputShapes) + [2, inputShapes.first?.last ?? 1]
        return try Shape.elementCount(
            factors, operation: "MatrixProduct.operationCount", argument: "inputs")
    }

    /// The layer's output in prediction.
    public func predict(_ inputs: [Tensor], on kernels: any Kernels) throws -> Tensor {
        _ = try outputShape(for: inputs.map(\.shape))
        return try Self.product(inputs[0], inputs[1], on: kernels)
    }

    /// The layer's output in training, and the way back: with Y = A · B, `dA = dY · Bᵀ` and
    /// `dB = Aᵀ · dY`, each added up over the axes along which an input was repeated.
    public func forward(_ inputs: [Tensor], in pass: Pass) throws -> Forward {
        let output = try predict(inputs, on: pass.kernels)
        return Forward(output, inputs: 2) { [kernels = pass.kernels] outputGradient, wanted in
            let (a, b) = (inputs[0], inputs[1])
            let gradients = try zip([true, false], wanted.inputs).map { isFirst, isWanted in
                guard isWanted else { return Tensor?.none }
                let gradient =
                    isFirst
                    ? try Self.product(outputGradient, b, transposingB: true, on: kernels)
                    : try Self.product(a, outputGradient, transposingA: true, on: kernels)
                return try kernels.summed(gradient, to: isFirst ? a.shape : b.shape)
            }
            return LayerGradients(inputs: gradients)
        }
    }

    /// The products of matrices, perhaps read transposed, whose shapes are checked.
    private static func product(
        _ a: Tensor, _ b: Tensor, transposingA: Bool = false, transposingB: Bool = false,
        on kernels: any Kernels
    ) throws -> Tensor {
        let (a, b) = (
            try MatrixStack(a, isTransposed: transposingA),
            try MatrixStack(b, isTransposed: transposingB)
        )
        let leading = try KernelChecks.broadcast(
            a.leading, b.leading, operation: "MatrixProduct", argument: "inputs")
        var c = try Tensor(
            uninitialized: leading + [a.rows, b.columns], scalarType: a.tensor.scalarType,
            operation: "MatrixProduct")
        for place in 0..<(c.count / (a.rows * b.columns)) {
            let layout = try MatrixLayout(
                rows: a.rows, columns: b.columns, offset: place * a.rows * b.columns)
            try kernels.gemm(
                alpha: 1, a.matrix(at: place, of: leading), b.matrix(at: place, of: leading),
                beta: 0, into: &c, layout: layout)
        }
        return c
    }
}

/// A tensor whose last two axes are those of matrices.
private struct MatrixStack {
    let tensor: Tensor
    /// The axes before the matrices'.
    let leading: [Int]
    private let stored: (rows: Int, columns: Int)
    private let strides: [Int]
    private let isTransposed: Bool

    init(_ tensor: Tensor, isTransposed: Bool) throws {
        self.tensor = tensor
        self.isTransposed = isTransposed
        leading = Array(tensor.shape.dropLast(2))
        strides = Shape.strides(leading)
        let matrix = Array(tensor.shape.suffix(2))
        stored = (matrix[0], matrix[1])
    }

    var rows: Int { isTransposed ? stored.columns : stored.rows }
    var columns: Int { isTransposed ? stored.rows : stored.columns }

    /// The matrix at a place in row-major order of axes that the leading ones broadcast to.
    func matrix(at place: Int, of axes: [Int]) throws -> MatrixView {
        var (rest, number) = (place, 0)
        for (extent, stride) in zip(axes, strides).reversed() {
            number += rest % extent * stride
            rest /= extent
        }
        let view = try MatrixView(
            tensor,
            layout: MatrixLayout(
                rows: stored.rows, columns: stored.columns,
                offset: number * stored.rows * stored.columns))
        return isTransposed ? view.transposed : view
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
