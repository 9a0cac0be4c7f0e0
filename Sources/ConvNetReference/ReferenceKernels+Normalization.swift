// SPDX-License-Identifier: MIT
//
// Normalization and dropout.

import ConvNetTensor

extension ReferenceKernels {
    /// Each number times `s^−beta`, `s = k + alpha/size · Σx²` being its own channel's.
    ///
    /// - Returns: the shape of `x`.
    /// - Throws: ``TensorError`` when `x` has no channels.
    public func localResponseNormalization(
        _ x: Tensor, settings: LocalResponseSettings
    ) throws -> Tensor {
        let sizes = try KernelChecks.channels(
            of: x, operation: "localResponseNormalization", argument: "x")
        let input = x.doubles
        let scales = Self.localResponseScales(input, sizes, settings)
        let values = zip(input, scales).map { $0 * power($1, -settings.beta) }
        return try Tensor(x.shape, values, like: x)
    }

    /// What the output's gradients say of each number: directly, and through each s that it is
    /// part of.
    ///
    /// - Returns: the shape of `x`.
    /// - Throws: ``TensorError`` when shapes or number types differ, or there are no channels.
    public func localResponseNormalizationGradient(
        _ outputGradient: Tensor, input x: Tensor, settings: LocalResponseSettings
    ) throws -> Tensor {
        let operation = "localResponseNormalizationGradient"
        let sizes = try KernelChecks.channels(of: x, operation: operation, argument: "x")
        try KernelChecks.require(
            outputGradient, matches: x, operation: operation, argument: "outputGradient")
        let (input, dy) = (x.doubles, outputGradient.doubles)
        let scales = Self.localResponseScales(input, sizes, settings)
        let factor = 2 * settings.alpha / Double(settings.size) * settings.beta
        var dx = zip(dy, scales).map { $0 * power($1, -settings.beta) }
        for place in dx.indices {
            let term = dy[place] * input[place] * power(scales[place], -settings.beta - 1)
            Self.forEachNeighbour(of: place, sizes, settings) {
                dx[$0] -= factor * input[$0] * term
            }
        }
        return try Tensor(x.shape, dx, like: x)
    }

    /// 0 where the mask drops, `x / (1 − rate)` where it keeps.
    public func dropout(_ x: Tensor, mask: DropoutMask) throws -> Tensor {
        let values = zip(x.doubles, mask.keeps(x.count)).map { value, isKept in
            isKept ? value * mask.scale : 0
        }
        return try Tensor(x.shape, values, like: x)
    }

    /// The sum s for each number.
    private static func localResponseScales(
        _ input: [Double], _ sizes: (samples: Int, channels: Int, plane: Int),
        _ settings: LocalResponseSettings
    ) -> [Double] {
        input.indices.map { place in
            var sum = 0.0
            forEachNeighbour(of: place, sizes, settings) { sum += input[$0] * input[$0] }
            return settings.k + settings.alpha / Double(settings.size) * sum
        }
    }

    /// Names the places in the window of channels of one place, itself included.
    private static func forEachNeighbour(
        of place: Int, _ sizes: (samples: Int, channels: Int, plane: Int),
        _ settings: LocalResponseSettings, _ body: (_ neighbour: Int) -> Void
    ) {
        let channel = place / sizes.plane % sizes.channels
        let first = max(channel - settings.size / 2, 0)
        let last = min(channel + (settings.size - 1) / 2, sizes.channels - 1)
        for neighbour in first...last { body(place + (neighbour - channel) * sizes.plane) }
    }
}
