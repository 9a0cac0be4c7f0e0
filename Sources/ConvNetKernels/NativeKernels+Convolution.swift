// SPDX-License-Identifier: MIT
//
// Convolution and its gradients. No column matrix exists at any time: patches are packed from the
// images a block at a time.

internal import CConvKernels
import ConvNetTensor

extension NativeKernels {
    /// Convolution of `[N, C, H, W]` with filters `[F, C/groups, KH, KW]`, on `float32`.
    ///
    /// Each output is a sum of K = C/groups·KH·KW products:
    /// `|error| ≤ (K + 2) · 2⁻²⁴ · (Σ|x·w| + |bias|)`, to first order; where Winograd's way is taken,
    /// `(C/groups + 40) · 2⁻²⁴ · Σ |A|ᵀ((|G||w||G|ᵀ) ⊙ (|B|ᵀ|x||B|))|A|` over the pixels of the
    /// output's tile (see ``winograd``; Lavin and Gray, 2016).
    ///
    /// Those are worst cases. Rounding errors that are independent of one another and of mean 0 rarely
    /// add up (Higham and Mary, 2019): `|error| ≤ λ · √(K + 2) · 2⁻²⁴ · (Σ|x·w| + |bias|)` but with a
    /// probability of `2·exp(−λ²/2)`; by Winograd's way `λ · √Σ(∂y/∂r · h(r))²` over all numbers r that
    /// are rounded on the way, h(r) half a unit in the last place of each. With λ = 5 the tests find the
    /// largest error of some hundred to two thousand outputs to be at least a quarter of that bound.
    ///
    /// - Returns: `[N, F, OH, OW]`.
    /// - Throws: ``TensorError`` when shapes, groups or the window disagree, or a tensor is not of
    ///   `float32`.
    public func convolution(
        _ x: Tensor, weights: Tensor, bias: Tensor?, window: Window, groups: Int
    ) throws -> Tensor {
        try convolution(
            x, weights: weights, prepared: nil, bias: bias, window: window, groups: groups,
            rectified: false)
    }

    /// A convolution, and ReLU in its last write where asked for: the same bits as `relu` of it.
    ///
    /// - Returns: `[N, F, OH, OW]`.
    /// - Throws: ``TensorError`` when shapes, groups or the window disagree, or a tensor is not of
    ///   `float32`.
    public func convolution(
        _ x: Tensor, weights: Tensor, prepared: PreparedFilters?, bias: Tensor?, window: Window,
        groups: Int, rectified: Bool
    ) throws -> Tensor {
        let operation = "convolution"
        let execution = try execution
        let sizes = try KernelChecks.convolution(
            inputShape: x.shape, weightsShape: weights.shape, bias: bias, window: window,
            groups: groups, operation: operation)
        try Self.requireFloat32(
            ("x", x), ("weights", weights), ("bias", bias), operation: operation)
        var conv = convk_conv2d(sizes)
        let filters = prepared?.filters(of: weights, for: conv, execution)
        let floats = convk_conv2d_forward_workspace(&conv, execution)
        return try Self.withWorkspace(floats: floats, operation: operation) { workspace in
            try Self.makeTensor(sizes.outputShape, operation: operation, from: x, weights) {
                y, x, weights in
                filters.withPointer { filters in
                    bias.withPointer { bias in
                        convk_conv2d_forward(
                            y, x, weights, filters, bias, rectified, &conv, workspace, execution)
                    }
                }
            }
        }
    }

    /// The gradient of a convolution with respect to its images, on `float32`.
    ///
    /// Each number is a sum of at most K = F/groups·KH·KW products:
    /// `|error| ≤ (K + 2) · 2⁻²⁴ · Σ|dy·w|`, to first order, or as for ``winograd`` convolutions; the
    /// bounds by probability are those of the convolution.
    ///
    /// - Returns: `[N, C, H, W]`; pixels that no window covers are exactly 0.
    /// - Throws: ``TensorError`` when shapes, groups or the window disagree, or a tensor is not of
    ///   `float32`.
    public func convolutionInputGradient(
        _ outputGradient: Tensor, weights: Tensor, inputShape: [Int], window: Window, groups: Int
    ) throws -> Tensor {
        let operation = "convolutionInputGradient"
        let execution = try execution
        let sizes = try KernelChecks.convolution(
            inputShape: inputShape, weightsShape: weights.shape, bias: nil, window: window,
            groups: groups, operation: operation, inputArgument: "inputShape")
        try KernelChecks.require(
            outputGradient, hasShape: sizes.outputShape, operation: operation,
            argument: "outputGradient")
        try Self.requireFloat32(
            ("outputGradient", outputGradient), ("weights", weights), operation: operation)
        var conv = convk_conv2d(sizes)
        let floats = convk_conv2d_backward_data_workspace(&conv, execution)
        return try Self.withWorkspace(floats: floats, operation: operation) { workspace in
            try Self.makeTensor(
                inputShape, operation: operation, from: outputGradient, weights
            ) { dx, dy, weights in
                convk_conv2d_backward_data(dx, dy, weights, &conv, workspace, execution)
            }
        }
    }

    /// The gradient of a convolution with respect to its filters, on `float32`.
    ///
    /// Each number is a sum of K = N·OH·OW products:
    /// `|error| ≤ (K + 2) · 2⁻²⁴ · Σ|dy·x|`, to first order; by Winograd's way, with T tiles in all,
    /// `(T + 40) · 2⁻²⁴ · |G|ᵀ(Σ (|A||dy||A|ᵀ) ⊙ (|B|ᵀ|x||B|))|G|` (see ``winograd``). The bounds by
    /// probability are those of the convolution.
    ///
    /// - Returns: `[F, C/groups, KH, KW]`.
    /// - Throws: ``TensorError`` when shapes, groups or the window disagree, or a tensor is not of
    ///   `float32`.
    public func convolutionWeightGradient(
        _ outputGradient: Tensor, input x: Tensor, window: Window, groups: Int
    ) throws -> Tensor {
        let operation = "convolutionWeightGradient"
        let execution = try execution
        let sizes = try KernelChecks.convolutionWeightGradient(
            outputGradient, input: x, window: window, groups: groups)
        try Self.requireFloat32(
            ("outputGradient", outputGradient), ("x", x), operation: operation)
        var conv = convk_conv2d(sizes)
        let floats = convk_conv2d_backward_weights_workspace(&conv, execution)
        // The kernel counts places in a thread's part of an image in 32 bits.
        guard floats <= Int(Int32.max) else {
            throw TensorError(
                operation: operation, argument: "window",
                value: "\(window.size.height)×\(window.size.width) on \(x.shape)",
                expected: "a band of the image under 2³¹ numbers")
        }
        return try Self.withWorkspace(floats: floats, operation: operation) { workspace in
            try Self.makeTensor(
                sizes.weightsShape, operation: operation, from: outputGradient, x
            ) { dw, dy, x in
                convk_conv2d_backward_weights(dw, dy, x, &conv, workspace, execution)
            }
        }
    }
}
