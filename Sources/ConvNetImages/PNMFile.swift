// SPDX-License-Identifier: MIT
//
// Netpbm's portable anymaps in bytes: P5 for gray, P6 for colours. A header of words, then samples
// of one byte, or of two where the largest is above 255. The form that other programs write to
// pipes.

import ConvNetTensor

/// Decodes PPM and PGM files.
struct PNMFile {
    private let bytes: [UInt8]
    private let file: String
    private var place = 2

    /// The image of a file that begins with `P5` or `P6`.
    ///
    /// - Throws: ``FileError`` when its header is none, its samples are too few, too many or too
    ///   large, or the image has too many pixels.
    static func image(of bytes: [UInt8], file: String) throws(FileError) -> Image {
        var reader = PNMFile(bytes: bytes, file: file)
        return try reader.image()
    }

    private mutating func image() throws(FileError) -> Image {
        let channels = bytes[1] == UInt8(ascii: "6") ? 3 : 1
        let (width, height) = try (number("width"), number("height"))
        guard Image.isPossible(width, height) else {
            throw FileError(
                file: file, problem: "\(width) x \(height) pixels", expected: Image.possibleSizes)
        }
        let largest = try number("largest sample")
        guard (1...65_535).contains(largest) else {
            throw FileError(
                file: file, problem: "a largest sample of \(largest)", expected: "1 to 65535")
        }
        // One character of white space ends the header.
        let start = place + 1
        let (count, size) = (width * height * channels, largest > 255 ? 2 : 1)
        guard bytes.count - start == count * size else {
            throw FileError(
                file: file, problem: "\(max(bytes.count - start, 0)) bytes of samples",
                expected: "\(count * size) for \(width) x \(height) pixels")
        }
        return try Image(
            checkedWidth: width, height, channels, samples(from: start, count, size, largest))
    }

    /// The samples, brought to 255.
    private func samples(
        from start: Int, _ count: Int, _ size: Int, _ largest: Int
    ) throws(FileError) -> [UInt8] {
        var isTooLarge = false
        let samples = [UInt8](unsafeUninitializedCapacity: count) { samples, filled in
            for index in 0..<count {
                let place = start + index * size
                let sample =
                    size == 1 ? Int(bytes[place]) : Int(bytes[place]) << 8 | Int(bytes[place + 1])
                if sample > largest { isTooLarge = true }
                samples[index] = UInt8((min(sample, largest) * 255 + largest / 2) / largest)
            }
            filled = count
        }
        guard !isTooLarge else {
            throw FileError(
                file: file, problem: "a sample above the largest",
                expected: "samples up to \(largest), as the header says")
        }
        return samples
    }

    /// The next number of the header, after white space and comments.
    private mutating func number(_ name: String) throws(FileError) -> Int {
        let isSpace: (UInt8) -> Bool = { $0 == 32 || (9...13).contains($0) }
        while place < bytes.count, isSpace(bytes[place]) || bytes[place] == UInt8(ascii: "#") {
            if bytes[place] == UInt8(ascii: "#") {
                while place < bytes.count, bytes[place] != 10 { place += 1 }
            } else {
                place += 1
            }
        }
        var (value, digits) = (0, 0)
        while place < bytes.count, (48...57).contains(bytes[place]), digits < 10 {
            value = value * 10 + Int(bytes[place] - 48)
            digits += 1
            place += 1
        }
        guard digits > 0, place < bytes.count, isSpace(bytes[place]) else {
            throw FileError(
                file: file, problem: "no \(name) at byte \(place)",
                expected: "a PPM or PGM header: P6 or P5, width, height, largest sample")
        }
        return value
    }
}
