// SPDX-License-Identifier: MIT
//
// Pooling against the reference: max pooling and its argmax to the bit, NaN, infinities and ties
// included.

import ConvNetKernels
import ConvNetReference
import ConvNetTestSupport
import Testing

@Suite struct PoolingTests {
    /// Numbers with many ties, and now and then NaN and infinities.
    static func awkward(_ shape: [Int], _ draw: inout Draw) throws -> Tensor {
        let special: [Float] = [.nan, .infinity, -.infinity, -.infinity, 0]
        let count = shape.reduce(1, *)
        return try Tensor(
            shape: shape,
            scalars: (0..<count).map { _ in
                draw.oneIn(8) ? draw.pick(special) : Float(draw.int(-2...2))
            })
    }

    @Test(arguments: InstructionSet.supported, 0..<2 * drawnCases)
    func maxPoolingIsExact(_ set: InstructionSet, _ seed: Int) throws {
        var draw = Draw(seed: seed)
        let (shape, window) = try draw.windowedShape(
            samples: 1...3, channels: draw.int(1...4), pooling: true)
        let x = draw.oneIn(2) ? try Self.awkward(shape, &draw) : try draw.normal(shape)
        let kernels = try native(set)
        let result = try kernels.maxPoolingWithArgmax(x, window: window)
        let expected = try reference.maxPoolingWithArgmax(x, window: window)
        #expect(result.argmax == expected.argmax, "seed \(seed), \(shape), \(window)")
        #expect(
            Self.areEqualOrBothNaN(result.output, expected.output),
            "seed \(seed), \(shape), \(window)")
        #expect(
            try kernels.maxPooling(x, window: window).hasSameBits(as: result.output),
            "seed \(seed)")
        #expect(
            try reference.maxPooling(x, window: window).hasSameBits(as: expected.output),
            "seed \(seed)")

        let dy = try draw.integers(result.output.shape)
        #expect(
            try kernels.maxPoolingGradient(dy, argmax: result.argmax, inputShape: shape)
                == reference.maxPoolingGradient(dy, argmax: expected.argmax, inputShape: shape),
            "seed \(seed), \(shape), \(window)")
    }

    static func areEqualOrBothNaN(_ left: Tensor, _ right: Tensor) -> Bool {
        left.shape == right.shape
            && zip(left.scalars, right.scalars).allSatisfy { $0 == $1 || ($0.isNaN && $1.isNaN) }
    }

    /// A window of 2³¹ taps per side sees nine pixels, 1 to 9: the mean is 5, or the sum by all
    /// taps that count. Going through all rows of taps would take half an hour.
    @Test func hugeWindowsTakeNoTime() throws {
        let side = Int(Int32.max)
        let channels = 1000
        let window = try Window(side, stride: side, padding: side / 2)
        let shape = [1, channels, 3, 3]
        let x = try Tensor(
            shape: shape, scalars: (0..<9 * channels).map { Float(1 + $0 % 9) })
        func all(_ value: Float, of count: Int = channels) -> [Float] {
            [Float](repeating: value, count: count)
        }
        for kernels in [NativeKernels(), ReferenceKernels()] as [any Kernels] {
            #expect(try kernels.maxPooling(x, window: window).scalars == all(9))
            let mean = try kernels.averagePooling(x, window: window, countIncludePad: false)
            #expect(mean.scalars == all(5))
            let gradient = try kernels.averagePoolingGradient(
                Tensor(shape: [1, channels, 1, 1], repeating: 9), inputShape: shape, window: window,
                countIncludePad: false)
            #expect(gradient.scalars == all(1, of: 9 * channels))
            let share = try kernels.averagePooling(x, window: window, countIncludePad: true)
            #expect(share.scalars == all(Float(45 / (Double(side) * Double(side)))))
        }
    }

    /// Going through what a stride of 2³¹ passes over would take minutes.
    @Test(arguments: InstructionSet.supported)
    func hugeStridesTakeNoTime(_ set: InstructionSet) throws {
        let channels = 1000
        let window = try Window(2, stride: Int(Int32.max))
        let x = try Tensor(
            shape: [1, channels, 3, 3], scalars: (0..<9 * channels).map { Float(1 + $0 % 9) })
        let pooled = try native(set).maxPoolingWithArgmax(x, window: window)
        #expect(pooled.output.scalars == [Float](repeating: 5, count: channels))
        #expect(pooled.argmax.indices == [Int32](repeating: 4, count: channels))
        let mean = try native(set).averagePooling(x, window: window, countIncludePad: false)
        #expect(mean.scalars == [Float](repeating: 3, count: channels))
    }

    @Test(arguments: InstructionSet.supported, 0..<drawnCases)
    func averagePoolingAgreesWithReference(_ set: InstructionSet, _ seed: Int) throws {
        var draw = Draw(seed: seed)
        let (shape, window) = try draw.windowedShape(
            samples: 1...3, channels: draw.int(1...4), pooling: true)
        let countIncludePad = draw.oneIn(2)
        let x = try draw.normal(shape)
        let taps = window.size.height * window.size.width
        func pooled(_ kernels: any Kernels, _ x: Tensor) throws -> Tensor {
            try kernels.averagePooling(x, window: window, countIncludePad: countIncludePad)
        }
        // Sums of at most `taps` numbers, a division, and the reference's own rounding.
        let forward = Comparison(
            try pooled(native(set), x), try pooled(reference, x),
            bounds: try pooled(reference, x.magnitudes()).doubles.map { $0 * gamma(taps + 2) })
        #expect(forward.isWithinBounds, "seed \(seed), \(shape), \(window): \(forward)")

        let dy = try draw.normal(pooled(reference, x).shape)
        func spread(_ kernels: any Kernels, _ dy: Tensor) throws -> Tensor {
            try kernels.averagePoolingGradient(
                dy, inputShape: shape, window: window, countIncludePad: countIncludePad)
        }
        let backward = Comparison(
            try spread(native(set), dy), try spread(reference, dy),
            bounds: try spread(reference, dy.magnitudes()).doubles.map { $0 * gamma(taps + 2) })
        #expect(backward.isWithinBounds, "seed \(seed), \(shape), \(window): \(backward)")
    }
}
