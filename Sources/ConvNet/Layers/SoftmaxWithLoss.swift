// SPDX-License-Identifier: MIT
//
// The last step of a classifier: softmax and cross-entropy in one, "Deep Learning from Scratch",
// section 5.6.3.

/// Softmax followed by cross-entropy. Not a ``Layer``: besides the logits it takes the labels, and it
/// gives one number.
public struct SoftmaxWithLoss: Sendable {
    private var gradient: Tensor?

    /// A loss without parameters.
    public init() {}

    /// The probabilities of each class.
    ///
    /// - Parameters:
    ///   - logits: `[N, K]`.
    ///   - kernels: what does the arithmetic.
    /// - Returns: `[N, K]`, each row adding up to 1.
    /// - Throws: ``TensorError`` when the logits are no matrix.
    public func predict(_ logits: Tensor, on kernels: any Kernels = NativeKernels()) throws
        -> Tensor
    {
        try kernels.softmax(logits)
    }

    /// The mean loss of a batch; keeps its gradient.
    ///
    /// - Parameters:
    ///   - logits: `[N, K]`.
    ///   - labels: N classes, each from 0 to K − 1.
    ///   - kernels: what does the arithmetic.
    /// - Returns: the mean loss, in nats.
    /// - Throws: ``TensorError`` when a shape or label is wrong.
    public mutating func forward(
        _ logits: Tensor, labels: [Int], on kernels: any Kernels = NativeKernels()
    ) throws -> Double {
        let result = try kernels.softmaxCrossEntropy(logits, labels: labels)
        gradient = result.gradient
        return result.loss
    }

    /// The gradient of the mean loss with respect to the logits, `[N, K]`.
    ///
    /// - Throws: ``TensorError`` when no forward pass came before.
    public func backward() throws -> Tensor {
        guard let gradient else {
            throw TensorError(
                operation: "SoftmaxWithLoss.backward", argument: "self", value: "fresh",
                expected: "a loss whose forward was called before")
        }
        return gradient
    }
}
