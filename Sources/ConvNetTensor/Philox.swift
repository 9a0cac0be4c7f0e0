// SPDX-License-Identifier: MIT
//
// Random numbers that are a function of a key and a counter, so that a number can be had again, in
// any order and on any thread. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011.

/// The Philox 4×32-10 generator: a stream of random numbers for each key.
///
/// The same seed and stream give the same numbers on every machine, at any number of threads.
public struct Philox: RandomNumberGenerator, Sendable, Hashable {
    private let key: SIMD2<UInt32>
    private let stream: UInt64
    private var counter: UInt64 = 0

    /// The stream of numbers that belongs to a seed.
    ///
    /// - Parameters:
    ///   - seed: the key.
    ///   - stream: one of 2⁶⁴ independent streams of that key.
    public init(seed: UInt64, stream: UInt64 = 0) {
        key = SIMD2(UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
        self.stream = stream
    }

    /// The next 64 random bits.
    public mutating func next() -> UInt64 {
        defer { counter &+= 1 }
        let block = Self.block(
            counter: SIMD4(
                UInt32(truncatingIfNeeded: counter), UInt32(truncatingIfNeeded: counter >> 32),
                UInt32(truncatingIfNeeded: stream), UInt32(truncatingIfNeeded: stream >> 32)),
            key: key)
        return UInt64(block.x) | UInt64(block.y) << 32
    }

    /// A number from 0 up to, but not including, 1, with 53 random bits.
    public mutating func nextUniform() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// A number from the standard normal distribution (Box and Muller, 1958).
    public mutating func nextNormal() -> Double {
        let radius = (-2 * logarithm(1 - nextUniform())).squareRoot()
        return radius * cosine(2 * .pi * nextUniform())
    }

    /// The generator's block function: ten rounds over a 128-bit counter under a 64-bit key.
    package static func block(counter: SIMD4<UInt32>, key: SIMD2<UInt32>) -> SIMD4<UInt32> {
        var (state, key) = (counter, key)
        for _ in 0..<10 {
            let first = UInt64(state.x) * 0xD251_1F53
            let second = UInt64(state.z) * 0xCD9E_8D57
            state = SIMD4(
                UInt32(truncatingIfNeeded: second >> 32) ^ state.y ^ key.x,
                UInt32(truncatingIfNeeded: second),
                UInt32(truncatingIfNeeded: first >> 32) ^ state.w ^ key.y,
                UInt32(truncatingIfNeeded: first))
            key = SIMD2(key.x &+ 0x9E37_79B9, key.y &+ 0xBB67_AE85)
        }
        return state
    }
}

extension Tensor {
    /// Numbers from a normal distribution around 0.
    ///
    /// - Parameters:
    ///   - standardDeviation: its width, at least 0 and finite.
    ///   - generator: where the randomness comes from.
    /// - Throws: ``TensorError`` when the shape has an empty axis or the deviation is not a width.
    public init(
        normal shape: [Int], standardDeviation: Double, using generator: inout Philox
    ) throws(TensorError) {
        guard standardDeviation >= 0, standardDeviation.isFinite else {
            throw TensorError(
                operation: "Tensor", argument: "standardDeviation", value: "\(standardDeviation)",
                expected: "a finite number of at least 0")
        }
        try self.init(uninitialized: shape, operation: "Tensor")
        withUnsafeMutableScalars(of: Float.self) { scalars in
            for index in scalars.indices {
                scalars[index] = Float(generator.nextNormal() * standardDeviation)
            }
        }
    }

    /// Numbers spread evenly over a range.
    ///
    /// - Throws: ``TensorError`` when the shape has an empty axis or a bound is not finite.
    public init(
        uniform shape: [Int], in range: ClosedRange<Double>, using generator: inout Philox
    ) throws(TensorError) {
        guard range.lowerBound.isFinite, range.upperBound.isFinite else {
            throw TensorError(
                operation: "Tensor", argument: "range", value: "\(range)",
                expected: "finite bounds")
        }
        try self.init(uninitialized: shape, operation: "Tensor")
        let width = range.upperBound - range.lowerBound
        withUnsafeMutableScalars(of: Float.self) { scalars in
            for index in scalars.indices {
                scalars[index] = Float(range.lowerBound + width * generator.nextUniform())
            }
        }
    }
}
