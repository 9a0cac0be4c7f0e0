// SPDX-License-Identifier: MIT
//
// PPM and PGM files: headers with comments, samples of one and two bytes, and what is refused.

import ConvNetTensor
import Testing

@testable import ConvNetImages

struct PNMTests {
    private static func file(_ header: String, _ samples: [UInt8]) -> [UInt8] {
        Array(header.utf8) + samples
    }

    @Test func grayAndColoursAreRead() throws {
        let gray = try Image(bytes: Self.file("P5 3 1 255\n", [0, 7, 255]), file: "gray.pgm")
        #expect([gray.width, gray.height, gray.channels] == [3, 1, 1])
        #expect(gray.bytes == [0, 7, 255])
        let color = try Image(
            bytes: Self.file("P6\n# by a camera\n1\t2 # rows\n255\r", [1, 2, 3, 4, 5, 6]),
            file: "colour.ppm")
        #expect([color.width, color.height, color.channels] == [1, 2, 3])
        #expect(color.bytes == [1, 2, 3, 4, 5, 6])
    }

    /// Four bits: a step is 17. Sixteen bits: 0x8080 is 128, 257 times as large as a byte.
    @Test func samplesAreBroughtTo255() throws {
        let four = try Image(bytes: Self.file("P5 4 1 15\n", [0, 1, 8, 15]), file: "four.pgm")
        #expect(four.bytes == [0, 17, 136, 255])
        let wide = try Image(
            bytes: Self.file("P5 3 1 65535\n", [0x80, 0x80, 0xFF, 0xFF, 0, 129]), file: "wide.pgm")
        #expect(wide.bytes == [128, 255, 1])
    }

    @Test(arguments: [
        ("P5 3 1 255\n", 2, "2 bytes of samples, expected 3 for 3 x 1 pixels"),
        ("P5 3 1 255\n", 4, "4 bytes of samples, expected 3 for 3 x 1 pixels"),
        ("P6 20000 20000 255\n", 0, "20000 x 20000 pixels, expected \(Image.possibleSizes)"),
        ("P6 0 5 255\n", 0, "0 x 5 pixels, expected \(Image.possibleSizes)"),
        ("P5 1 1 0\n", 1, "a largest sample of 0, expected 1 to 65535"),
        ("P5 1 1 65536\n", 1, "a largest sample of 65536, expected 1 to 65535"),
        (
            "P5 1 1 5\n", 1,
            "a sample above the largest, expected samples up to 5, as the header says"
        ),
        (
            "P5 x", 0,
            "no width at byte 3, expected a PPM or PGM header: P6 or P5, width, height, "
                + "largest sample"
        ),
        (
            "P5 99999999999 1 255\n", 0,
            "no width at byte 13, expected a PPM or PGM header: P6 or P5, width, height, "
                + "largest sample"
        ),
        (
            "P5 1 1 255", 0,
            "no largest sample at byte 10, expected a PPM or PGM header: P6 or P5, width, height, "
                + "largest sample"
        ),
    ])
    func whatIsWrongIsSaid(_ header: String, _ count: Int, _ problem: String) {
        let error = #expect(throws: FileError.self) {
            try Image(
                bytes: Self.file(header, Array(repeating: 9, count: count)), file: "bad.ppm")
        }
        #expect(error?.description == "bad.ppm: \(problem)")
    }
}
