// SPDX-License-Identifier: MIT
//
// What a plan may know about a layer. Plans look for these patterns, never for types, so that your
// own layer is fused like those of the package.

/// What a layer computes, as far as it can be run together with its neighbours.
public enum LayerPattern: Sendable, Hashable {
    /// A convolution; its parameters are the filters and, where there is one, the bias.
    case convolution(ConvolutionDescriptor)
    /// In prediction `(x − mean) / √(variance + epsilon) · gamma + beta` for each channel; its
    /// parameters are gamma and beta, its buffers the means and variances.
    case channelNormalization(epsilon: Double)
    /// The sum of all inputs, number by number.
    case addition
    /// A product with weights `[in, out]` and a bias, its two parameters; images are taken as rows.
    case affine
    /// A function of each number.
    case activation(Activation)
    /// The largest number under each position of a window.
    case maxPooling(Window)
    /// All inputs one behind the other along an axis; -1 is the last.
    case concatenation(axis: Int)
    /// Some indices along an axis.
    case slice(Slice)
    /// Anything else.
    case other
}
