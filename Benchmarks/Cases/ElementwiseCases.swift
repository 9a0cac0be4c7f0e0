// SPDX-License-Identifier: MIT
//
// Operations on whole tensors: two of equal shapes, a gate of each channel, means of planes. The
// reference works on some images.

import ConvNet

enum ElementwiseCases {
    /// Those of the widest layer of a ResNet.
    static let shape = [16, 64, 56, 56]
    private static let gateShape = [16, 64, 1, 1]

    static var all: [BenchmarkCase] {
        let (numbers, gates) = (count(shape), count(gateShape))
        return [
            BenchmarkCase(
                name: "elementwise.multiply", sizes: "64×56×56 · 64×56×56, batch 16",
                work: .bytes(4 * 3 * numbers, operations: numbers)
            ) { try prepare(product, shape, $0) },
            BenchmarkCase(
                name: "elementwise.gate", sizes: "64×56×56 · 64×1×1, batch 16",
                work: .bytes(4 * (2 * numbers + gates), operations: numbers)
            ) { try prepare(product, gateShape, $0) },
            BenchmarkCase(
                name: "elementwise.mean", sizes: "64×56×56 → 64×1×1, batch 16",
                work: .bytes(4 * (numbers + gates), operations: numbers)
            ) { try prepare(mean, gateShape, $0) },
        ] + passes
    }

    private static func count(_ shape: [Int]) -> Double { Double(shape.reduce(1, *)) }

    private typealias Operation = @Sendable (any Kernels, Tensor, Tensor) throws -> Tensor

    /// Rounded once, as the reference's product is.
    private static let product: Operation = { try $0.elementwise(.multiply, $1, $2) }
    /// Added up in `Double` and rounded once.
    private static let mean: Operation = { kernels, x, _ in
        try kernels.reduced(x, .mean, axes: [2, 3], keepsAxes: true)
    }

    private static func prepare(
        _ operation: @escaping Operation, _ otherShape: [Int], _ run: Run
    ) throws -> PreparedCase {
        let x = try Inputs.tensor(shape, seed: 1)
        let other = try Inputs.tensor(otherShape, seed: 2)
        let images = Inputs.spread(run.referenceBudget * shape[0] / x.count, of: shape[0])
        let (part, otherPart) = (try x.samples(at: images), try other.samples(at: images))
        return PreparedCase(
            native: { _ = try operation(run.kernels, x, other) },
            reference: {
                let expected = try operation(run.reference, part, otherPart)
                return {
                    let result = try operation(run.kernels, x, other)
                    var check = Check()
                    // A sum of so many numbers up to 1 in Double, in another order, may round to
                    // the neighbour.
                    let rounding = Double(part.count) * 0x1p-52
                    check.compare(
                        try result.samples(at: images).doubles, expected.doubles,
                        bounds: expected.doubles.map {
                            result.count == x.count ? 0 : abs($0) * gamma(2) + rounding
                        })
                    return check
                }
            },
            referenceShare: Double(images.count) / Double(shape[0]))
    }
}
