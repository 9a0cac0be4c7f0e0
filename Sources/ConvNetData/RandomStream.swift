// SPDX-License-Identifier: MIT
//
// Which of a seed's random streams belong to what, so that a program that uses one seed for
// everything does not draw the same numbers twice.

/// A range of 2³² streams of a seed, for one purpose.
enum RandomStream: UInt64 {
    /// One stream for each epoch.
    case shuffle = 0x5348_5546
    /// One stream for each synthetic digit.
    case digit = 0x4449_4754
    /// One stream for each epoch, whose first number is the seed of its samples' own streams.
    case augmentation = 0x4155_474D
    /// One stream for each synthetic pattern.
    case pattern = 0x5041_5454
    /// The first stream says which samples are held out.
    case split = 0x5350_4C54

    /// The stream with a number, counted inside this range.
    func number(_ number: UInt64) -> UInt64 { rawValue << 32 ^ number }
}
