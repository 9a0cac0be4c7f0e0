// SPDX-License-Identifier: MIT
//
// The optimisers' updates, one parameter at a time.

import ConvNetTensor

extension ReferenceKernels {
    /// The sum of squares, in order.
    public func sumOfSquares(_ x: Tensor) throws -> Double {
        x.doubles.reduce(0) { $0 + $1 * $1 }
    }

    /// `p −= learningRate · g`.
    ///
    /// - Throws: ``TensorError`` when shapes or number types differ.
    public func sgdUpdate(
        _ parameter: inout Tensor, gradient: Tensor, learningRate: Double,
        adjustment: GradientAdjustment
    ) throws {
        try KernelChecks.update(parameter, gradient: gradient, operation: "sgdUpdate")
        let p = zip(parameter.doubles, gradient.doubles).map { p, g in
            p - learningRate * adjustment.applied(to: g, of: p)
        }
        parameter = try Tensor(parameter.shape, p, like: parameter)
    }

    /// A step with a velocity, plain or Nesterov's.
    ///
    /// - Throws: ``TensorError`` when shapes or number types differ.
    public func momentumUpdate(
        _ parameter: inout Tensor, velocity: inout Tensor, gradient: Tensor,
        settings: MomentumSettings, adjustment: GradientAdjustment
    ) throws {
        try KernelChecks.update(
            parameter, gradient: gradient, state: ["velocity": velocity],
            operation: "momentumUpdate")
        let (rate, momentum) = (settings.learningRate, settings.momentum)
        var (p, v) = (parameter.doubles, velocity.doubles)
        for (i, number) in gradient.doubles.enumerated() {
            let g = adjustment.applied(to: number, of: p[i])
            if settings.isNesterov {
                v[i] = momentum * v[i] + g
                p[i] -= rate * (g + momentum * v[i])
            } else {
                v[i] = momentum * v[i] - rate * g
                p[i] += v[i]
            }
        }
        velocity = try Tensor(parameter.shape, v, like: parameter)
        parameter = try Tensor(parameter.shape, p, like: parameter)
    }

    /// A step scaled by the root of the squares so far.
    ///
    /// - Throws: ``TensorError`` when shapes or number types differ.
    public func squaresUpdate(
        _ parameter: inout Tensor, squares: inout Tensor, gradient: Tensor,
        settings: SquaresSettings, adjustment: GradientAdjustment
    ) throws {
        try KernelChecks.update(
            parameter, gradient: gradient, state: ["squares": squares], operation: "squaresUpdate")
        var (p, v) = (parameter.doubles, squares.doubles)
        for (i, number) in gradient.doubles.enumerated() {
            let g = adjustment.applied(to: number, of: p[i])
            v[i] = settings.kept * v[i] + settings.added * g * g
            p[i] -= settings.learningRate * g / (v[i].squareRoot() + settings.epsilon)
        }
        squares = try Tensor(parameter.shape, v, like: parameter)
        parameter = try Tensor(parameter.shape, p, like: parameter)
    }

    /// Adam with PyTorch's place for epsilon.
    ///
    /// - Throws: ``TensorError`` when shapes or number types differ, or the step is below 1.
    public func adamUpdate(
        _ parameter: inout Tensor, firstMoment: inout Tensor, secondMoment: inout Tensor,
        gradient: Tensor, step: Int, settings: AdamSettings, adjustment: GradientAdjustment
    ) throws {
        let operation = "adamUpdate"
        try KernelChecks.update(
            parameter, gradient: gradient,
            state: ["firstMoment": firstMoment, "secondMoment": secondMoment],
            operation: operation)
        try KernelChecks.step(step, operation: operation)
        let (beta1, beta2) = (settings.beta1, settings.beta2)
        let correction1 = 1 - power(beta1, step)
        let correction2 = 1 - power(beta2, step)
        var (p, m, v) = (parameter.doubles, firstMoment.doubles, secondMoment.doubles)
        for (i, number) in gradient.doubles.enumerated() {
            let g = adjustment.applied(to: number, of: p[i])
            m[i] = beta1 * m[i] + (1 - beta1) * g
            v[i] = beta2 * v[i] + (1 - beta2) * g * g
            let root = (v[i] / correction2).squareRoot()
            p[i] -= settings.learningRate * settings.decoupledWeightDecay * p[i]
            p[i] -= settings.learningRate * (m[i] / correction1) / (root + settings.epsilon)
        }
        firstMoment = try Tensor(parameter.shape, m, like: parameter)
        secondMoment = try Tensor(parameter.shape, v, like: parameter)
        parameter = try Tensor(parameter.shape, p, like: parameter)
    }
}

extension GradientAdjustment {
    /// A number of a gradient as an update uses it; `p` is its parameter.
    fileprivate func applied(to g: Double, of p: Double) -> Double {
        let limited = g.isNaN ? g : min(max(g, -limit), limit)
        return factor * limited + weightDecay * p
    }
}
