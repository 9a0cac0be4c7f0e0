// SPDX-License-Identifier: MIT
//
// Operations that networks run one right behind the other, done at once: what lies between them stays
// in registers and in the first-level cache.

internal import CConvKernels
import ConvNetTensor

extension NativeKernels {
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

    /// A convolution, the max pooling of its output and, where asked for, ReLU, on `float32`. Where
    /// the convolution goes directly, some rows at a time, which never leave the cache; otherwise
    /// one after the other. Either way the same bits, and the convolution's error.
    ///
    /// - Throws: ``TensorError`` when shapes, groups or windows disagree, or a tensor is not of
    ///   `float32`.
    public func convolutionMaxPooling(
        _ x: Tensor, weights: Tensor, prepared: PreparedFilters?, bias: Tensor?, window: Window,
        groups: Int, pooling: Window, rectified: Bool, wantsArgmax: Bool
    ) throws -> (output: Tensor, argmax: IndexTensor?) {
        let execution = try execution
        let sizes = try KernelChecks.convolution(
            inputShape: x.shape, weightsShape: weights.shape, bias: bias, window: window,
            groups: groups, operation: "convolution")
        var conv = convk_conv2d(sizes)
        guard convk_conv2d_pool_max_pays(&conv, execution) else {
            return try separateConvolutionMaxPooling(
                x, weights: weights, prepared: prepared, bias: bias, window: window,
                groups: groups, pooling: pooling, rectified: rectified, wantsArgmax: wantsArgmax)
        }
        let pooled = try KernelChecks.maxPooling(
            inputShape: sizes.outputShape, window: pooling, operation: "maxPooling")
        try Self.requireFloat32(
            ("x", x), ("weights", weights), ("bias", bias), operation: "convolution")
        var pool = convk_window(pooled)
        var argmax =
            wantsArgmax
            ? try IndexTensor(uninitialized: pooled.pooledShape, operation: "maxPooling") : nil
        let filters = prepared?.filters(of: weights, for: conv, execution)
        let floats = convk_conv2d_pool_max_workspace(&conv, &pool, execution)
        let output = try Self.withWorkspace(floats: floats, operation: "convolution") { workspace in
            try Self.makeTensor(pooled.pooledShape, operation: "convolution", from: x, weights) {
                y, x, weights in
                filters.withPointer { filters in
                    bias.withPointer { bias in
                        argmax.withMutableIndices { argmax in
                            convk_conv2d_pool_max(
                                y, argmax, x, weights, filters, bias, rectified, &conv, &pool,
                                workspace, execution)
                        }
                    }
                }
            }
        }
        return (output, argmax)
    }

    /// The gradient of a max-pooled convolution with respect to its filters, on `float32`: the same
    /// bits as `maxPoolingGradient` and `convolutionWeightGradient` in turn. For filters 3, 5, 7
    /// or 11 wide the gradient of the convolution's output is made in the cache.
    ///
    /// - Returns: `[F, C/groups, KH, KW]`.
    /// - Throws: ``TensorError`` when shapes, groups or windows disagree, an index lies outside its
    ///   plane, or a tensor is not of `float32`.
    public func convolutionMaxPoolingWeightGradient(
        _ pooledGradient: Tensor, argmax: IndexTensor, input x: Tensor, window: Window,
        groups: Int, pooling: Window
    ) throws -> Tensor {
        let operation = "convolutionMaxPoolingWeightGradient"
        let execution = try execution
        let sizes = try KernelChecks.convolutionMaxPoolingWeightGradient(
            pooledGradient, argmax: argmax, input: x, window: window, groups: groups,
            pooling: pooling)
        try Self.requireFloat32(
            ("pooledGradient", pooledGradient), ("x", x), operation: operation)
        var conv = convk_conv2d(sizes.convolution)
        var pool = convk_window(sizes.pooling)
        guard convk_conv2d_pool_max_backward_weights_pays(&conv, execution) else {
            return try separateConvolutionMaxPoolingWeightGradient(
                pooledGradient, argmax: argmax, input: x, window: window, groups: groups,
                pooling: pooling)
        }
        let floats = convk_conv2d_backward_weights_workspace(&conv, execution)
        return try Self.withWorkspace(floats: floats, operation: operation) { workspace in
            try Self.makeTensor(
                sizes.convolution.weightsShape, operation: operation, from: pooledGradient, x
            ) { dw, dy, x in
                argmax.withUnsafeIndices {
                    convk_conv2d_pool_max_backward_weights(
                        dw, dy, $0.baseAddress, x, &conv, &pool, workspace, execution)
                }
            }
        }
    }
}
