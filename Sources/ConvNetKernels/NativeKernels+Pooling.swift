// SPDX-License-Identifier: MIT
//
// Max and average pooling and their gradients.

internal import CConvKernels
import ConvNetTensor

extension NativeKernels {
    /// The largest number that each window sees, on `float32`. Exact.
    ///
    /// - Returns: `[N, C, OH, OW]`.
    /// - Throws: ``TensorError`` when `x` is not `[N, C, H, W]` of `float32` or the window does not
    ///   suit it.
    public func maxPooling(_ x: Tensor, window: Window) throws -> Tensor {
        let execution = try execution
        let sizes = try KernelChecks.maxPooling(
            inputShape: x.shape, window: window, operation: "maxPooling")
        try Self.requireFloat32(("x", x), operation: "maxPooling")
        var native = convk_window(sizes)
        return try Self.makeTensor(sizes.pooledShape, operation: "maxPooling", from: x) {
            convk_pool_max($0, nil, $1, &native, execution)
        }
    }

    /// The largest number that each window sees, and where it is, on `float32`. Exact.
    ///
    /// - Returns: maxima and flat indices, both `[N, C, OH, OW]`.
    /// - Throws: ``TensorError`` when `x` is not `[N, C, H, W]` of `float32` or the window does not
    ///   suit it.
    public func maxPoolingWithArgmax(_ x: Tensor, window: Window) throws -> MaxPoolingResult {
        let execution = try execution
        let sizes = try KernelChecks.maxPooling(
            inputShape: x.shape, window: window, operation: "maxPooling")
        try Self.requireFloat32(("x", x), operation: "maxPooling")
        var native = convk_window(sizes)
        var argmax = try IndexTensor(uninitialized: sizes.pooledShape, operation: "maxPooling")
        let output = try Self.makeTensor(sizes.pooledShape, operation: "maxPooling", from: x) {
            output, x in
            argmax.withUnsafeMutableIndices {
                convk_pool_max(output, $0.baseAddress, x, &native, execution)
            }
        }
        return MaxPoolingResult(output: output, argmax: argmax)
    }

    /// Adds each output's gradient where its maximum came from, on `float32`.
    ///
    /// A pixel that is the maximum of m windows is the sum of their m gradients, in the windows'
    /// order: `|error| ≤ m · 2⁻²⁴ · Σ|g|`, to first order, and none where windows don't overlap.
    ///
    /// - Returns: `[N, C, H, W]`.
    /// - Throws: ``TensorError`` when the shapes disagree, an index lies outside its plane, or the
    ///   gradient is not of `float32`.
    public func maxPoolingGradient(
        _ outputGradient: Tensor, argmax: IndexTensor, inputShape: [Int]
    ) throws -> Tensor {
        let operation = "maxPoolingGradient"
        let execution = try execution
        let (planes, inputPlane, outputPlane) = try KernelChecks.maxPoolingGradient(
            outputGradient, argmax: argmax, inputShape: inputShape)
        try Self.requireFloat32(("outputGradient", outputGradient), operation: operation)
        return try Self.makeTensor(inputShape, operation: operation, from: outputGradient) {
            dx, dy in
            argmax.withUnsafeIndices {
                convk_pool_max_backward(
                    dx, dy, $0.baseAddress, planes, inputPlane, outputPlane, execution)
            }
        }
    }

    /// The mean of the numbers that each window sees, on `float32`.
    ///
    /// `|error| ≤ (KH·KW + 1) · 2⁻²⁴ · mean|x|`, to first order.
    ///
    /// - Returns: `[N, C, OH, OW]`.
    /// - Throws: ``TensorError`` when `x` is not `[N, C, H, W]` of `float32` or the window does not
    ///   suit it.
    public func averagePooling(
        _ x: Tensor, window: Window, countIncludePad: Bool
    ) throws -> Tensor {
        let operation = "averagePooling"
        let execution = try execution
        let sizes = try KernelChecks.pooling(
            inputShape: x.shape, window: window, operation: operation)
        try Self.requireFloat32(("x", x), operation: operation)
        var native = convk_window(sizes)
        return try Self.makeTensor(sizes.pooledShape, operation: operation, from: x) {
            convk_pool_average($0, $1, &native, countIncludePad, execution)
        }
    }

    /// Spreads each output's gradient over the pixels that it is the mean of, on `float32`.
    ///
    /// `|error| ≤ (KH·KW + 2) · 2⁻²⁴ · Σ|g| / count`, to first order.
    ///
    /// - Returns: `[N, C, H, W]`.
    /// - Throws: ``TensorError`` when the shapes and the window disagree, or the gradient is not of
    ///   `float32`.
    public func averagePoolingGradient(
        _ outputGradient: Tensor, inputShape: [Int], window: Window, countIncludePad: Bool
    ) throws -> Tensor {
        let operation = "averagePoolingGradient"
        let execution = try execution
        let sizes = try KernelChecks.averagePoolingGradient(
            outputGradient, inputShape: inputShape, window: window)
        try Self.requireFloat32(("outputGradient", outputGradient), operation: operation)
        var native = convk_window(sizes)
        return try Self.makeTensor(inputShape, operation: operation, from: outputGradient) {
            convk_pool_average_backward($0, $1, &native, countIncludePad, execution)
        }
    }
}
