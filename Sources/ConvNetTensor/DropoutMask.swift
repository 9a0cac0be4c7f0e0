// SPDX-License-Identifier: MIT
//
// Which elements a dropout keeps, as a function of seed, layer, step and element. The mask is no
// tensor: it is drawn where it is needed, on any thread and in any order, always the same.

/// The elements that a dropout keeps in one step of training.
///
/// Element e is kept where the 32-bit number that belongs to it is at least `rate · 2³²`. Elements
/// come in groups of 64: of group g, element `16·j + l` takes word j of the ``Philox`` block at
/// counter `16·g + l`. The generator's key and its stream are drawn from seed, layer and step.
public struct DropoutMask: Sendable, Hashable {
    /// The share of elements that is dropped, from 0 to below 1.
    public let rate: Double
    /// What everything random in a network is drawn from.
    public let seed: UInt64
    /// Distinguishes the dropouts of a network.
    public let layer: UInt64
    /// The step of training.
    public var step: Int

    /// The mask of a layer in a step.
    ///
    /// - Throws: ``TensorError`` when the rate is not from 0 to below 1.
    public init(rate: Double, seed: UInt64, layer: UInt64, step: Int = 0) throws(TensorError) {
        guard (0..<1).contains(rate) else {
            throw TensorError(
                operation: "Dropout", argument: "rate", value: "\(rate)",
                expected: "at least 0 and below 1")
        }
        self.rate = rate
        self.seed = seed
        self.layer = layer
        self.step = step
    }

    /// The key and the stream that the elements' numbers are drawn with.
    package var generator: (key: SIMD2<UInt32>, stream: SIMD2<UInt32>) {
        // Streams of this range are used for nothing else, so no mask is drawn from numbers that
        // became weights.
        let purpose: UInt64 = 0x4452_4F50 << 32 ^ layer
        let drawn = Philox.block(
            counter: SIMD4(
                lowHalf: Self.words(UInt64(bitPattern: Int64(step))),
                highHalf: Self.words(purpose)),
            key: Self.words(seed))
        return (drawn.lowHalf, drawn.highHalf)
    }

    /// The smallest number that is kept: `rate · 2³²`, rounded to the nearest.
    package var threshold: UInt32 {
        UInt32(min((rate * 0x1p32).rounded(), Double(UInt32.max)))
    }

    /// What kept elements are multiplied by, so that their mean stays: `1 / (1 − rate)`.
    package var scale: Double { 1 / (1 - rate) }

    /// Whether each of the first elements is kept, in order.
    package func keeps(_ count: Int) -> [Bool] {
        let (key, stream) = generator
        return (0..<count).map { element in
            let (group, place) = element.quotientAndRemainder(dividingBy: 64)
            let counter = Self.words(UInt64(16 * group + place % 16))
            let drawn = Philox.block(
                counter: SIMD4(lowHalf: counter, highHalf: stream), key: key)
            return drawn[place / 16] >= threshold
        }
    }

    private static func words(_ number: UInt64) -> SIMD2<UInt32> {
        SIMD2(UInt32(truncatingIfNeeded: number), UInt32(truncatingIfNeeded: number >> 32))
    }
}
