// SPDX-License-Identifier: MIT
//
// The part of `Kernels` that normalizes and regularizes.

/// Normalization and dropout on tensors; a part of ``Kernels``.
public protocol NormalizationKernels: Sendable {
    /// Local response normalization: each number is divided by a power of the sum of squares of its
    /// neighbours along the channels (Krizhevsky et al., "ImageNet classification with deep
    /// convolutional neural networks", 2012). See ``LocalResponseSettings`` for the formula.
    ///
    /// - Parameters:
    ///   - x: `[N, C]` or `[N, C, …]`: the second axis counts channels.
    ///   - settings: size, alpha, beta and k.
    /// - Returns: the shape of `x`.
    /// - Throws: ``TensorError`` when there is no second axis.
    func localResponseNormalization(
        _ x: Tensor, settings: LocalResponseSettings
    ) throws -> Tensor

    /// The gradient of local response normalization.
    ///
    /// - Parameters:
    ///   - outputGradient: the shape of `x`.
    ///   - x: what went in.
    ///   - settings: the forward pass's settings.
    /// - Throws: ``TensorError`` when the shapes differ.
    func localResponseNormalizationGradient(
        _ outputGradient: Tensor, input x: Tensor, settings: LocalResponseSettings
    ) throws -> Tensor

    /// Dropout: 0 where the mask drops, `x / (1 − rate)` where it keeps. The gradient is the same
    /// function, with the same mask, of the output's gradient.
    ///
    /// - Parameters:
    ///   - x: any shape.
    ///   - mask: the rate, and what is drawn from.
    /// - Throws: ``TensorError`` when the kernels do not take the number type.
    func dropout(_ x: Tensor, mask: DropoutMask) throws -> Tensor
}
