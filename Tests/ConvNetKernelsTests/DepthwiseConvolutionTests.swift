// SPDX-License-Identifier: MIT
//
// Convolutions of each channel by itself, whose planes are taken as one row of pixels, against the
// reference.

import ConvNetKernels
import ConvNetTestSupport
import Testing

@Suite struct DepthwiseConvolutionTests {
    /// Planes of one vector, of whole ones and of a rest; rows shorter and longer than a vector;
    /// windows as large as the image and larger than its padding; edges of every kind, also rows of
    /// outputs that see only padding; 1, 2 and 5 filters per channel.
    static func drawn(_ seed: Int) throws -> DrawnConvolution {
        var draw = Draw(seed: seed)
        let height = draw.int(1...20),
            width = draw.pick([1, 2, 3, 5, 7, 8, 14, 15, 16, 17, 31, 40])
        let dilation = PerAxis(height: draw.int(1...2), width: draw.int(1...2))
        let size = PerAxis(height: draw.int(1...5), width: draw.int(1...7))
        // The output keeps the width; where its columns of padding lie is drawn.
        let reach = (size.width - 1) * dilation.width
        let left = draw.int(0...reach)
        let window = try Window(
            size: size, stride: PerAxis(1),
            padding: Padding(
                top: draw.int(0...6), bottom: (size.height - 1) * dilation.height, left: left,
                right: reach - left), dilation: dilation, ceilMode: false)
        let channels = draw.int(1...9)
        return try DrawnConvolution(
            shape: [draw.int(1...3), channels, height, width],
            filters: channels * draw.pick([1, 1, 2, 5]), window: window, groups: channels,
            from: &draw)
    }

    /// Strides of 1 to 3, often the same along both axes; filters of 3×3 and 5×5, which have
    /// kernels of their own, and others, dilated too; rows shorter and longer than a vector and
    /// planes of several bands; padding on some sides, beyond the window's reach; 1 to 5
    /// filters per channel.
    static func drawnAtStrides(_ seed: Int) throws -> DrawnConvolution {
        var draw = Draw(seed: seed)
        let size = draw.pick([3, 3, 5, 5, 1, 2, 4, 6])
        let stride = draw.pick([2, 2, 2, 1, 3])
        let dilation = draw.oneIn(6) ? 2 : 1
        let reach = (size - 1) * dilation
        let height = draw.int(reach + 1...reach + 40), width = draw.int(reach + 1...reach + 90)
        let window = try Window(
            size: PerAxis(height: draw.oneIn(6) ? draw.int(1...size) : size, width: size),
            stride: PerAxis(height: draw.oneIn(6) ? draw.int(1...3) : stride, width: stride),
            padding: Padding(
                top: draw.pick([size / 2, 0, draw.int(0...6)]), bottom: draw.int(0...size),
                left: draw.pick([size / 2, 0, draw.int(0...6)]), right: draw.int(0...size)),
            dilation: PerAxis(dilation), ceilMode: false)
        let channels = draw.int(1...9)
        return try DrawnConvolution(
            shape: [draw.int(1...3), channels, height, width],
            filters: channels * draw.pick([1, 1, 1, 2, 3, 4, 5]), window: window, groups: channels,
            from: &draw)
    }

    @Test(arguments: InstructionSet.supported, 0..<drawnCases)
    func isExactOnIntegersAtStrides(_ set: InstructionSet, _ seed: Int) throws {
        let drawn = try Self.drawnAtStrides(seed)
        let results = try zip(drawn.run(native(set)), drawn.run(reference))
        for (name, (result, expected)) in zip(ConvolutionTests.names, results) {
            #expect(
                result == expected,
                "seed \(seed), \(set), \(name) of \(drawn.x.shape) * \(drawn.weights.shape), \(drawn.window)"
            )
        }
    }

    /// What is infinite beside a row of outputs is not seen by the taps that do not see it.
    @Test(arguments: InstructionSet.supported, [1, 2])
    func whatIsInfiniteStaysWhereItIs(_ set: InstructionSet, _ stride: Int) throws {
        var draw = Draw(seed: 3)
        for size in [3, 4, 5] {
            let window = try Window(size, stride: stride, padding: 1)
            for width in [7, 14, 19, 40] {
                var x = try draw.integers([1, 2, 9, width]).scalars
                x[4 * width] = .infinity
                x[5 * width - 1] = .nan
                let input = try Tensor(shape: [1, 2, 9, width], scalars: x)
                let weights = try Tensor(
                    shape: [2, 1, size, size],
                    scalars: (0..<2 * size * size).map { _ in Float(draw.int(1...2)) })
                let run = { (kernels: any Kernels) in
                    try kernels.convolution(
                        input, weights: weights, bias: nil, window: window, groups: 2)
                }
                let expected = try run(reference)
                let ones = try Tensor(
                    shape: expected.shape,
                    scalars: [Float](repeating: 1, count: expected.count))
                let gradient = { (kernels: any Kernels) in
                    try kernels.convolutionWeightGradient(
                        ones, input: input, window: window, groups: 2)
                }
                for (found, right) in try [
                    (run(native(set)), expected), (gradient(native(set)), gradient(reference)),
                ] {
                    let same = zip(found.scalars, right.scalars).allSatisfy {
                        $0 == $1 || $0.isNaN && $1.isNaN
                    }
                    #expect(same, "\(set), \(size), stride \(stride), rows of \(width)")
                }
            }
        }
    }

    @Test(arguments: InstructionSet.supported, 0..<drawnCases)
    func isExactOnIntegers(_ set: InstructionSet, _ seed: Int) throws {
        let drawn = try Self.drawn(seed)
        let results = try zip(drawn.run(native(set)), drawn.run(reference))
        for (name, (result, expected)) in zip(ConvolutionTests.names, results) {
            #expect(
                result == expected,
                "seed \(seed), \(set), \(name) of \(drawn.x.shape) * \(drawn.weights.shape), \(drawn.window)"
            )
        }
    }

    @Test(arguments: InstructionSet.supported, 0..<drawnCases)
    func isRectifiedAsItIsWritten(_ set: InstructionSet, _ seed: Int) throws {
        let drawn = try Self.drawn(seed)
        let kernels = try native(set)
        let run = { (rectified: Bool) in
            try kernels.convolution(
                drawn.x, weights: drawn.weights, prepacked: nil, bias: drawn.bias,
                window: drawn.window, groups: drawn.groups, rectified: rectified)
        }
        let expected = try kernels.relu(run(false))
        #expect(try run(true).hasSameBits(as: expected), "seed \(seed), \(set)")
    }
}
