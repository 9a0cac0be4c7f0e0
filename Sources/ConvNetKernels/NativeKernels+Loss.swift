// SPDX-License-Identifier: MIT
//
// Softmax and cross-entropy.

internal import CConvKernels
import ConvNetTensor

extension NativeKernels {
    /// Each row's softmax, on `float32`; sums are in `Double`.
    ///
    /// - Returns: `[N, K]`.
    /// - Throws: ``TensorError`` when the logits are not a matrix of `float32`.
    public func softmax(_ logits: Tensor) throws -> Tensor {
        let execution = try execution
        let (rows, classes) = try KernelChecks.logits(logits, operation: "softmax")
        try Self.requireFloat32(("logits", logits), operation: "softmax")
        return try Self.makeTensor(logits.shape, operation: "softmax", from: logits) {
            convk_softmax($0, $1, rows, classes, execution)
        }
    }

    /// Cross-entropy of the softmax against class labels, and its gradient, on `float32`; sums and
    /// logarithms are in `Double`.
    ///
    /// - Throws: ``TensorError`` when there is not one label a row, one is no class, or the logits
    ///   are not of `float32`.
    public func softmaxCrossEntropy(
        _ logits: Tensor, labels: [Int]
    ) throws -> SoftmaxCrossEntropy {
        let operation = "softmaxCrossEntropy"
        let execution = try execution
        let (rows, classes) = try KernelChecks.logits(logits, operation: operation)
        try KernelChecks.labels(labels, rows: rows, classes: classes, operation: operation)
        try Self.requireFloat32(("logits", logits), operation: operation)
        var rowLosses = [Double](repeating: 0, count: rows)
        var loss = 0.0
        let gradient = try Self.makeTensor(logits.shape, operation: operation, from: logits) {
            loss = convk_softmax_cross_entropy_labels(
                $0, &rowLosses, $1, labels, rows, classes, execution)
        }
        return SoftmaxCrossEntropy(loss: loss, gradient: gradient)
    }

    /// Cross-entropy of the softmax against rows of probabilities, and its gradient, on `float32`;
    /// sums and logarithms are in `Double`.
    ///
    /// - Throws: ``TensorError`` when shapes differ or a tensor is not of `float32`.
    public func softmaxCrossEntropy(
        _ logits: Tensor, targets: Tensor
    ) throws -> SoftmaxCrossEntropy {
        let operation = "softmaxCrossEntropy"
        let execution = try execution
        let (rows, classes) = try KernelChecks.logits(logits, operation: operation)
        try KernelChecks.require(
            targets, matches: logits, operation: operation, argument: "targets")
        try Self.requireFloat32(("logits", logits), operation: operation)
        var rowLosses = [Double](repeating: 0, count: rows)
        var loss = 0.0
        let gradient = try Self.makeTensor(
            logits.shape, operation: operation, from: logits, targets
        ) {
            loss = convk_softmax_cross_entropy_targets(
                $0, &rowLosses, $1, $2, rows, classes, execution)
        }
        return SoftmaxCrossEntropy(loss: loss, gradient: gradient)
    }
}
