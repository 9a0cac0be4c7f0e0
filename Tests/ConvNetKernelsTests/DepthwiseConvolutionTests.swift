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
    /// outputs that see only padding; filters that are 1, 2 and 5 a channel.
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
                drawn.x, weights: drawn.weights, prepared: nil, bias: drawn.bias,
                window: drawn.window, groups: drawn.groups, rectified: rectified)
        }
        let expected = try kernels.relu(run(false))
        #expect(try run(true).hasSameBits(as: expected), "seed \(seed), \(set)")
    }
}
