// SPDX-License-Identifier: MIT
//
// The optimisers' updates, in place.

internal import CConvKernels
import ConvNetTensor

extension NativeKernels {
    /// `p −= learningRate · g`, on `float32`.
    ///
    /// - Throws: ``TensorError`` when shapes differ or a tensor is not of `float32`.
    public func sgdUpdate(
        _ parameter: inout Tensor, gradient: Tensor, learningRate: Double
    ) throws {
        let execution = try execution
        let operation = "sgdUpdate"
        try KernelChecks.require(
            gradient, matches: parameter, operation: operation, argument: "gradient")
        try Self.requireFloat32(("parameter", parameter), operation: operation)
        let count = parameter.count
        try parameter.withMutablePointer(operation: operation) { p in
            gradient.withPointer { convk_update_sgd(p, $0, count, Float(learningRate), execution) }
        }
    }

    /// `v = momentum · v − learningRate · g; p += v`, on `float32`.
    ///
    /// - Throws: ``TensorError`` when shapes differ or a tensor is not of `float32`.
    public func momentumUpdate(
        _ parameter: inout Tensor, velocity: inout Tensor, gradient: Tensor, learningRate: Double,
        momentum: Double
    ) throws {
        let execution = try execution
        let operation = "momentumUpdate"
        try KernelChecks.require(
            gradient, matches: parameter, operation: operation, argument: "gradient")
        try KernelChecks.require(
            velocity, matches: parameter, operation: operation, argument: "velocity")
        try Self.requireFloat32(("parameter", parameter), operation: operation)
        let count = parameter.count
        try parameter.withMutablePointer(operation: operation) { p in
            try velocity.withMutablePointer(operation: operation) { v in
                gradient.withPointer {
                    convk_update_momentum(
                        p, v, $0, count, Float(learningRate), Float(momentum), execution)
                }
            }
        }
    }

    /// Adam with PyTorch's place for epsilon, on `float32`.
    ///
    /// - Throws: ``TensorError`` when shapes differ, the step is below 1, or a tensor is not of
    ///   `float32`.
    public func adamUpdate(
        _ parameter: inout Tensor, firstMoment: inout Tensor, secondMoment: inout Tensor,
        gradient: Tensor, step: Int, settings: AdamSettings
    ) throws {
        let execution = try execution
        let operation = "adamUpdate"
        try KernelChecks.adamUpdate(
            parameter, firstMoment: firstMoment, secondMoment: secondMoment, gradient: gradient,
            step: step)
        try Self.requireFloat32(("parameter", parameter), operation: operation)
        let count = parameter.count
        var native = convk_adam(settings, step: step)
        try parameter.withMutablePointer(operation: operation) { p in
            try firstMoment.withMutablePointer(operation: operation) { m in
                try secondMoment.withMutablePointer(operation: operation) { v in
                    gradient.withPointer {
                        convk_update_adam(p, m, v, $0, count, &native, execution)
                    }
                }
            }
        }
    }
}
