// SPDX-License-Identifier: MIT
//
// Keeping steps short where the gradient is steep.

/// How a gradient is clipped.
public enum GradientClipping: Sendable, Hashable {
    /// All gradients are scaled down together where the root of the sum of all their squares is
    /// larger than this (Pascanu et al., "On the difficulty of training recurrent neural networks",
    /// 2013). The factor is PyTorch's, `norm / (global norm + 10⁻⁶)`.
    case norm(Double)
    /// Each number is brought into the range from minus this to this.
    case value(Double)

    /// The clipping that a text stands for: `norm:X` or `value:X`.
    ///
    /// - Throws: ``TensorError`` when the text is neither, or X not above 0 and in `Float`'s range.
    public init(name: String) throws(TensorError) {
        let parts = name.split(separator: ":", omittingEmptySubsequences: false)
        let number = parts.count == 2 ? Double(parts[1]) : nil
        switch (parts[0], number) {
        case ("norm", let number?) where number > 0 && number.isFinite: self = .norm(number)
        case ("value", let number?) where number > 0 && number.isFinite: self = .value(number)
        default:
            throw TensorError(
                operation: "GradientClipping", argument: "name", value: name,
                expected: "norm:X or value:X, X being a finite number above 0")
        }
        guard FloatRange.contains(bound) else {
            throw TensorError(
                operation: "GradientClipping", argument: "name", value: name,
                expected: "norm:X or value:X, X being \(FloatRange.rule)")
        }
    }

    fileprivate var bound: Double {
        switch self {
        case .norm(let bound), .value(let bound): bound
        }
    }
}

extension GradientClipping {
    /// Fails unless the bound is above 0 and in `Float`'s range.
    func check(operation: String) throws(TensorError) {
        guard bound > 0, bound.isFinite else {
            throw TensorError(
                operation: operation, argument: "clipping", value: "\(self)",
                expected: "a finite bound above 0")
        }
        guard FloatRange.contains(bound) else {
            throw TensorError(
                operation: operation, argument: "clipping", value: "\(self)",
                expected: "a bound \(FloatRange.rule)")
        }
    }

    /// What a step's gradients are multiplied by, and the largest size of their numbers before
    /// that.
    func scaling(
        _ gradients: [Tensor], on kernels: any Kernels
    ) throws -> (factor: Double, limit: Double) {
        switch self {
        case .value(let bound): return (1, bound)
        case .norm(let bound):
            let norm = try gradients.reduce(0) { try $0 + kernels.sumOfSquares($1) }.squareRoot()
            // NaN compares false: the gradient stays NaN, and the next loss shows it.
            return (norm <= bound ? 1 : min(bound / (norm + 1e-6), 1), .infinity)
        }
    }
}
