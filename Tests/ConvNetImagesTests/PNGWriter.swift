// SPDX-License-Identifier: MIT
//
// Writes PNG files of every kind for the tests, from the specification (ISO/IEC 15948) with zlib,
// so that what the reader makes of them is judged by something that is not libpng.

import CZlib

/// A PNG file under construction.
struct PNGWriter {
    var width, height: Int
    var bitDepth: Int
    /// 0 gray, 2 colour, 3 palette, 4 gray and alpha, 6 colour and alpha.
    var colorType: Int
    var isInterlaced = false
    /// Red, green and blue of each entry.
    var palette: [[UInt8]] = []
    /// The contents of the chunk tRNS.
    var transparency: [UInt8] = []
    /// The sample of a channel at a place, from 0 to 2^bitDepth − 1.
    var sample: (_ x: Int, _ y: Int, _ channel: Int) -> Int

    private var channels: Int { [0: 1, 2: 3, 3: 1, 4: 2, 6: 4][colorType] ?? 1 }

    /// The whole file.
    var bytes: [UInt8] {
        var file: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
        file += Self.chunk("IHDR", Self.header(width, height, bitDepth, colorType, isInterlaced))
        if !palette.isEmpty { file += Self.chunk("PLTE", palette.flatMap { $0 }) }
        if !transparency.isEmpty { file += Self.chunk("tRNS", transparency) }
        file += Self.chunk("IDAT", Self.deflated(rows))
        return file + Self.chunk("IEND", [])
    }

    static func header(
        _ width: Int, _ height: Int, _ bitDepth: Int, _ colorType: Int, _ isInterlaced: Bool = false
    ) -> [UInt8] {
        bigEndian(width) + bigEndian(height)
            + [UInt8(bitDepth), UInt8(colorType), 0, 0, isInterlaced ? 1 : 0]
    }

    /// A chunk with its length and checksum.
    static func chunk(_ name: String, _ contents: [UInt8]) -> [UInt8] {
        let body = Array(name.utf8) + contents
        let sum = crc32(0, body, UInt32(body.count))
        return bigEndian(contents.count) + body + bigEndian(Int(sum))
    }

    /// Every row with its filter, which is none; all seven passes where it is interlaced.
    private var rows: [UInt8] {
        guard isInterlaced else {
            return (0..<height).flatMap { y in row((0..<width).map { ($0, y) }) }
        }
        // Where each pass of Adam7 begins, and its steps.
        let passes = [
            (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
            (0, 1, 1, 2),
        ]
        return passes.flatMap { x, y, across, down -> [UInt8] in
            let columns = Array(stride(from: x, to: width, by: across))
            guard !columns.isEmpty else { return [] }
            return stride(from: y, to: height, by: down).flatMap { y in
                row(columns.map { ($0, y) })
            }
        }
    }

    private func row(_ places: [(Int, Int)]) -> [UInt8] {
        let samples = places.flatMap { x, y in (0..<channels).map { sample(x, y, $0) } }
        if bitDepth == 16 { return [0] + samples.flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] } }
        let perByte = 8 / bitDepth
        return [0]
            + stride(from: 0, to: samples.count, by: perByte).map { start in
                // The first sample is in the highest bits.
                (0..<perByte).reduce(UInt8(0)) { byte, index in
                    let sample = start + index < samples.count ? samples[start + index] : 0
                    return byte | UInt8(sample << (8 - bitDepth * (index + 1)))
                }
            }
    }

    static func deflated(_ bytes: [UInt8]) -> [UInt8] {
        var count = compressBound(UInt(bytes.count))
        var result = [UInt8](repeating: 0, count: Int(count))
        _ = compress(&result, &count, bytes, UInt(bytes.count))
        return Array(result.prefix(Int(count)))
    }

    private static func bigEndian(_ number: Int) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(number >> $0 & 255) }
    }
}
