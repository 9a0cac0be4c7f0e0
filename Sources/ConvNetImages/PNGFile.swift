// SPDX-License-Identifier: MIT
//
// Reading PNG files of every depth with libpng. Files are not trusted: the size of the image that
// the header claims is checked before memory is allocated for it.

import ConvNetTensor

/// PNG files: gray or colour, with a palette or without, of 1 to 16 bits, interlaced or not. What
/// is transparent shows white paper.
enum PNGFile {
    /// The image of a file that is in memory.
    ///
    /// - Throws: ``FileError`` when it is no PNG file or a damaged one, or holds an image of too
    ///   many pixels.
    static func image(of bytes: [UInt8], file: String) throws(FileError) -> Image {
        try checkHeader(bytes, file)
        let chunks = try PNGChunks.makingPixels(of: bytes, file: file)
        try checkDepth(chunks, file)
        return try PNGDecoder.image(of: chunks, file: file)
    }

    /// Fails unless the bytes begin as a PNG file does, with an image of a size that is read.
    private static func checkHeader(_ bytes: [UInt8], _ file: String) throws(FileError) {
        // The signature, then the first chunk: its length, its name, width and height, 5 bytes
        // more.
        let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
        let chunk: [UInt8] = [0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52]
        guard bytes.starts(with: signature + chunk), bytes.count >= 33 else {
            throw FileError(
                file: file, problem: "no PNG header",
                expected: "a PNG file")
        }
        func number(at place: Int) -> Int {
            bytes[place..<place + 4].reduce(0) { $0 << 8 | Int($1) }
        }
        let (width, height) = (number(at: 16), number(at: 20))
        guard Image.isPossible(width, height) else {
            throw FileError(
                file: file, problem: "\(width) x \(height) pixels", expected: Image.possibleSizes)
        }
    }

    /// Fails unless samples are as wide as one of PNG's colour types allows.
    private static func checkDepth(_ bytes: [UInt8], _ file: String) throws(FileError) {
        let (bitDepth, colorType) = (bytes[24], bytes[25])
        let depths: [UInt8: [UInt8]] = [
            0: [1, 2, 4, 8, 16], 2: [8, 16], 3: [1, 2, 4, 8], 4: [8, 16], 6: [8, 16],
        ]
        guard let allowed = depths[colorType] else {
            throw FileError(
                file: file, problem: "colour type \(colorType)", expected: "0, 2, 3, 4 or 6")
        }
        guard allowed.contains(bitDepth) else {
            throw FileError(
                file: file, problem: "\(bitDepth) bits per sample of colour type \(colorType)",
                expected: "one of \(allowed.map(String.init).joined(separator: ", "))")
        }
    }
}
