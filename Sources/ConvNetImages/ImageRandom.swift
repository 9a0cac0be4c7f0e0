// SPDX-License-Identifier: MIT
//
// Which of a seed's random streams belong to what here, beside those of ConvNetData.

import ConvNetTensor

/// A range of 2³² streams of a seed, for one purpose.
enum ImageRandom: UInt64 {
    /// One stream for each epoch.
    case shuffle = 0x5348_494D
    /// One stream for each class.
    case split = 0x5350_4C54
    case sample = 0x5341_4D50
    /// One stream for each epoch, whose first number is the seed of its samples' own streams.
    case augmentation = 0x4155_494D

    /// The stream with a number, counted inside this range.
    func number(_ number: UInt64) -> UInt64 { rawValue << 32 ^ number }

    /// The numbers below a count in a random order (Fisher and Yates).
    static func order(of count: Int, seed: UInt64, _ stream: UInt64) -> [Int] {
        var order = Array(0..<count)
        var generator = Philox(seed: seed, stream: stream)
        for last in stride(from: count - 1, to: 0, by: -1) {
            let place = generator.next().multipliedFullWidth(by: UInt64(last) + 1).high
            order.swapAt(last, Int(place))
        }
        return order
    }
}
