// SPDX-License-Identifier: MIT
//
// Passes over whole tensors as networks make them: activations, sums, batch normalization. Checked
// as the calls of networks are.

import ConvNet

extension ElementwiseCases {
    /// Those of the widest layer of a ResNet.
    static var passes: [BenchmarkCase] {
        [
            pass("relu", reads: 1) { x, _, kernels in try kernels.activation(x, .relu) },
            pass("silu", reads: 1) { x, _, kernels in try kernels.activation(x, .silu) },
            pass("add", reads: 2) { x, y, kernels in try kernels.elementwise(.add, x, y) },
            pass("add+relu", reads: 2) { x, y, kernels in
                try kernels.activation(kernels.elementwise(.add, x, y), .relu)
            },
            pass("batchnorm.predict", reads: 1) { x, _, kernels in
                try BatchNormalization(channels: 64).predict(x, on: kernels)
            },
            // Once for the statistics, once to be normalized.
            pass("batchnorm.train", reads: 2) { x, _, kernels in
                try BatchNormalization(channels: 64).forward(x, in: Pass(kernels: kernels)).output
            },
        ]
    }

    private typealias Operation =
        @Sendable (
            _ x: Tensor, _ y: Tensor, _ kernels: any Kernels
        ) throws -> Tensor

    /// - Parameter reads: how many tensors are read for the one that is written.
    private static func pass(
        _ name: String, reads: Int, _ operation: @escaping Operation
    ) -> BenchmarkCase {
        let numbers = Double(shape.reduce(1, *))
        let sizes = "64×56×56" + (name.hasPrefix("add") ? ", 64×56×56" : "")
        return BenchmarkCase(
            name: "elementwise.\(name)", sizes: "\(sizes), batch 16",
            work: .bytes(4 * Double(reads + 1) * numbers, operations: numbers)
        ) { run in
            let (x, y) = (try Inputs.tensor(shape, seed: 1), try Inputs.tensor(shape, seed: 2))
            let images = Inputs.spread(run.referenceBudget * shape[0] / x.count, of: shape[0])
            let (part, other) = (try x.samples(at: images), try y.samples(at: images))
            return PreparedCase(
                native: { _ = try operation(x, y, run.kernels) },
                reference: {
                    _ = try operation(part, other, run.reference)
                    return {
                        let checked = CheckedKernels(run, places: images)
                        _ = try operation(x, y, checked)
                        return checked.log.check
                    }
                },
                referenceShare: Double(images.count) / Double(shape[0]))
        }
    }
}
