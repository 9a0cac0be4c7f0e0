// SPDX-License-Identifier: MIT
//
// im2col and col2im.

internal import CConvKernels
import ConvNetTensor

extension NativeKernels {
    /// Every patch that the window sees, as one row of a matrix, on `float32`. Copies numbers,
    /// so it is exact.
    ///
    /// - Returns: `[N·OH·OW, C·KH·KW]`.
    /// - Throws: ``TensorError`` when `x` is not `[N, C, H, W]` of `float32` or the window is too
    ///   large for it.
    public func im2col(_ x: Tensor, window: Window) throws -> Tensor {
        let execution = try execution
        let sizes = try KernelChecks.columns(
            inputShape: x.shape, window: window, operation: "im2col")
        try Self.requireFloat32(("x", x), operation: "im2col")
        var native = convk_window(sizes)
        return try Self.makeTensor(sizes.columnsShape, operation: "im2col", from: x) {
            convk_im2col($0, $1, &native, execution)
        }
    }

    /// Adds every patch back to where it came from, on `float32`: the adjoint of im2col.
    ///
    /// Each pixel is a sum of at most KH·KW numbers: `|error| ≤ KH·KW · 2⁻²⁴ · Σ|c|`, to first
    /// order.
    ///
    /// - Returns: `[N, C, H, W]`.
    /// - Throws: ``TensorError`` when the shapes and the window disagree, or `columns` is not of
    ///   `float32`.
    public func col2im(_ columns: Tensor, inputShape: [Int], window: Window) throws -> Tensor {
        let execution = try execution
        let sizes = try KernelChecks.col2im(columns, inputShape: inputShape, window: window)
        try Self.requireFloat32(("columns", columns), operation: "col2im")
        var native = convk_window(sizes)
        return try Self.makeTensor(inputShape, operation: "col2im", from: columns) {
            convk_col2im($0, $1, &native, execution)
        }
    }
}
