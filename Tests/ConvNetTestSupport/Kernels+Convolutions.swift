// SPDX-License-Identifier: MIT
//
// Convolutions with the epilogues that most tests ask for.

import ConvNetKernels

extension Kernels {
    /// A convolution and, where asked for, ReLU of it.
    package func convolution(
        _ x: Tensor, weights: Tensor, prepacked: PrepackedFilters?, bias: Tensor?, window: Window,
        groups: Int, rectified: Bool
    ) throws -> Tensor {
        try convolution(
            x, weights: weights, prepacked: prepacked,
            ConvolutionDescriptor(window, groups: groups),
            epilogue: Epilogue(bias: bias, activation: rectified ? .relu : nil), wantsArgmax: false
        ).output
    }

    /// A convolution, the max pooling of its output and, where asked for, ReLU of that.
    package func convolutionMaxPooling(
        _ x: Tensor, weights: Tensor, prepacked: PrepackedFilters?, bias: Tensor?, window: Window,
        groups: Int, pooling: Window, rectified: Bool, wantsArgmax: Bool
    ) throws -> (output: Tensor, argmax: IndexTensor?) {
        try convolution(
            x, weights: weights, prepacked: prepacked,
            ConvolutionDescriptor(window, groups: groups),
            epilogue: Epilogue(
                bias: bias, pooling: pooling, activation: rectified ? .relu : nil),
            wantsArgmax: wantsArgmax)
    }

    /// The gradient of a max-pooled convolution with respect to its filters.
    package func convolutionMaxPoolingWeightGradient(
        _ pooledGradient: Tensor, argmax: IndexTensor, input x: Tensor, window: Window,
        groups: Int, pooling: Window
    ) throws -> Tensor {
        try convolutionWeightGradient(
            pooledGradient, input: x, ConvolutionDescriptor(window, groups: groups),
            maxima: PooledMaxima(window: pooling, argmax: argmax))
    }
}
