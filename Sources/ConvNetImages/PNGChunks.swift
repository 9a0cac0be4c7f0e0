// SPDX-License-Identifier: MIT
//
// A PNG file is a signature and chunks, each with its length. libpng takes memory for as much as a
// length says, and unfolds texts and colour profiles, before it looks for a chunk's end; so it is
// given only those chunks that pixels are made of, and those only where all of them lie inside the
// file and match their checksums.

internal import CZlib

import ConvNetSupport

/// The chunks of a PNG file that change its pixels.
enum PNGChunks {
    /// A length, a name and a checksum, four bytes each, stand around the contents of a chunk.
    private static let frame = 12
    /// The bytes before the first chunk.
    private static let signature = 8

    /// The file without its texts, profiles and the like, and without what follows its end.
    ///
    /// - Parameters:
    ///   - bytes: a file that begins with the signature of PNG files.
    ///   - file: what errors call the file.
    /// - Throws: ``FileError`` when a chunk reaches beyond the file's end, none says that it is the
    ///   last, or one that pixels are made of doesn't match its checksum.
    static func makingPixels(of bytes: [UInt8], file: String) throws(FileError) -> [UInt8] {
        var kept: [Range<Int>] = [0..<signature]
        var place = signature
        while bytes.count - place >= frame {
            let length = number(bytes[place..<place + 4])
            let name = bytes[place + 4..<place + 8]
            guard length <= bytes.count - place - frame else {
                throw FileError(
                    file: file,
                    problem: "the file ends inside \(described(name, place)), which claims "
                        + "\(length) bytes", expected: "a whole PNG file")
            }
            let end = place + length + frame
            if isNeeded(name) {
                guard number(bytes[end - 4..<end]) == checksum(bytes[place + 4..<end - 4]) else {
                    throw FileError(
                        file: file,
                        problem: "damaged: \(described(name, place)) doesn't match its checksum",
                        expected: "a whole PNG file")
                }
                kept.append(place..<end)
            }
            if name.elementsEqual("IEND".utf8) { return kept.flatMap { bytes[$0] } }
            place = end
        }
        throw FileError(
            file: file, problem: "the file ends without a chunk IEND", expected: "a whole PNG file")
    }

    /// Whether a chunk is critical, which its name says by a capital first letter, or says which
    /// colours are transparent.
    private static func isNeeded(_ name: ArraySlice<UInt8>) -> Bool {
        name.first.map { $0 & 0x20 == 0 } == true || name.elementsEqual("tRNS".utf8)
    }

    /// A number of four bytes, the highest first.
    private static func number(_ bytes: ArraySlice<UInt8>) -> Int {
        bytes.reduce(0) { $0 << 8 | Int($1) }
    }

    /// The checksum of a chunk's name and contents.
    private static func checksum(_ bytes: ArraySlice<UInt8>) -> Int {
        // A chunk has at most as many bytes as a file that is read: they fit the count of 32 bits.
        bytes.withUnsafeBufferPointer { Int(crc32(0, $0.baseAddress, UInt32($0.count))) }
    }

    /// A chunk as errors name it; its name may be any four bytes.
    private static func described(_ name: ArraySlice<UInt8>, _ place: Int) -> String {
        let isText = name.allSatisfy { (65...90).contains($0 & 0xDF) }
        let text = isText ? String(decoding: name, as: UTF8.self) : "without a name"
        return "chunk \(text) at byte \(place)"
    }
}
