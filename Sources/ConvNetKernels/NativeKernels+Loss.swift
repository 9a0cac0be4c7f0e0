// SPDX-License-Identifier: MIT
//
// Softmax and cross-entropy.

internal import CConvKernels
import ConvNetTensor

extension NativeKernels {
    /// The softmax along an axis, on `float32`; sums are in `Double`.
    ///
    /// With L the largest logit's size, `|error| ≤ (4·L + 20) · 2⁻²⁴ · y + 2⁻¹²⁶`, to first order:
    /// the difference to the largest logit is rounded, and the exponential makes a factor of that.
    ///
    /// - Returns: the shape of `x`.
    /// - Throws: ``TensorError`` when there is no such axis, or `x` is not of `float32`.
    public func softmax(_ x: Tensor, axis: Int) throws -> Tensor {
        let execution = try execution
        let (outer, classes, inner) = try KernelChecks.softmax(
            x.shape, axis: axis, operation: "softmax")
        try Self.requireFloat32(("x", x), operation: "softmax")
        return try Self.makeTensor(x.shape, operation: "softmax", from: x) {
            convk_softmax($0, $1, outer, classes, inner, execution)
        }
    }

    /// Cross-entropy of the softmax against class labels, and its gradient, on `float32`; sums and
    /// logarithms are in `Double`.
    ///
    /// With L the largest logit's size, the loss is off by at most `(4·L + 20) · 2⁻²⁴ · (1 + loss)`
    /// and its gradient by `(8·L + 40) · 2⁻²⁴ / N`, to first order.
    ///
    /// - Throws: ``TensorError`` when there is not one label per row, one is no class, or the
    ///   logits are not of `float32`.
    public func softmaxCrossEntropy(
        _ logits: Tensor, labels: [Int]
    ) throws -> LossAndGradient {
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
        return LossAndGradient(loss: loss, gradient: gradient)
    }

    /// Cross-entropy of the softmax against rows of probabilities, and its gradient, on `float32`;
    /// sums and logarithms are in `Double`. Errors are bounded as for labels.
    ///
    /// - Throws: ``TensorError`` when shapes differ or a tensor is not of `float32`.
    public func softmaxCrossEntropy(
        _ logits: Tensor, targets: Tensor
    ) throws -> LossAndGradient {
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
        return LossAndGradient(loss: loss, gradient: gradient)
    }
}
