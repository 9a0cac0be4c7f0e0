// SPDX-License-Identifier: MIT
//
// FusedKernels: operations that networks run one right behind the other, each as a whole. What lies
// between need not go to memory.

/// Operations that stand for several of ``Kernels`` in a row. By default they are just that; an
/// implementation that does them at once gives the same numbers.
public protocol FusedKernels: Sendable {
    /// A product with weights, a bias and, where asked for, ReLU: `y = x · W + b`.
    ///
    /// - Parameters:
    ///   - x: `[N, in]`.
    ///   - weights: `[in, out]`.
    ///   - bias: `[out]`.
    ///   - rectified: whether what is negative becomes 0, as in ``Kernels/relu(_:)``.
    /// - Returns: `[N, out]`.
    /// - Throws: ``TensorError`` when the shapes disagree.
    func affine(_ x: Tensor, weights: Tensor, bias: Tensor, rectified: Bool) throws -> Tensor

    /// A convolution and, where asked for, ReLU of it.
    ///
    /// - Parameters:
    ///   - x: images `[N, C, H, W]`.
    ///   - weights: filters `[F, C/groups, KH, KW]`.
    ///   - prepared: where what is made of the filters is kept for the next call, or nil.
    ///   - bias: `[F]`, or nil for none.
    ///   - window: KH×KW taps, with its stride, padding and dilation.
    ///   - groups: how many blocks channels and filters fall into.
    ///   - rectified: whether what is negative becomes 0, as in ``Kernels/relu(_:)``.
    /// - Returns: `[N, F, OH, OW]`.
    /// - Throws: ``TensorError`` when a shape does not suit the others or the window is larger
    ///   than the padded image.
    func convolution(
        _ x: Tensor, weights: Tensor, prepared: PreparedFilters?, bias: Tensor?, window: Window,
        groups: Int, rectified: Bool
    ) throws -> Tensor

    /// A convolution, the max pooling of its output and, where asked for, ReLU of that.
    ///
    /// - Parameters:
    ///   - x: images `[N, C, H, W]`.
    ///   - weights: filters `[F, C/groups, KH, KW]`.
    ///   - prepared: where what is made of the filters is kept for the next call, or nil.
    ///   - bias: `[F]`, or nil for none.
    ///   - window: the convolution's window.
    ///   - groups: how many blocks channels and filters fall into.
    ///   - pooling: the pooling's window.
    ///   - rectified: whether what is negative becomes 0, as in ``Kernels/relu(_:)``.
    ///   - wantsArgmax: whether the places of the maxima are asked for.
    /// - Returns: the maxima `[N, F, OH, OW]`, and where they were in the convolution's output.
    /// - Throws: ``TensorError`` when a shape does not suit the others or a window is larger than
    ///   its padded image.
    func convolutionMaxPooling(
        _ x: Tensor, weights: Tensor, prepared: PreparedFilters?, bias: Tensor?, window: Window,
        groups: Int, pooling: Window, rectified: Bool, wantsArgmax: Bool
    ) throws -> (output: Tensor, argmax: IndexTensor?)

    /// The gradient of a max-pooled convolution with respect to its filters.
    ///
    /// - Parameters:
    ///   - pooledGradient: the gradient of the pooling's output, `[N, F, OH, OW]`.
    ///   - argmax: what the pooling told, each under its window.
    ///   - x: the images `[N, C, H, W]` of the forward pass.
    ///   - window: the convolution's window.
    ///   - groups: the convolution's number of groups.
    ///   - pooling: the pooling's window.
    /// - Returns: `[F, C/groups, KH, KW]`.
    /// - Throws: ``TensorError`` when a shape is not that of the forward pass.
    func convolutionMaxPoolingWeightGradient(
        _ pooledGradient: Tensor, argmax: IndexTensor, input x: Tensor, window: Window,
        groups: Int, pooling: Window
    ) throws -> Tensor
}

extension Kernels {
    /// The product first, then the bias, then ReLU.
    ///
    /// - Throws: ``TensorError`` when the shapes disagree.
    public func affine(
        _ x: Tensor, weights: Tensor, bias: Tensor, rectified: Bool
    ) throws -> Tensor {
        try KernelChecks.affine(x, weights: weights, bias: bias)
        var output = try gemm(MatrixView(x), MatrixView(weights))
        try addBias(bias, to: &output)
        return rectified ? try relu(output) : output
    }

    /// The convolution first, then ReLU. Nothing is kept.
    ///
    /// - Throws: ``TensorError`` when a shape does not suit the others or the window is larger
    ///   than the padded image.
    public func convolution(
        _ x: Tensor, weights: Tensor, prepared: PreparedFilters?, bias: Tensor?, window: Window,
        groups: Int, rectified: Bool
    ) throws -> Tensor {
        let output = try convolution(
            x, weights: weights, bias: bias, window: window, groups: groups)
        return rectified ? try relu(output) : output
    }

    /// The convolution first, then the pooling of its output, then ReLU.
    ///
    /// - Throws: ``TensorError`` when a shape does not suit the others or a window is larger than
    ///   its padded image.
    public func convolutionMaxPooling(
        _ x: Tensor, weights: Tensor, prepared: PreparedFilters?, bias: Tensor?, window: Window,
        groups: Int, pooling: Window, rectified: Bool, wantsArgmax: Bool
    ) throws -> (output: Tensor, argmax: IndexTensor?) {
        try separateConvolutionMaxPooling(
            x, weights: weights, prepared: prepared, bias: bias, window: window, groups: groups,
            pooling: pooling, rectified: rectified, wantsArgmax: wantsArgmax)
    }

    /// The gradient of the convolution's output first, then that of the filters.
    ///
    /// - Throws: ``TensorError`` when a shape is not that of the forward pass.
    public func convolutionMaxPoolingWeightGradient(
        _ pooledGradient: Tensor, argmax: IndexTensor, input x: Tensor, window: Window,
        groups: Int, pooling: Window
    ) throws -> Tensor {
        try separateConvolutionMaxPoolingWeightGradient(
            pooledGradient, argmax: argmax, input: x, window: window, groups: groups,
            pooling: pooling)
    }

    /// The default of ``convolutionMaxPooling(_:weights:prepared:bias:window:groups:pooling:rectified:wantsArgmax:)``,
    /// for implementations that fall back on it.
    package func separateConvolutionMaxPooling(
        _ x: Tensor, weights: Tensor, prepared: PreparedFilters?, bias: Tensor?, window: Window,
        groups: Int, pooling: Window, rectified: Bool, wantsArgmax: Bool
    ) throws -> (output: Tensor, argmax: IndexTensor?) {
        let output = try convolution(
            x, weights: weights, prepared: prepared, bias: bias, window: window, groups: groups,
            rectified: false)
        var pooled: Tensor
        var argmax: IndexTensor?
        if wantsArgmax {
            let result = try maxPoolingWithArgmax(output, window: pooling)
            (pooled, argmax) = (result.output, result.argmax)
        } else {
            pooled = try maxPooling(output, window: pooling)
        }
        return (rectified ? try relu(pooled) : pooled, argmax)
    }

    /// The default of ``convolutionMaxPoolingWeightGradient(_:argmax:input:window:groups:pooling:)``.
    package func separateConvolutionMaxPoolingWeightGradient(
        _ pooledGradient: Tensor, argmax: IndexTensor, input x: Tensor, window: Window,
        groups: Int, pooling: Window
    ) throws -> Tensor {
        let sizes = try KernelChecks.convolutionMaxPoolingWeightGradient(
            pooledGradient, argmax: argmax, input: x, window: window, groups: groups,
            pooling: pooling)
        let outputGradient = try maxPoolingGradient(
            pooledGradient, argmax: argmax, inputShape: sizes.convolution.outputShape)
        return try convolutionWeightGradient(
            outputGradient, input: x, window: window, groups: groups)
    }
}
