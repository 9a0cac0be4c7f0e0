// SPDX-License-Identifier: MIT
//
// How a camera was held, from a JPEG file's EXIF segment: one number of its first directory (Exif
// 2.3, sections 4.5 and 4.6). Everything is looked up inside the segment or not at all: a segment
// that can't be understood turns nothing.

import ConvNetTensor

/// What stands before a JPEG file's image.
struct JPEGSegments {
    /// The TIFF file inside the first EXIF segment.
    private(set) var exif: ArraySlice<UInt8>?
    /// Whether the file ends before the image begins.
    private(set) var areCutShort = true

    init(of bytes: [UInt8]) {
        var place = 2
        while place + 4 <= bytes.count, bytes[place] == 0xFF {
            let marker = bytes[place + 1]
            // Bytes that fill up a place before a marker.
            if marker == 0xFF {
                place += 1
                continue
            }
            let length = Int(bytes[place + 2]) << 8 | Int(bytes[place + 3])
            guard length >= 2, place + 2 + length <= bytes.count else {
                areCutShort = length >= 2
                return
            }
            // Where the image begins.
            if marker == 0xDA {
                areCutShort = false
                return
            }
            let contents = bytes[place + 4..<place + 2 + length]
            if exif == nil, marker == 0xE1, contents.starts(with: Array("Exif\0\0".utf8)) {
                exif = contents.dropFirst(6)
            }
            place += 2 + length
        }
        areCutShort = place + 4 > bytes.count
    }
}

/// How an image has to be turned to stand upright.
enum EXIFOrientation: Int, CaseIterable {
    case upright = 1
    case mirrored, turnedAround, upsideDownMirrored
    case transposed, turnedLeft, transverse, turnedRight

    /// Whether width and height change places.
    var swapsSides: Bool { rawValue >= 5 }

    /// What a JPEG file says; upright where it says nothing.
    init(_ segments: JPEGSegments) {
        self = segments.exif.flatMap { Self.read($0) } ?? .upright
    }

    /// The orientation of a TIFF file; nil where there is none.
    private static func read(_ bytes: ArraySlice<UInt8>) -> EXIFOrientation? {
        let isLittle = bytes.starts(with: Array("II".utf8))
        guard isLittle || bytes.starts(with: Array("MM".utf8)) else { return nil }
        func number(at place: Int, bytes count: Int) -> Int? {
            guard place >= 0, place + count <= bytes.count else { return nil }
            let start = bytes.startIndex + place
            let digits = bytes[start..<start + count]
            return (isLittle ? Array(digits.reversed()) : Array(digits))
                .reduce(0) { $0 << 8 | Int($1) }
        }
        guard number(at: 2, bytes: 2) == 42, let directory = number(at: 4, bytes: 4),
            let count = number(at: directory, bytes: 2)
        else { return nil }
        // An entry has 12 bytes: a tag, a type, how many, and the value. A segment has room for
        // 5,461.
        for entry in 0..<count {
            let place = directory + 2 + 12 * entry
            guard let tag = number(at: place, bytes: 2) else { return nil }
            if tag == 0x0112 {
                let isShort =
                    number(at: place + 2, bytes: 2) == 3 && number(at: place + 4, bytes: 4) == 1
                return isShort
                    ? number(at: place + 8, bytes: 2).flatMap { Self(rawValue: $0) } : nil
            }
        }
        return nil
    }
}

extension Image {
    /// The image turned upright.
    func oriented(_ orientation: EXIFOrientation) -> Image {
        if orientation == .upright { return self }
        let (wide, high) = orientation.swapsSides ? (height, width) : (width, height)
        let (right, bottom) = (width - 1, height - 1)
        var turned = [UInt8](repeating: 0, count: bytes.count)
        turned.withUnsafeMutableBufferPointer { result in
            bytes.withUnsafeBufferPointer { source in
                for y in 0..<high {
                    for x in 0..<wide {
                        // Where the pixel is before turning.
                        let (column, row): (Int, Int)
                        switch orientation {
                        case .upright: (column, row) = (x, y)
                        case .mirrored: (column, row) = (right - x, y)
                        case .turnedAround: (column, row) = (right - x, bottom - y)
                        case .upsideDownMirrored: (column, row) = (x, bottom - y)
                        case .transposed: (column, row) = (y, x)
                        case .turnedLeft: (column, row) = (y, bottom - x)
                        case .transverse: (column, row) = (right - y, bottom - x)
                        case .turnedRight: (column, row) = (right - y, x)
                        }
                        let (from, to) = (
                            (row * width + column) * channels, (y * wide + x) * channels
                        )
                        for channel in 0..<channels {
                            result[to + channel] = source[from + channel]
                        }
                    }
                }
            }
        }
        return Image(checkedWidth: wide, high, channels, turned)
    }
}
