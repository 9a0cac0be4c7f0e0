// SPDX-License-Identifier: MIT
//
// Convolution and its gradients. No column matrix exists at any time: patches are packed from the
// images a block at a time.

internal import CConvKernels
import ConvNetTensor

extension NativeKernels {
    /// Convolution of `[N, C, H, W]` with filters `[F, C/groups, KH, KW]`, on `float32`.
    ///
    /// Each output is a sum of K = C/groups·KH·KW products. At worst, to first order,
    /// `|error| ≤ (K + 2) · 2⁻²⁴ · (Σ|x·w| + |bias|)`. Rounding errors that are independent of one
    /// another and of mean 0 rarely add up (Higham and Mary, 2019): but with a probability of
    /// `2·exp(−λ²/2)`, `|error| ≤ λ · √(K + 2) · 2⁻²⁴ · (Σ|x·w| + |bias|)`.
    ///
    /// Where Winograd's way is taken (see ``winograd``), the bounds are made of all numbers r that
    /// are rounded on the way: those of the tile's transformed pixels, of the transformed filters,
    /// of the sums of their products, and of the transform back. With h(r) half a unit in the last
    /// place of r, at worst `|error| ≤ Σ|∂y/∂r|·h(r)`, and but with a probability of
    /// `2·exp(−λ²/2)`, `|error| ≤ λ · √Σ(∂y/∂r · h(r))²`. With λ = 5 the largest error of a hundred
    /// to some thousand outputs, drawn or made to be hard on rounding, was 0.25 to 1 of that bound.
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
    /// `|error| ≤ (K + 2) · 2⁻²⁴ · Σ|dy·w|`, to first order. The bound by probability, and those of
    /// Winograd's way, are those of a convolution: this is one, of the gradient with the filters
    /// turned round.
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
    /// `|error| ≤ (K + 2) · 2⁻²⁴ · Σ|dy·x|`, to first order. The bound by probability, and those of
    /// Winograd's way, are made as the convolution's are: here the sums at each point run over the
    /// tiles of all images, and the taps are what is transformed back.
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
