// SPDX-License-Identifier: MIT
//
// The matrix product, as three nested loops.

import ConvNetTensor

extension ReferenceKernels {
    /// The general matrix product, `C = alpha · A · B + beta · C`.
    ///
    /// - Throws: ``TensorError`` when sizes or number types disagree, or C does not lie inside `c`.
    public func gemm(
        alpha: Double, _ a: MatrixView, _ b: MatrixView, beta: Double, into c: inout Tensor,
        layout: MatrixLayout
    ) throws {
        let (m, n, k) = try KernelChecks.gemm(a, b, c: c, layout: layout)
        let (alpha, beta) = (c.rounded(alpha), c.rounded(beta))
        let (aValues, bValues) = (a.tensor.doubles, b.tensor.doubles)
        let (aRow, aColumn) = a.steps
        let (bRow, bColumn) = b.steps
        var values = c.doubles
        for i in 0..<m {
            for j in 0..<n {
                var sum = 0.0
                // With alpha 0 neither A nor B counts for anything, even where they hold NaN.
                for p in 0..<(alpha == 0 ? 0 : k) {
                    sum +=
                        aValues[a.layout.offset + i * aRow + p * aColumn]
                        * bValues[b.layout.offset + p * bRow + j * bColumn]
                }
                let place = layout.offset + i * layout.leadingDimension + j
                // With beta 0 the old number counts for nothing, even where it is NaN.
                values[place] = alpha * sum + (beta == 0 ? 0 : beta * values[place])
            }
        }
        c = try Tensor(c.shape, values, like: c)
    }
}

extension Tensor {
    /// A number as the tensor would hold it: a factor too small for `Float` is 0 there.
    fileprivate func rounded(_ number: Double) -> Double {
        scalarType == .float32 ? Double(Float(number)) : number
    }
}

extension MatrixView {
    /// The distance between neighbours in a column and in a row, as the product sees them.
    fileprivate var steps: (row: Int, column: Int) {
        isTransposed ? (1, layout.leadingDimension) : (layout.leadingDimension, 1)
    }
}
