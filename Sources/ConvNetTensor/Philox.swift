// SPDX-License-Identifier: MIT
//
// Random numbers that are a function of a key and a counter, so that a number can be had again, in
// any order and on any thread. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011.

import Dispatch

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
        let block = Self.block(counter, stream: stream, key: key)
        return UInt64(block.x) | UInt64(block.y) << 32
    }

    /// A number from 0 up to, but not including, 1, with 53 random bits.
    public mutating func nextUniform() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// A number from the standard normal distribution (Box and Muller, 1958).
    public mutating func nextNormal() -> Double {
        let radius = (-2 * logarithm(1 - nextUniform())).squareRoot()
        return radius * cosine(2 * .pi * nextUniform())
    }

    /// The next blocks of 128 random bits, as many as asked for.
    ///
    /// - Returns: the function that gives the block at a place, from 0.
    fileprivate mutating func nextBlocks(_ count: Int) -> @Sendable (Int) -> SIMD4<UInt32> {
        let (first, key, stream) = (counter, key, stream)
        counter &+= UInt64(count)
        return { Self.block(first &+ UInt64($0), stream: stream, key: key) }
    }

    private static func block(
        _ counter: UInt64, stream: UInt64, key: SIMD2<UInt32>
    ) -> SIMD4<UInt32> {
        block(
            counter: SIMD4(
                UInt32(truncatingIfNeeded: counter), UInt32(truncatingIfNeeded: counter >> 32),
                UInt32(truncatingIfNeeded: stream), UInt32(truncatingIfNeeded: stream >> 32)),
            key: key)
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
    /// Numbers from a normal distribution around 0, none further from it than 6.7 deviations: four
    /// for each block of 128 random bits (Box and Muller, 1958). All processors share the work; the
    /// numbers do not depend on how many there are.
    ///
    /// - Parameters:
    ///   - shape: the tensor's shape.
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
        try self.init(zeros: shape)
        guard standardDeviation > 0 else { return }
        let block = generator.nextBlocks((count + 3) / 4)
        withUnsafeMutableScalars(of: Float.self) { scalars in
            // Each part of the numbers is written by one thread.
            let (partSize, parts) = (1 << 16, Parts(numbers: scalars))
            DispatchQueue.concurrentPerform(iterations: (scalars.count - 1) / partSize + 1) {
                let begin = $0 * partSize
                for index in stride(
                    from: begin, to: min(begin + partSize, parts.numbers.count), by: 4)
                {
                    let normals = Self.normals(block(index / 4)) * standardDeviation
                    for lane in 0..<min(4, parts.numbers.count - index) {
                        parts.numbers[index + lane] = Float(normals[lane])
                    }
                }
            }
        }
    }

    /// Numbers that several threads write, each its own part of them.
    private struct Parts: @unchecked Sendable {
        let numbers: UnsafeMutableBufferPointer<Float>
    }

    /// Four numbers from the standard normal distribution.
    private static func normals(_ bits: SIMD4<UInt32>) -> SIMD4<Double> {
        func pair(_ size: UInt32, _ angle: UInt32) -> (Double, Double) {
            // From 2⁻³² to 1, so that the logarithm is finite.
            let radius = (-2 * logarithm((Double(size) + 1) * 0x1p-32)).squareRoot()
            let radians = 2 * .pi * 0x1p-32 * Double(angle)
            return (radius * cosine(radians), radius * sine(radians))
        }
        let (first, second) = (pair(bits.x, bits.y), pair(bits.z, bits.w))
        return SIMD4(first.0, first.1, second.0, second.1)
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
