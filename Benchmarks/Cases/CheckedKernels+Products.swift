// SPDX-License-Identifier: MIT
//
// Checks of affine layers and of their gradients.

import ConvNet

extension CheckedKernels {
    func affine(_ x: Tensor, weights: Tensor, bias: Tensor, rectified: Bool) throws -> Tensor {
        let result = try kernels.affine(x, weights: weights, bias: bias, rectified: rectified)
        let part = try x.samples(at: places)
        var magnitudes = try reference.gemm(
            MatrixView(part.magnitudes()), MatrixView(weights.magnitudes()))
        try reference.addBias(bias.magnitudes(), to: &magnitudes)
        compareSums(
            try result.samples(at: places),
            try reference.affine(part, weights: weights, bias: bias, rectified: rectified),
            // Of the reference's two roundings, before the bias and behind it, one more than usual.
            magnitudes: magnitudes, terms: x.shape[1] + 2)
        try checkAffineWholly(x.shape, weights.shape, rectified: rectified)
        return result
    }

    private func checkAffineWholly(
        _ shape: [Int], _ weightsShape: [Int], rectified: Bool
    ) throws {
        let (inputs, outputs) = (weightsShape[0], weightsShape[1])
        let x = try WholeNumbers.inputs(shape, seed: 1)
        let weights = try WholeNumbers.weights(weightsShape, seed: 2)
        let bias = try WholeNumbers.biases(outputs, terms: inputs)
        let y = try kernels.affine(x, weights: weights, bias: bias, rectified: rectified)
        guard y.shape == [shape[0], outputs] else { return log.check.fail() }
        let combined = try Tensor(
            shape: [inputs, 1], doubles: WholeNumbers.combined(weights, axis: 1, groups: 1))
        var expected = try reference.gemm(
            MatrixView(x.converted(to: .float64)), MatrixView(combined))
        try reference.addBias(
            Tensor(shape: [1], doubles: WholeNumbers.combined(bias, axis: 0, groups: 1)),
            to: &expected)
        log.check.compareExactly(
            WholeNumbers.combined(y, axis: 1, groups: 1), expected.doubles)
    }

    func gemm(
        alpha: Double, _ a: MatrixView, _ b: MatrixView, beta: Double, into c: inout Tensor,
        layout: MatrixLayout
    ) throws {
        guard alpha == 1, beta == 0, layout.offset == 0, layout.leadingDimension == layout.columns
        else { throw unchecked("gemm with alpha \(alpha) and beta \(beta)") }
        try kernels.gemm(alpha: alpha, a, b, beta: beta, into: &c, layout: layout)
        let (m, n, k) = (a.rows, b.columns, a.columns)
        let rows = Inputs.spread(budget / (n * k), of: m)
        let part = try Self.rows(of: a, at: rows)
        let magnitudes = try MatrixView(b.tensor.magnitudes(), layout: b.layout)
        compareSums(
            try c.reshaped(to: [m, n]).samples(at: rows),
            try reference.gemm(MatrixView(part), b),
            magnitudes: try reference.gemm(
                MatrixView(part.magnitudes()), b.isTransposed ? magnitudes.transposed : magnitudes),
            terms: k)
        try checkProductWholly(a, b, layout)
    }

    private func checkProductWholly(
        _ a: MatrixView, _ b: MatrixView, _ layout: MatrixLayout
    ) throws {
        let (left, right) = (try Self.whole(a, seed: 3), try Self.whole(b, seed: 4))
        var c = try Tensor(zeros: [a.rows, b.columns])
        try kernels.gemm(alpha: 1, left, right, beta: 0, into: &c, layout: layout)
        guard c.shape == [a.rows, b.columns] else { return log.check.fail() }
        let columns = right.tensor
        let combined =
            try b.isTransposed
            // Rows of the tensor are columns of the matrix.
            ? Tensor(
                shape: [b.rows, 1], doubles: WholeNumbers.combined(columns, axis: 0, groups: 1))
            : Tensor(
                shape: [b.rows, 1], doubles: WholeNumbers.combined(columns, axis: 1, groups: 1))
        let rows = try MatrixView(left.tensor.converted(to: .float64), layout: left.layout)
        let expected = try reference.gemm(
            left.isTransposed ? rows.transposed : rows, MatrixView(combined))
        log.check.compareExactly(WholeNumbers.combined(c, axis: 1, groups: 1), expected.doubles)
    }

    /// A matrix of whole numbers that lies in memory as another does, over all of its tensor.
    private static func whole(_ view: MatrixView, seed: UInt64) throws -> MatrixView {
        let new = try MatrixView(
            WholeNumbers.weights([view.layout.rows, view.layout.columns], seed: seed))
        return view.isTransposed ? new.transposed : new
    }

    /// Some rows of a matrix, `[rows, columns]`.
    private static func rows(of view: MatrixView, at rows: [Int]) throws -> Tensor {
        let layout = view.layout
        return try Tensor(
            shape: [rows.count, view.columns],
            scalars: view.tensor.withUnsafeScalars(of: Float.self) { scalars in
                rows.flatMap { row in
                    (0..<view.columns).map { column in
                        let (i, j) = view.isTransposed ? (column, row) : (row, column)
                        return scalars[layout.offset + i * layout.leadingDimension + j]
                    }
                }
            })
    }

    func biasGradient(_ outputGradient: Tensor) throws -> Tensor {
        let result = try kernels.biasGradient(outputGradient)
        let magnitudes = try reference.biasGradient(outputGradient.magnitudes())
        let expected = try reference.biasGradient(outputGradient)
        // 32 additions in a lane, 5 over the lanes.
        compareSums(result, expected, magnitudes: magnitudes, terms: 37)
        let whole = try WholeNumbers.gradients(outputGradient.shape, seed: 5)
        log.check.compareExactly(
            try kernels.biasGradient(whole).doubles, try reference.biasGradient(whole).doubles)
        return result
    }
}
