// SPDX-License-Identifier: MIT
//
// Convolutions with filters of one tap, whose images are operands of a product as they lie, against
// the reference.

import ConvNetKernels
import ConvNetTestSupport
import Testing

@Suite struct PointwiseConvolutionTests {
    /// Images that end before, at and behind the end of a tile of any instruction set; few images
    /// and many; channels and filters beyond one block.
    static let shapes: [(samples: Int, channels: Int, height: Int, width: Int, filters: Int)] =
        [1, 7, 8, 9, 12, 31, 32, 33, 49, 97].map { (3, 18, 1, $0, 15) }
        + [
            (1, 600, 5, 7, 17), (2, 17, 6, 11, 600), (9, 33, 8, 8, 301), (8, 40, 32, 32, 3),
            (1, 1, 40, 40, 1), (17, 3, 3, 3, 29), (2, 70, 19, 23, 66),
        ]

    @Test(arguments: InstructionSet.supported, shapes)
    func isExactOnIntegers(
        _ set: InstructionSet,
        _ shape: (samples: Int, channels: Int, height: Int, width: Int, filters: Int)
    ) throws {
        var draw = Draw(seed: 5)
        for groups in [1, 3] {
            let inputShape = [shape.samples, groups * shape.channels, shape.height, shape.width]
            let filters = groups * shape.filters
            let x = try draw.integers(inputShape)
            let weights = try draw.integers([filters, shape.channels, 1, 1])
            let bias = try draw.integers([filters])
            let dy = try draw.integers([shape.samples, filters, shape.height, shape.width])
            let run = { (kernels: any Kernels) -> [Tensor] in
                [
                    try kernels.convolution(
                        x, weights: weights, bias: bias, window: Window(1), groups: groups),
                    try kernels.convolutionInputGradient(
                        dy, weights: weights, inputShape: inputShape, window: Window(1),
                        groups: groups),
                    try kernels.convolutionWeightGradient(
                        dy, input: x, window: Window(1), groups: groups),
                ]
            }
            let results = try zip(run(native(set)), run(reference))
            for (name, (result, expected)) in zip(ConvolutionTests.names, results) {
                #expect(
                    result == expected, "\(set), \(name) of \(shape), \(groups) groups")
            }
        }
    }
}
