// SPDX-License-Identifier: MIT
//
// Activations: one number in, one number out.

import ConvNetTensor

extension ReferenceKernels {
    /// A function of each number.
    ///
    /// - Throws: ``TensorError`` when a parameter of the activation is not finite.
    public func activation(_ x: Tensor, _ activation: Activation) throws -> Tensor {
        try KernelChecks.activation(activation, operation: activation.name)
        return try Tensor(x.shape, x.doubles.map(activation.value), like: x)
    }

    /// The gradient of an activation.
    ///
    /// - Throws: ``TensorError`` when shapes or number types differ.
    public func activationGradient(
        _ outputGradient: Tensor, from value: Tensor, _ activation: Activation
    ) throws -> Tensor {
        _ = try KernelChecks.activationGradient(outputGradient, from: value, activation)
        let gradients = zip(outputGradient.doubles, value.doubles).map(activation.gradient)
        return try Tensor(value.shape, gradients, like: value)
    }

    /// `y · (outputGradient − Σ outputGradient · y)` along an axis.
    ///
    /// - Throws: ``TensorError`` when shapes or number types differ, or there is no such axis.
    public func softmaxGradient(
        _ outputGradient: Tensor, output: Tensor, axis: Int
    ) throws -> Tensor {
        let sizes = try KernelChecks.softmaxGradient(outputGradient, output: output, axis: axis)
        let (dy, y) = (outputGradient.doubles, output.doubles)
        var dx = dy
        for places in Self.places(along: sizes) {
            let sum = places.reduce(0) { $0 + dy[$1] * y[$1] }
            for place in places { dx[place] = y[place] * (dy[place] - sum) }
        }
        return try Tensor(output.shape, dx, like: output)
    }
}
