// SPDX-License-Identifier: MIT
//
// Max pooling with the places of the maxima, and its gradient. The reference works on some images.

import ConvNet

enum PoolingCases {
    static var all: [BenchmarkCase] {
        Shapes.pools.flatMap { pool in
            let inputs = Double(pool.inputShape.reduce(1, *))
            let outputs = Double(
                pool.samples * pool.channels * pool.outputExtent * pool.outputExtent)
            // Forward reads the images and writes maxima and places; backward reads gradients and
            // places and writes the images' gradient.
            let forward = 4 * (inputs + 2 * outputs)
            // Comparisons in each window; backward adds each gradient up.
            let comparisons = outputs * Double(pool.kernel * pool.kernel - 1)
            return [
                BenchmarkCase(
                    name: "maxpool.forward.\(pool.name)", sizes: pool.sizes,
                    work: .bytes(forward, operations: comparisons), needsFull: pool.needsFull
                ) { try prepare(pool, $0, withGradient: false) },
                BenchmarkCase(
                    name: "maxpool.forward+backward.\(pool.name)", sizes: pool.sizes,
                    work: .bytes(2 * forward, operations: comparisons + outputs),
                    needsFull: pool.needsFull
                ) { try prepare(pool, $0, withGradient: true) },
            ]
        }
    }

    private static func prepare(
        _ pool: PoolShape, _ run: Run, withGradient: Bool
    ) throws -> PreparedCase {
        let window = try pool.window()
        let x = try Inputs.tensor(pool.inputShape, seed: 1)
        let dy = try Inputs.tensor(
            [pool.samples, pool.channels, pool.outputExtent, pool.outputExtent], seed: 2)
        let perImage = x.count / pool.samples
        let images = Inputs.spread(run.referenceBudget / (8 * perImage), of: pool.samples)
        let (part, partGradient) = (try x.samples(at: images), try dy.samples(at: images))

        func pooled(
            _ kernels: any Kernels, _ x: Tensor, _ dy: Tensor
        ) throws -> (MaxPoolingResult, Tensor?) {
            let result = try kernels.maxPoolingWithArgmax(x, window: window)
            guard withGradient else { return (result, nil) }
            return (
                result,
                try kernels.maxPoolingGradient(dy, argmax: result.argmax, inputShape: x.shape)
            )
        }
        func checked(_ expected: MaxPoolingResult, _ expectedGradient: Tensor?) throws -> Check {
            let (result, gradient) = try pooled(run.kernels, x, dy)
            var check = Check()
            check.compareExactly(
                try result.output.samples(at: images).doubles, expected.output.doubles)
            let argmax = result.argmax.indices.map { Double($0) }
            let perImage = argmax.count / pool.samples
            check.compareExactly(
                images.flatMap { argmax[$0 * perImage..<($0 + 1) * perImage] },
                expected.argmax.indices.map { Double($0) })
            if let gradient, let expectedGradient {
                let magnitudes = try run.reference.maxPoolingGradient(
                    partGradient.magnitudes(), argmax: expected.argmax, inputShape: part.shape)
                // A pixel is the maximum of at most as many windows as the window has taps.
                let addends = pool.kernel * pool.kernel
                check.compare(
                    try gradient.samples(at: images).doubles, expectedGradient.doubles,
                    bounds: magnitudes.doubles.map { $0 * gamma(addends + 1) })
            }
            return check
        }
        return PreparedCase(
            native: { _ = try pooled(run.kernels, x, dy) },
            reference: {
                let (expected, gradient) = try pooled(run.reference, part, partGradient)
                return { try checked(expected, gradient) }
            },
            referenceShare: Double(images.count) / Double(pool.samples))
    }
}
