// SPDX-License-Identifier: MIT
//
// A PNG file is a signature and chunks, each with its length. libpng takes memory for as much as a
// length says, and unfolds texts and colour profiles, before it looks for a chunk's end; so it is given
// only those chunks that pixels are made of, and those only where all of them lie inside the file.

/// The chunks of a PNG file that change its pixels.
enum PNGChunks {
    /// A length, a name and a checksum, four bytes each, stand around the contents of a chunk.
    private static let frame = 12
    /// The bytes before the first chunk.
    private static let signature = 8

    /// The file without its texts, profiles and the like, and without what follows its end.
    ///
    /// - Parameter bytes: a file that begins with the signature of PNG files.
    /// - Returns: nil where a chunk reaches beyond the file's end, or none says that it is the last.
    static func makingPixels(of bytes: [UInt8]) -> [UInt8]? {
        var kept: [Range<Int>] = [0..<signature]
        var place = signature
        while bytes.count - place >= frame {
            let length = bytes[place..<place + 4].reduce(0) { $0 << 8 | Int($1) }
            guard length <= bytes.count - place - frame else { return nil }
            let (name, end) = (bytes[place + 4..<place + 8], place + length + frame)
            if isNeeded(name) { kept.append(place..<end) }
            if name.elementsEqual("IEND".utf8) { return kept.flatMap { bytes[$0] } }
            place = end
        }
        return nil
    }

    /// Whether a chunk is critical, which its name says by a capital first letter, or tells which
    /// colours are transparent.
    private static func isNeeded(_ name: ArraySlice<UInt8>) -> Bool {
        name.first.map { $0 & 0x20 == 0 } == true || name.elementsEqual("tRNS".utf8)
    }
}
