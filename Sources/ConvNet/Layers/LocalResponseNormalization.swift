// SPDX-License-Identifier: MIT
//
// Local response normalization, as in AlexNet; Krizhevsky et al., "ImageNet classification with
// deep convolutional neural networks", 2012, section 3.3.

/// Each number divided by a power of the sum of squares of its neighbours along the channels:
/// `y[c] = x[c] / (k + alpha/size · Σ x[c']²)^beta`, of any shape `[N, C, …]`.
///
/// PyTorch's formula, which divides alpha by the size; the defaults are AlexNet's.
public struct LocalResponseNormalization: UnaryLayer {
    /// Size, alpha, beta and k.
    public let settings: LocalResponseSettings

    /// A normalization over neighbouring channels.
    ///
    /// - Parameters:
    ///   - size: how many channels are added up.
    ///   - alpha: the sum's factor, before it is divided by the size.
    ///   - beta: the exponent.
    ///   - k: what is added to the sum.
    /// - Throws: ``TensorError`` when the size is below 1, alpha or beta negative, or k not
    ///   above 0.
    public init(
        size: Int = 5, alpha: Double = 5e-4, beta: Double = 0.75, k: Double = 2
    ) throws {
        self.init(
            settings: try LocalResponseSettings(size: size, alpha: alpha, beta: beta, k: k))
    }

    /// A normalization with the given settings.
    public init(settings: LocalResponseSettings) { self.settings = settings }

    /// The shape that comes out for a shape that goes in: the same.
    public func outputShape(for inputShape: [Int]) throws -> [Int] {
        _ = try KernelChecks.channels(
            inShape: inputShape, operation: "LocalResponseNormalization", argument: "x")
        return inputShape
    }

    /// The layer's output in prediction.
    public func predict(_ x: Tensor, on kernels: any Kernels) throws -> Tensor {
        try kernels.localResponseNormalization(x, settings: settings)
    }

    /// The layer's output in training, and the way back.
    public func forward(_ x: Tensor, in pass: Pass) throws -> Forward {
        let output = try predict(x, on: pass.kernels)
        return Forward(output) { [self, kernels = pass.kernels] outputGradient, wanted in
            guard wanted.input else { return LayerGradients(input: nil) }
            return LayerGradients(
                input: try kernels.localResponseNormalizationGradient(
                    outputGradient, input: x, settings: settings))
        }
    }
}
