// SPDX-License-Identifier: MIT
//
// Losses against values: the squared error, "Deep Learning from Scratch", section 4.2.1, and binary
// cross-entropy. Computed in Double, number by number.

/// The mean of `(x − t)²` over all numbers of a batch (PyTorch's MSELoss).
///
/// Its gradient is `2 (x − t) / count`. The book's squared error, half a sum, has another factor.
public struct MeanSquaredError: Loss {
    /// The loss.
    public init() {}

    /// The mean loss of a batch, and its gradient.
    public func evaluate(
        _ output: Tensor, _ targets: Targets, on kernels: any Kernels
    ) throws -> LossAndGradient {
        let values = try targets.values(like: output, operation: "MeanSquaredError")
        return try LossAndGradient.mean(of: output, values) { x, t in
            (loss: (x - t) * (x - t), derivative: 2 * (x - t))
        }
    }
}

/// Sigmoid followed by binary cross-entropy, the mean over all numbers of a batch, in nats:
/// `−t · log σ(x) − (1 − t) · log (1 − σ(x))` (PyTorch's BCEWithLogitsLoss).
///
/// Computed as `max(x, 0) − x·t + log(1 + exp(−|x|))`, which overflows nowhere; its derivative is
/// `σ(x) − t`. Targets are probabilities, from 0 to 1.
public struct BinaryCrossEntropyWithLogits: Loss {
    /// The loss.
    public init() {}

    /// The mean loss of a batch, and its gradient.
    public func evaluate(
        _ output: Tensor, _ targets: Targets, on kernels: any Kernels
    ) throws -> LossAndGradient {
        let values = try targets.values(like: output, operation: "BinaryCrossEntropyWithLogits")
        if let wrong = values.doubles.first(where: { !(0...1).contains($0) }) {
            throw TensorError(
                operation: "BinaryCrossEntropyWithLogits", argument: "targets",
                value: "\(wrong)", expected: "from 0 to 1")
        }
        return try LossAndGradient.mean(of: output, values) { x, t in
            let small = exponential(-abs(x))
            let sigmoid = x >= 0 ? 1 / (1 + small) : small / (1 + small)
            return (loss: max(x, 0) - x * t + logarithm(1 + small), derivative: sigmoid - t)
        }
    }
}

extension LossAndGradient {
    /// The mean of a function over all numbers of an output and its targets.
    fileprivate static func mean(
        of output: Tensor, _ targets: Tensor,
        _ function: (_ x: Double, _ t: Double) -> (loss: Double, derivative: Double)
    ) throws -> LossAndGradient {
        let count = Double(output.count)
        var sum = 0.0
        var gradient: [Double] = []
        gradient.reserveCapacity(output.count)
        for (x, t) in zip(output.doubles, targets.doubles) {
            let (loss, derivative) = function(x, t)
            sum += loss
            gradient.append(derivative / count)
        }
        return LossAndGradient(
            loss: sum / count,
            gradient: try Tensor(shape: output.shape, doubles: gradient)
                .converted(to: output.scalarType))
    }
}
