// SPDX-License-Identifier: MIT
//
// Keeping steps short where the gradient is steep.

/// How a gradient is clipped.
public enum GradientClipping: Sendable, Hashable {
    /// All gradients are scaled down together where the root of the sum of all their squares is larger
    /// than this (Pascanu et al., "On the difficulty of training recurrent neural networks", 2013).
    /// The factor is PyTorch's, `norm / (global norm + 10⁻⁶)`.
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

/// An optimizer that clips gradients before it uses them.
public struct ClippedOptimizer: Optimizer {
    /// What takes the steps.
    public private(set) var base: any Optimizer
    /// How gradients are clipped.
    public let clipping: GradientClipping

    /// An optimizer that clips gradients.
    ///
    /// - Throws: ``TensorError`` when the bound is not above 0 and in `Float`'s range.
    public init(_ base: any Optimizer, clipping: GradientClipping) throws(TensorError) {
        guard clipping.bound > 0, clipping.bound.isFinite else {
            throw TensorError(
                operation: "ClippedOptimizer", argument: "clipping", value: "\(clipping)",
                expected: "a finite bound above 0")
        }
        guard FloatRange.contains(clipping.bound) else {
            throw TensorError(
                operation: "ClippedOptimizer", argument: "clipping", value: "\(clipping)",
                expected: "a bound \(FloatRange.rule)")
        }
        self.base = base
        self.clipping = clipping
    }

    /// One step with clipped gradients.
    public mutating func update(_ network: inout Network, scaling: UpdateScaling) throws {
        var scaling = scaling
        switch clipping {
        case .norm(let bound):
            let norm = try network.gradientNorm()
            // NaN compares false: the gradient stays NaN, and the next loss tells.
            if !(norm <= bound) { scaling.gradient *= min(bound / (norm + 1e-6), 1) }
        case .value(let bound): scaling.gradientLimit = min(scaling.gradientLimit, bound)
        }
        try base.update(&network, scaling: scaling)
    }

    /// That of the optimizer, and the clipping.
    public var configuration: [String: String] {
        base.configuration.merging(["clipping": "\(clipping)"]) { $1 }
    }

    /// That of the optimizer.
    public var state: OptimizerState { base.state }

    /// Takes the optimizer's state back.
    ///
    /// - Throws: ``TensorError`` when the optimizer refuses it.
    public mutating func restore(
        _ state: OptimizerState, for network: Network
    ) throws(TensorError) {
        try base.restore(state, for: network)
    }
}

extension Network {
    /// The root of the sum of the squares of all numbers of all gradients, in `Double`.
    func gradientNorm() throws -> Double {
        // Visiting parameters is mutating; the copy shares their numbers.
        var copy = self
        var total = 0.0
        try copy.forEachGradient { _, _, gradient in total += try kernels.sumOfSquares(gradient) }
        return total.squareRoot()
    }
}
