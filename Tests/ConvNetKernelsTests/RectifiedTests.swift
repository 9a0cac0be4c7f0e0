// SPDX-License-Identifier: MIT
//
// ReLU in the last write of a convolution or a product: the same bits as ReLU afterwards, NaN and
// the sign of zero included, on each instruction set and by each way.

import ConvNetKernels
import ConvNetTestSupport
import Testing

@Suite struct RectifiedTests {
    private static func convolution(
        _ kernels: NativeKernels, _ kept: KeptConvolution, _ x: Tensor, _ weights: Tensor,
        _ bias: Tensor?, rectified: Bool
    ) throws -> Tensor {
        try kernels.convolution(
            x, weights: weights, prepacked: nil, bias: bias, window: kept.window,
            groups: kept.groups, rectified: rectified)
    }

    /// The same bits, but for the bits of a NaN.
    private static func areSame(_ left: Tensor, _ right: Tensor) -> Bool {
        left.shape == right.shape
            && zip(left.scalars, right.scalars).allSatisfy {
                $0.bitPattern == $1.bitPattern || ($0.isNaN && $1.isNaN)
            }
    }

    @Test(arguments: InstructionSet.supported, try KeptConvolution.all)
    func aConvolutionIsRectifiedAsItIsWritten(
        _ set: InstructionSet, _ kept: KeptConvolution
    ) throws {
        var draw = Draw(seed: 3)
        let weights = try draw.normal(kept.weightsShape)
        for isAwkward in [false, true] {
            let x =
                try isAwkward
                ? PoolingTests.awkward(kept.shape, &draw) : draw.normal(kept.shape)
            for bias in [nil, try draw.normal([kept.filters])] {
                let kernels = try native(set)
                let plain = try Self.convolution(kernels, kept, x, weights, bias, rectified: false)
                let expected = try kernels.relu(plain)
                for threads in 1...2 {
                    let y = try Self.convolution(
                        native(set, threads: threads), kept, x, weights, bias, rectified: true)
                    #expect(
                        Self.areSame(y, expected),
                        "\(set), \(kept.name), awkward \(isAwkward), \(threads) threads")
                }
            }
        }
    }

    @Test(arguments: InstructionSet.supported, 0..<2 * drawnCases)
    func aDrawnConvolutionIsRectifiedAsItIsWritten(_ set: InstructionSet, _ seed: Int) throws {
        let drawn = try DrawnPooledConvolution(seed: seed, awkward: seed % 4 == 0)
        let kernels = try native(set, threads: 1 + seed % 3)
        func convolution(rectified: Bool) throws -> Tensor {
            try kernels.convolution(
                drawn.x, weights: drawn.weights, prepacked: nil, bias: drawn.bias,
                window: drawn.window, groups: drawn.groups, rectified: rectified)
        }
        let expected = try kernels.relu(convolution(rectified: false))
        #expect(
            Self.areSame(try convolution(rectified: true), expected), "seed \(seed), \(drawn)")
    }

    /// Whole numbers are exact.
    @Test(arguments: InstructionSet.supported, 0..<drawnCases)
    func aRectifiedConvolutionAgreesWithReference(_ set: InstructionSet, _ seed: Int) throws {
        let drawn = try DrawnPooledConvolution(seed: 4 * seed, awkward: true)
        func rectified(_ kernels: any Kernels) throws -> Tensor {
            try kernels.convolution(
                drawn.x, weights: drawn.weights, prepacked: nil, bias: drawn.bias,
                window: drawn.window, groups: drawn.groups, rectified: true)
        }
        #expect(
            PoolingTests.areEqualOrBothNaN(try rectified(native(set)), try rectified(reference)),
            "seed \(4 * seed), \(drawn)")
    }

    /// What underflows from below is -0, and ReLU makes it 0 like everything else that is not
    /// positive.
    @Test(arguments: InstructionSet.supported)
    func zeroHasNoSignAfterReLU(_ set: InstructionSet) throws {
        let kernels = try native(set)
        let (small, negative) = (1e-30, -1e-30)
        for (m, n) in [(1, 5), (1, 300), (3, 5), (3, 40), (150, 210)] {
            let x = try Tensor(shape: [m, 7], repeating: small)
            let weights = try Tensor(shape: [7, n], repeating: negative)
            let bias = try Tensor(shape: [n], repeating: -0.0)
            let plain = try kernels.affine(x, weights: weights, bias: bias, rectified: false)
            if set != .portable {
                // One rounding of product and sum: otherwise the sum of 0 and -0 is 0.
                #expect(plain.scalars.allSatisfy { $0 == 0 && $0.sign == .minus })
            }
            let y = try kernels.affine(x, weights: weights, bias: bias, rectified: true)
            #expect(
                y.scalars.allSatisfy { $0 == 0 && $0.sign == .plus }, "\(set), \(m)×7 · 7×\(n)")
        }
        for kept in try KeptConvolution.all {
            let y = try Self.convolution(
                kernels, kept, Tensor(shape: kept.shape, repeating: small),
                Tensor(shape: kept.weightsShape, repeating: negative),
                Tensor(shape: [kept.filters], repeating: -0.0), rectified: true)
            #expect(
                y.scalars.allSatisfy { $0 == 0 && $0.sign == .plus }, "\(set), \(kept.name)")
        }
    }
}
