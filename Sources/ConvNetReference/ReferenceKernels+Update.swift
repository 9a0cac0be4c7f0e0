// SPDX-License-Identifier: MIT
//
// The optimisers' updates, one parameter at a time.

import ConvNetTensor

extension ReferenceKernels {
    /// `p −= learningRate · g`.
    ///
    /// - Throws: ``TensorError`` when shapes or number types differ.
    public func sgdUpdate(
        _ parameter: inout Tensor, gradient: Tensor, learningRate: Double
    ) throws {
        try KernelChecks.require(
            gradient, matches: parameter, operation: "sgdUpdate", argument: "gradient")
        let updated = zip(parameter.doubles, gradient.doubles).map { $0 - learningRate * $1 }
        parameter = try Tensor(parameter.shape, updated, like: parameter)
    }

    /// `v = momentum · v − learningRate · g; p += v`.
    ///
    /// - Throws: ``TensorError`` when shapes or number types differ.
    public func momentumUpdate(
        _ parameter: inout Tensor, velocity: inout Tensor, gradient: Tensor, learningRate: Double,
        momentum: Double
    ) throws {
        let operation = "momentumUpdate"
        try KernelChecks.require(
            gradient, matches: parameter, operation: operation, argument: "gradient")
        try KernelChecks.require(
            velocity, matches: parameter, operation: operation, argument: "velocity")
        let v = zip(velocity.doubles, gradient.doubles).map { v, g in
            momentum * v - learningRate * g
        }
        let p = zip(parameter.doubles, v).map { p, v in p + v }
        velocity = try Tensor(parameter.shape, v, like: parameter)
        parameter = try Tensor(parameter.shape, p, like: parameter)
    }

    /// Adam with PyTorch's place for epsilon.
    ///
    /// - Throws: ``TensorError`` when shapes or number types differ, or the step is below 1.
    public func adamUpdate(
        _ parameter: inout Tensor, firstMoment: inout Tensor, secondMoment: inout Tensor,
        gradient: Tensor, step: Int, settings: AdamSettings
    ) throws {
        try KernelChecks.adamUpdate(
            parameter, firstMoment: firstMoment, secondMoment: secondMoment, gradient: gradient,
            step: step)
        let g = gradient.doubles
        let (beta1, beta2) = (settings.beta1, settings.beta2)
        let m = zip(firstMoment.doubles, g).map { m, g in beta1 * m + (1 - beta1) * g }
        let v = zip(secondMoment.doubles, g).map { v, g in beta2 * v + (1 - beta2) * g * g }
        let correction1 = 1 - power(beta1, step)
        let correction2 = 1 - power(beta2, step)
        var p = parameter.doubles
        for i in p.indices {
            let root = (v[i] / correction2).squareRoot()
            p[i] -= settings.learningRate * (m[i] / correction1) / (root + settings.epsilon)
        }
        firstMoment = try Tensor(parameter.shape, m, like: parameter)
        secondMoment = try Tensor(parameter.shape, v, like: parameter)
        parameter = try Tensor(parameter.shape, p, like: parameter)
    }
}
