// SPDX-License-Identifier: MIT
//
// The optimisers' updates, in place, and the length of a gradient.

internal import CConvKernels
import ConvNetTensor

extension NativeKernels {
    /// The sum of squares of a `float32` tensor, in `Double` over a fixed tree.
    ///
    /// - Throws: ``TensorError`` when `x` is not of `float32`.
    public func sumOfSquares(_ x: Tensor) throws -> Double {
        let execution = try execution
        let operation = "sumOfSquares"
        try Self.requireFloat32(("x", x), operation: operation)
        // The workspace holds doubles, two floats each.
        return try Self.withWorkspace(
            floats: 2 * convk_sum_of_squares_workspace(x.count), operation: operation
        ) { workspace in
            let sums = UnsafeMutableRawPointer(workspace).assumingMemoryBound(to: Double.self)
            return x.withPointer { convk_sum_of_squares($0, x.count, sums, execution) }
        }
    }

    /// `p −= learningRate · g`, on `float32`.
    ///
    /// `|error| ≤ 12 · 2⁻²⁴ · (|p| + |terms|)`, to first order, with the sizes of what is added to
    /// p.
    ///
    /// - Throws: ``TensorError`` when shapes differ or a tensor is not of `float32`.
    public func sgdUpdate(
        _ parameter: inout Tensor, gradient: Tensor, learningRate: Double,
        adjustment: GradientAdjustment
    ) throws {
        let execution = try execution
        let operation = "sgdUpdate"
        try KernelChecks.update(parameter, gradient: gradient, operation: operation)
        try Self.requireFloat32(("parameter", parameter), operation: operation)
        let count = parameter.count
        var adjustment = convk_gradient_adjustment(adjustment)
        try parameter.withMutablePointer(operation: operation) { p in
            gradient.withPointer {
                convk_update_sgd(p, $0, count, Float(learningRate), &adjustment, execution)
            }
        }
    }

    /// A step with a velocity, plain or Nesterov's, on `float32`, bounded as for `sgdUpdate`.
    ///
    /// - Throws: ``TensorError`` when shapes differ or a tensor is not of `float32`.
    public func momentumUpdate(
        _ parameter: inout Tensor, velocity: inout Tensor, gradient: Tensor,
        settings: MomentumSettings, adjustment: GradientAdjustment
    ) throws {
        let execution = try execution
        let operation = "momentumUpdate"
        try KernelChecks.update(
            parameter, gradient: gradient, state: ["velocity": velocity], operation: operation)
        try Self.requireFloat32(("parameter", parameter), operation: operation)
        let count = parameter.count
        var native = convk_momentum(settings)
        var adjustment = convk_gradient_adjustment(adjustment)
        try parameter.withMutablePointer(operation: operation) { p in
            try velocity.withMutablePointer(operation: operation) { v in
                gradient.withPointer {
                    convk_update_momentum(p, v, $0, count, &native, &adjustment, execution)
                }
            }
        }
    }

    /// A step scaled by the root of the squares so far, on `float32`, bounded as for `sgdUpdate`.
    ///
    /// - Throws: ``TensorError`` when shapes differ or a tensor is not of `float32`.
    public func squaresUpdate(
        _ parameter: inout Tensor, squares: inout Tensor, gradient: Tensor,
        settings: SquaresSettings, adjustment: GradientAdjustment
    ) throws {
        let execution = try execution
        let operation = "squaresUpdate"
        try KernelChecks.update(
            parameter, gradient: gradient, state: ["squares": squares], operation: operation)
        try Self.requireFloat32(("parameter", parameter), operation: operation)
        let count = parameter.count
        var native = convk_squares(settings)
        var adjustment = convk_gradient_adjustment(adjustment)
        try parameter.withMutablePointer(operation: operation) { p in
            try squares.withMutablePointer(operation: operation) { v in
                gradient.withPointer {
                    convk_update_squares(p, v, $0, count, &native, &adjustment, execution)
                }
            }
        }
    }

    /// Adam with PyTorch's place for epsilon, on `float32`, bounded as for `sgdUpdate`.
    ///
    /// - Throws: ``TensorError`` when shapes differ, the step is below 1, or a tensor is not of
    ///   `float32`.
    public func adamUpdate(
        _ parameter: inout Tensor, firstMoment: inout Tensor, secondMoment: inout Tensor,
        gradient: Tensor, step: Int, settings: AdamSettings, adjustment: GradientAdjustment
    ) throws {
        let execution = try execution
        let operation = "adamUpdate"
        try KernelChecks.update(
            parameter, gradient: gradient,
            state: ["firstMoment": firstMoment, "secondMoment": secondMoment],
            operation: operation)
        try KernelChecks.step(step, operation: operation)
        try Self.requireFloat32(("parameter", parameter), operation: operation)
        let count = parameter.count
        var native = convk_adam(settings, step: step)
        var adjustment = convk_gradient_adjustment(adjustment)
        try parameter.withMutablePointer(operation: operation) { p in
            try firstMoment.withMutablePointer(operation: operation) { m in
                try secondMoment.withMutablePointer(operation: operation) { v in
                    gradient.withPointer {
                        convk_update_adam(p, m, v, $0, count, &native, &adjustment, execution)
                    }
                }
            }
        }
    }
}
