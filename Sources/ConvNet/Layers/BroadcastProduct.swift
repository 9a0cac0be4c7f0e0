// SPDX-License-Identifier: MIT
//
// Matrix products as imported models have them: NumPy's `matmul`, with either factor read
// transposed, and the axis of samples an axis like the others.

/// The matrix products of two inputs, `[…, M, K]` and `[…, K, P]` to `[…, M, P]`, multiplied by a
/// number. The axes before the last two broadcast as NumPy's do.
struct BroadcastProduct: Layer {
    /// What the product is multiplied by.
    let alpha: Double
    /// Whether the first input's matrices are read transposed.
    let transposesA: Bool
    /// Whether the second's are.
    let transposesB: Bool
    /// What errors call it.
    private let operation: String

    init(
        alpha: Double = 1, transposesA: Bool = false, transposesB: Bool = false,
        operation: String = "BroadcastProduct"
    ) {
        (self.alpha, self.transposesA, self.transposesB) = (alpha, transposesA, transposesB)
        self.operation = operation
    }

    func outputShape(for inputShapes: [[Int]]) throws -> [Int] {
        guard inputShapes.count == 2 else {
            throw TensorError(
                operation: operation, argument: "inputs", value: "\(inputShapes.count)",
                expected: "2")
        }
        let (a, b) = (inputShapes[0], inputShapes[1])
        guard a.count >= 2, b.count >= 2 else { throw refusal(a, b) }
        let left = MatrixAxes(a, isTransposed: transposesA)
        let right = MatrixAxes(b, isTransposed: transposesB)
        guard left.columns == right.rows else { throw refusal(a, b) }
        let matrices = try KernelChecks.broadcast(
            left.leading, right.leading, operation: operation, argument: "inputs")
        let shape = matrices + [left.rows, right.columns]
        _ = try Shape.elementCount(shape, operation: operation, argument: "inputs")
        return shape
    }

    private func refusal(_ a: [Int], _ b: [Int]) -> TensorError {
        TensorError(
            operation: operation, argument: "inputs", value: "\(a) and \(b)",
            expected: "[…, M, K] and […, K, P]")
    }

    func operationCount(for inputShapes: [[Int]]) throws -> Int {
        let shape = try outputShape(for: inputShapes)
        let inner = MatrixAxes(inputShapes[0], isTransposed: transposesA).columns
        return try Shape.elementCount(
            shape + [2, inner], operation: "\(operation).operationCount", argument: "inputs")
    }

    func predict(_ inputs: [Tensor], on kernels: any Kernels) throws -> Tensor {
        let shape = try outputShape(for: inputs.map(\.shape))
        return try product(
            inputs[0], transposesA, inputs[1], transposesB, shape: shape, on: kernels)
    }

    /// With Y = A · B, `dA = dY · Bᵀ` and `dB = Aᵀ · dY`, each added up over the axes along which
    /// an input was repeated.
    func forward(_ inputs: [Tensor], in pass: Pass) throws -> Forward {
        let output = try predict(inputs, on: pass.kernels)
        return Forward(output, inputs: 2) {
            [self, kernels = pass.kernels] dy, wanted in
            let (a, b) = (inputs[0], inputs[1])
            func gradient(
                _ x: Tensor, _ flipsX: Bool, _ y: Tensor, _ flipsY: Bool, like input: Tensor
            ) throws -> Tensor {
                let leading = Array(output.shape.dropLast(2))
                let whole = try product(
                    x, flipsX, y, flipsY, shape: leading + input.shape.suffix(2), on: kernels)
                return try kernels.summed(whole, to: input.shape)
            }
            func gradientOfA() throws -> Tensor {
                transposesA
                    ? try gradient(b, transposesB, dy, true, like: a)
                    : try gradient(dy, false, b, !transposesB, like: a)
            }
            func gradientOfB() throws -> Tensor {
                transposesB
                    ? try gradient(dy, true, a, transposesA, like: b)
                    : try gradient(a, !transposesA, dy, false, like: b)
            }
            // A caller may ask for more gradients, or fewer, than there are inputs.
            return LayerGradients(
                inputs: try zip([gradientOfA, gradientOfB], wanted.inputs).map {
                    $1 ? try $0() : nil
                })
        }
    }

    private func product(
        _ a: Tensor, _ flipsA: Bool, _ b: Tensor, _ flipsB: Bool, shape: [Int],
        on kernels: any Kernels
    ) throws -> Tensor {
        var left = MatrixAxes(a.shape, isTransposed: flipsA)
        let right = MatrixAxes(b.shape, isTransposed: flipsB)
        var c = try Tensor(
            uninitialized: shape, scalarType: a.scalarType, operation: operation)
        let count = c.count / (left.rows * right.columns)
        // One matrix on the right: the rows of all matrices on the left are those of a single one.
        let isSingle = right.leading.allSatisfy { $0 == 1 } && !flipsA
        if isSingle { left.stack(count) }
        for place in 0..<(isSingle ? 1 : count) {
            let leading = isSingle ? [] : Array(shape.dropLast(2))
            try kernels.gemm(
                alpha: alpha, left.matrix(of: a, at: place, leading),
                right.matrix(of: b, at: place, leading), beta: 0, into: &c,
                layout: MatrixLayout(
                    rows: left.rows, columns: right.columns,
                    offset: place * left.rows * right.columns))
        }
        return c
    }
}

/// The axes of a stack of matrices.
private struct MatrixAxes {
    /// The axes before the matrices'.
    private(set) var leading: [Int]
    private var stored: (rows: Int, columns: Int)
    private let isTransposed: Bool

    init(_ shape: [Int], isTransposed: Bool) {
        leading = Array(shape.dropLast(2))
        stored = (shape[shape.count - 2], shape[shape.count - 1])
        self.isTransposed = isTransposed
    }

    var rows: Int { isTransposed ? stored.columns : stored.rows }
    var columns: Int { isTransposed ? stored.rows : stored.columns }

    /// Takes the rows of so many matrices for those of one.
    mutating func stack(_ count: Int) {
        leading = []
        stored.rows *= count
    }

    /// The matrix at a place in row-major order of axes that the leading ones broadcast to.
    func matrix(of tensor: Tensor, at place: Int, _ axes: [Int]) throws -> MatrixView {
        var (rest, number) = (place, 0)
        let strides = Shape.strides(Shape.aligned(leading, to: axes.count))
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

extension BroadcastProduct: DescribedLayer {
    static let typeName = "BroadcastProduct"

    var layerSettings: LayerSettings {
        [
            "alpha": .number(alpha), "transposes_a": .flag(transposesA),
            "transposes_b": .flag(transposesB),
        ]
    }

    init(settings: LayerSettings, tensors: LayerTensors) throws {
        try settings.require(only: ["alpha", "transposes_a", "transposes_b"])
        try tensors.require(only: [])
        try self.init(
            alpha: settings.number("alpha"), transposesA: settings.flag("transposes_a"),
            transposesB: settings.flag("transposes_b"))
    }
}

extension BroadcastProduct: ONNXLayer {
    func export(to graph: inout ONNXGraph, inputShape: [Int]) throws {
        let (a, b) = (graph.inputs[0], graph.inputs[1])
        guard alpha != 1 || transposesA || transposesB else {
            return graph.add("MatMul", on: a, [b])
        }
        // Gemm knows matrices only, and only imported ones of two axes are transposed or
        // multiplied.
        guard inputShape.count == 2 else {
            throw TensorError(
                operation: "exportONNX", argument: "x", value: "\(inputShape)",
                expected: "a matrix where a factor is transposed")
        }
        graph.add(
            "Gemm", on: a, [b],
            [
                ("alpha", .float(alpha)), ("transA", .int(transposesA ? 1 : 0)),
                ("transB", .int(transposesB ? 1 : 0)),
            ])
    }
}
