// SPDX-License-Identifier: MIT
//
// Biases: one number per channel, the second axis.

import ConvNetTensor

extension ReferenceKernels {
    /// Adds one number per channel to `[N, C]` or `[N, C, …]`, in place.
    ///
    /// - Throws: ``TensorError`` when `x` has no channels, or not as many as the bias.
    public func addBias(_ bias: Tensor, to x: inout Tensor) throws {
        let (_, channels, plane) = try KernelChecks.channels(
            of: x, operation: "addBias", argument: "x")
        try KernelChecks.require(
            bias, hasShape: [channels], operation: "addBias", argument: "bias")
        try Self.requireSameType(x, ("bias", bias), operation: "addBias")
        let biases = bias.doubles
        var values = x.doubles
        for place in values.indices { values[place] += biases[place / plane % channels] }
        x = try Tensor(x.shape, values, like: x)
    }

    /// The sum over everything but the channels.
    ///
    /// - Returns: `[C]`.
    /// - Throws: ``TensorError`` when the gradient has no channels.
    public func biasGradient(_ outputGradient: Tensor) throws -> Tensor {
        let (_, channels, plane) = try KernelChecks.channels(
            of: outputGradient, operation: "biasGradient", argument: "outputGradient")
        var sums = [Double](repeating: 0, count: channels)
        for (place, value) in outputGradient.doubles.enumerated() {
            sums[place / plane % channels] += value
        }
        return try Tensor([channels], sums, like: outputGradient)
    }
}
