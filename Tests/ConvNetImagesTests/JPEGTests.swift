// SPDX-License-Identifier: MIT
//
// JPEG files come out as Pillow decodes them, upright; what is cut short, damaged, too large or in
// CMYK is refused in one line.

import ConvNetTensor
import Foundation
import Testing

@testable import ConvNetImages

struct JPEGTests {
    /// Both decoders are libjpeg-turbo's, of other versions.
    @Test(arguments: [("baseline", "ppm"), ("progressive", "ppm"), ("gray", "pgm")])
    func pixelsAreThoseThatPillowSees(_ name: String, _ kind: String) throws {
        let image = try ImageFixtures.image("\(name).jpg")
        let expected = try ImageFixtures.image("\(name).\(kind)")
        #expect(image.channels == (kind == "pgm" ? 1 : 3))
        #expect(try #require(image.largestDifference(to: expected)) <= 1)
    }

    @Test(arguments: 1...8) func imagesAreTurnedUpright(_ orientation: Int) throws {
        let bytes = try ImageFixtures.bytes("oriented-\(orientation).jpg")
        #expect(EXIFOrientation(JPEGSegments(of: bytes)).rawValue == orientation)
        let image = try Image(bytes: bytes, file: "oriented.jpg")
        let expected = try ImageFixtures.image("oriented-\(orientation).ppm")
        #expect(try #require(image.largestDifference(to: expected)) <= 1)
    }

    /// A segment that is cut, whose numbers lead out of it, or whose entry has another type, turns
    /// nothing; none of them traps.
    @Test func damagedOrientationsTurnNothing() throws {
        let whole = try ImageFixtures.bytes("oriented-6.jpg")
        let start = try #require(
            whole.indices.first { whole[$0...].starts(with: Array("Exif\0\0".utf8)) })
        let end = start + 6 + 8 + 2 + 24 + 4
        var found: Set<Int> = []
        for place in start - 2..<end {
            for value in [0, 1, 0x7F, 0xFF] as [UInt8] {
                var bytes = whole
                bytes[place] = value
                found.insert(EXIFOrientation(JPEGSegments(of: bytes)).rawValue)
            }
        }
        // Other orientations come of the byte that holds it.
        #expect(found.isSubset(of: [1, 6]))
        for count in 0..<end {
            let orientation = EXIFOrientation(JPEGSegments(of: Array(whole.prefix(count))))
            #expect(orientation == .upright, "\(count) bytes")
        }
    }

    /// libjpeg-turbo fills up what is missing with gray, and warns.
    @Test(arguments: ["baseline", "progressive", "gray"])
    func filesThatEndTooEarlyAreRefused(_ name: String) throws {
        let whole = try ImageFixtures.bytes("\(name).jpg")
        // Inside tables, and inside the image.
        for share in [0.02, 0.2, 0.5, 0.8, 0.95] {
            let count = Int(Double(whole.count) * share)
            #expect(
                Self.problem(Array(whole.prefix(count)))
                    == "bad.jpg: the file ends before its image does, expected a whole JPEG file",
                "\(count) of \(whole.count) bytes")
        }
        for count in 3..<whole.count - 2 {
            #expect(throws: FileError.self, "\(count) bytes") {
                try Image(bytes: Array(whole.prefix(count)), file: "bad.jpg")
            }
        }
    }

    private static func problem(_ bytes: [UInt8]) -> String? {
        #expect(throws: FileError.self) { try Image(bytes: bytes, file: "bad.jpg") }?.description
    }

    @Test func whatIsNotRightIsSaid() throws {
        #expect(
            Self.problem(try ImageFixtures.bytes("cmyk.jpg"))
                == "bad.jpg: in CMYK, whose colours only its printer knows, expected gray or RGB")
        let junk: [UInt8] = [0xFF, 0xD8, 0xFF, 0x12, 0x34]
        let problem = Self.problem(junk) ?? ""
        #expect(problem.hasPrefix("bad.jpg: ") && problem.hasSuffix(", expected a whole JPEG file"))
        #expect(
            Self.problem(Array("It says .jpg, and is a text.".utf8))
                == "bad.jpg: no image, expected a JPEG, PNG, PPM or PGM file")
        #expect(
            Self.problem([]) == "bad.jpg: an empty file, expected a JPEG, PNG, PPM or PGM file")
    }

    /// The header alone decides: there is no data that such an image could be read from.
    @Test(arguments: [(20_000, 20_000), (65_500, 1), (32_768, 100)])
    func sizesAreCheckedBeforeThereIsMemory(_ width: Int, _ height: Int) throws {
        var bytes = try ImageFixtures.bytes("baseline.jpg")
        // The frame: a marker, its length, the bits of a sample, height and width.
        let frame = try #require(bytes.indices.first { bytes[$0...].starts(with: [0xFF, 0xC0]) })
        for (place, side) in [(frame + 5, height), (frame + 7, width)] {
            bytes[place] = UInt8(side >> 8)
            bytes[place + 1] = UInt8(side & 255)
        }
        #expect(
            Self.problem(bytes)
                == "bad.jpg: \(width) x \(height) pixels, expected sides from 1 to 32767 and at "
                + "most 67108864 pixels")
    }

    @Test func aByteMoreOrLessOfDataIsNoHarm() throws {
        let whole = try ImageFixtures.bytes("baseline.jpg")
        for place in stride(from: 3, to: whole.count, by: 7) {
            var bytes = whole
            bytes[place] ^= 0x5A
            do {
                let image = try Image(bytes: bytes, file: "bad.jpg")
                #expect(image.bytes.count == image.width * image.height * image.channels)
            } catch {
                #expect(error.description.hasPrefix("bad.jpg: "))
            }
        }
    }

    /// Pillow's draft mode asks the same decoder for the same.
    @Test(arguments: [2, 4, 8]) func largeImagesAreDecodedSmaller(_ divisor: Int) throws {
        let target = ImageSize(width: 320 / divisor / 2, height: 240 / divisor / 2)
        let image = try Image(contentsOf: ImageFixtures.url("large.jpg"), covering: target)
        let expected = try ImageFixtures.image("large-\(divisor).ppm")
        #expect(try #require(image.largestDifference(to: expected)) <= 1)
    }

    @Test func decodingSmallerLeavesTwiceTheTarget() {
        let size = ImageSize(width: 4001, height: 3000)
        for (side, width, height) in [(224, 1001, 750), (375, 1001, 750), (376, 2001, 1500)] {
            let scaled = JPEGDecoder.scaled(size, covering: ImageSize(width: side, height: side))
            #expect(scaled == ImageSize(width: width, height: height), "\(side)")
        }
        let thumbnail = JPEGDecoder.scaled(size, covering: ImageSize(width: 100, height: 100))
        #expect(thumbnail == ImageSize(width: 501, height: 375))
        #expect(JPEGDecoder.scaled(size, covering: ImageSize(width: 1001, height: 9)) == size)
    }

    /// The target is that of the upright image.
    @Test func targetsAreThoseOfUprightImages() throws {
        let image = try Image(
            contentsOf: ImageFixtures.url("oriented-6.jpg"),
            covering: ImageSize(width: 4, height: 6))
        #expect(image.width == 8)
        #expect(image.height == 12)
    }
}
