// SPDX-License-Identifier: MIT
//
// The matrix product.

internal import CConvKernels
import ConvNetTensor

extension NativeKernels {
    /// The general matrix product, `C = alpha · A · B + beta · C`, on `float32`.
    ///
    /// Each element is a sum over K in a fixed order:
    /// `|error| ≤ (K + 2) · 2⁻²⁴ · Σ|a·b|`, to first order, for `alpha` 1 and `beta` 0.
    ///
    /// - Throws: ``TensorError`` when sizes disagree, C does not lie inside `c`, or a tensor is
    ///   not of `float32`.
    public func gemm(
        alpha: Double, _ a: MatrixView, _ b: MatrixView, beta: Double, into c: inout Tensor,
        layout: MatrixLayout
    ) throws {
        let execution = try execution
        let (m, n, k) = try KernelChecks.gemm(a, b, c: c, layout: layout)
        try KernelChecks.require(a.tensor, holds: .float32, operation: "gemm", argument: "a")
        // C first: where it shares its numbers with A or B, it gets its own here.
        try c.withMutablePointer(operation: "gemm") { c in
            try a.tensor.withPointer { aBase in
                try b.tensor.withPointer { bBase in
                    let (a, b) = (convk_matrix(a, base: aBase), convk_matrix(b, base: bBase))
                    let floats = convk_sgemm_workspace(m, n, k, a, b, execution)
                    try Self.withWorkspace(floats: floats, operation: "gemm") { workspace in
                        convk_sgemm(
                            c + layout.offset, layout.leadingDimension, a, b, m, n, k,
                            Float(alpha), Float(beta), workspace, execution)
                    }
                }
            }
        }
    }

    /// A product, a bias and, where asked for, ReLU, on `float32`: the same bits as `gemm`,
    /// `addBias` and `relu` in turn, and the product's error.
    ///
    /// - Returns: `[N, out]`.
    /// - Throws: ``TensorError`` when shapes disagree or a tensor is not of `float32`.
    public func affine(
        _ x: Tensor, weights: Tensor, bias: Tensor, rectified: Bool
    ) throws -> Tensor {
        let execution = try execution
        let (m, n, k) = try KernelChecks.affine(x, weights: weights, bias: bias)
        try Self.requireFloat32(("x", x), operation: "affine")
        let floats = convk_affine_workspace(m, n, k, execution)
        return try Self.withWorkspace(floats: floats, operation: "affine") { workspace in
            try Self.makeTensor([m, n], operation: "affine", from: x, weights) { y, x, weights in
                bias.withPointer {
                    convk_affine(y, x, weights, $0, rectified, m, n, k, workspace, execution)
                }
            }
        }
    }
}
