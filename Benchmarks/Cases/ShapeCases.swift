// SPDX-License-Identifier: MIT
//
// Numbers in other places, and images of another size. The reference works on some images.

import ConvNet

enum ShapeCases {
    /// Those of the widest layer of a ResNet.
    private static let shape = [16, 64, 56, 56]

    static var all: [BenchmarkCase] {
        let numbers = Double(shape.reduce(1, *))
        return [
            BenchmarkCase(
                name: "copy.transpose", sizes: "64×56×56 → 56×56×64, batch 16",
                work: .bytes(4 * 2 * numbers)
            ) {
                try prepare($0, magnitude: 0) { try Transpose([0, 2, 3, 1]).predict($0, on: $1) }
            },
            BenchmarkCase(
                name: "copy.concatenation", sizes: "64×56×56, 64×56×56, batch 16",
                work: .bytes(4 * 4 * numbers)
            ) { try prepare($0, magnitude: 0) { try Concatenation().predict([$0, $0], on: $1) } },
            // Two taps along the columns of 56 rows, two along the rows of 112; back likewise.
            BenchmarkCase(
                name: "resize.bilinear", sizes: "64×56×56 → 112×112, batch 16",
                work: .bytes(4 * 10 * numbers, operations: 2 * 4 * (2 + 4) * numbers)
            ) { try prepare($0, magnitude: 4, twice) },
        ]
    }

    private typealias Operation = @Sendable (_ x: Tensor, _ kernels: any Kernels) throws -> Tensor

    /// Images of twice the size, and the gradient with that as the output's.
    private static let twice: Operation = { x, kernels in
        let layer = try Resize(scales: (2, 2), mode: .bilinear)
        let forward = try layer.forward(x, in: Pass(kernels: kernels))
        guard let gradient = try forward.pullback(forward.output).input else {
            throw TensorError(
                operation: "Benchmarks", argument: "gradient", value: "nil",
                expected: "a gradient of the images")
        }
        return gradient
    }

    /// - Parameter magnitude: of the terms that a result is summed of, from numbers up to 1.
    private static func prepare(
        _ run: Run, magnitude: Double, _ operation: @escaping Operation
    ) throws -> PreparedCase {
        let x = try Inputs.tensor(shape, seed: 1)
        let images = Inputs.spread(run.referenceBudget * shape[0] / x.count, of: shape[0])
        let part = try x.samples(at: images)
        return PreparedCase(
            native: { _ = try operation(x, run.kernels) },
            reference: {
                let expected = try operation(part, run.reference)
                return {
                    let result = try operation(x, run.kernels)
                    var check = Check()
                    // There two taps along each axis, back four; the reference rounds twice.
                    check.compare(
                        try result.samples(at: images).doubles, expected.doubles,
                        bounds: Array(repeating: magnitude * gamma(18), count: expected.count))
                    return check
                }
            },
            referenceShare: Double(images.count) / Double(shape[0]))
    }
}
