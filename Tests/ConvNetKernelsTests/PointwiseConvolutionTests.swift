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
            (1, 1, 40, 40, 1), (17, 3, 3, 3, 29), (2, 70, 19, 23, 66), (1, 90, 1, 1, 70),
            (3, 8, 14, 16, 8), (2, 300, 14, 14, 33), (1, 20, 2, 3, 48),
        ]

    @Test(arguments: InstructionSet.supported, shapes)
    func isExactOnIntegers(
        _ set: InstructionSet,
        _ shape: (samples: Int, channels: Int, height: Int, width: Int, filters: Int)
    ) throws {
        var draw = Draw(seed: 5)
        for groups in [1, 3] {
            let drawn = try DrawnConvolution(
                shape: [shape.samples, groups * shape.channels, shape.height, shape.width],
                filters: groups * shape.filters, window: Window(1), groups: groups, from: &draw)
            let results = try zip(drawn.run(native(set)), drawn.run(reference))
            for (name, (result, expected)) in zip(ConvolutionTests.names, results) {
                #expect(
                    result == expected, "\(set), \(name) of \(shape), \(groups) groups")
            }
        }
    }

    /// Images whose last pixel is the only one of a vector, with taps of one block and of several,
    /// and filters of a few panels and of many.
    @Test(
        arguments: InstructionSet.supported,
        [(2, 3, 1, 10), (2, 1, 650, 90), (1, 3, 300, 40), (2, 3, 260, 110), (1, 1, 500, 7)])
    func aLastPixelIsMultipliedByItself(
        _ set: InstructionSet, _ shape: (stride: Int, size: Int, channels: Int, filters: Int)
    ) throws {
        var draw = Draw(seed: 6)
        let window = try Window(shape.size, stride: shape.stride, padding: shape.size / 2)
        for samples in [1, 2] {
            let drawn = try DrawnConvolution(
                shape: [samples, shape.channels, 7 * shape.stride, 7 * shape.stride],
                filters: shape.filters, window: window, groups: 1, from: &draw)
            let results = try zip(drawn.run(native(set)), drawn.run(reference))
            for (name, (result, expected)) in zip(ConvolutionTests.names, results) {
                #expect(result == expected, "\(set), \(name) of \(shape), \(samples) images")
            }
        }
    }
}
