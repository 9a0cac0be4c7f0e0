// SPDX-License-Identifier: MIT
//
// Event files: their bytes against TensorFlow's definitions, and where there is a Python with the
// package tensorboard, what it reads.

import ConvNetTestSupport
import Foundation
import Testing

@testable import ConvNet

private let python = ProcessInfo.processInfo.environment["TENSORBOARD_PYTHON"]

struct EventFileTests {
    /// RFC 3720, appendix B.4, and the usual check of nine digits.
    @Test func checksumsAreThoseOfTheStandard() {
        #expect(CRC32C.checksum(of: [UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
        #expect(CRC32C.checksum(of: [UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
        #expect(CRC32C.checksum(of: (0..<32).map { UInt8($0) }) == 0x46DD_794E)
        #expect(CRC32C.checksum(of: Array("123456789".utf8)) == 0xE306_9283)
    }

    /// A record of an empty message: eight bytes of length, and two checksums, which are that of
    /// eight zeros and that of nothing.
    @Test func recordsAreFramedAsTheReaderExpects() {
        let record = EventFile.record(Data())
        #expect(record.count == 16)
        #expect(record.prefix(8).allSatisfy { $0 == 0 })
        // crc32c("") = 0, masked 0xA282EAD8.
        #expect(Array(record.suffix(4)) == [0xD8, 0xEA, 0x82, 0xA2])
        #expect(Array(record[8..<12]) == [0x29, 0x03, 0x98, 0x07])
    }

    @Test func histogramsCountEachNumberOnce() throws {
        let histogram = Histogram(
            of: try Tensor(shape: [7], scalars: [-1, -1, 0, 0.5, 2, .nan, .infinity] as [Float]))
        #expect(histogram.least == -1 && histogram.greatest == 2 && histogram.count == 5)
        #expect(histogram.sum == 0.5 && histogram.sumOfSquares == 6.25)
        #expect(histogram.counts.count == 30 && histogram.limits.count == 30)
        #expect(histogram.counts[0] == 2 && histogram.counts[10] == 1)
        #expect(histogram.counts[15] == 1 && histogram.counts[29] == 1)
        #expect(histogram.limits[9] == 0 && histogram.limits[29] == 2)
        let one = Histogram(of: try Tensor(shape: [3], repeating: 4))
        #expect(one.counts == [3] && one.limits == [4])
        let nothing = Histogram(of: try Tensor(shape: [1], repeating: .nan))
        #expect(nothing.counts == [0] && nothing.count == 0)
    }

    @Test func aFolderThatCannotBeMadeIsAnError() throws {
        try withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("file")
            try Data().write(to: file)
            #expect(throws: FileError.self) { _ = try EventFile(in: file) }
        }
    }

    /// What a Python program prints of a folder of events.
    private static let reader = """
        import sys
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
        events = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0, "images": 0, "histograms": 0})
        events.Reload()
        for tag in sorted(events.Tags()["scalars"]):
            print(tag, [(e.step, round(e.value, 6)) for e in events.Scalars(tag)])
        for tag in sorted(events.Tags()["histograms"]):
            for e in events.Histograms(tag):
                v = e.histogram_value
                print(tag, e.step, v.min, v.max, v.num, v.sum, v.sum_squares, len(v.bucket), sum(v.bucket))
        for tag in sorted(events.Tags()["images"]):
            for e in events.Images(tag):
                print(tag, e.step, e.width, e.height, list(e.encoded_image_string))
        """

    @Test(.enabled(if: python != nil, "TENSORBOARD_PYTHON is not set"))
    func tensorBoardReadsWhatWasWritten() throws {
        try withTemporaryFolder { folder in
            let run = folder.appendingPathComponent("run")
            let first = try EventFile(in: run)
            for step in 1...4 {
                try first.write(
                    [("train/loss", 1 / Double(step)), ("rate", Double(step))], step: step)
            }
            let numbers = try Tensor(shape: [4], scalars: [-1, 0, 1, 2] as [Float])
            try first.write(histogramOf: numbers, name: "conv1.W", step: 2)
            try first.write(png: [137, 80, 78, 71], width: 3, height: 2, name: "filters", step: 2)
            // Training that goes on from step 3: what came after is not shown twice.
            let second = try EventFile(in: run, startingAt: 3)
            #expect(first.url != second.url)
            try second.write([("train/loss", 0.75)], step: 3)
            let script = folder.appendingPathComponent("read.py")
            try Data(Self.reader.utf8).write(to: script)
            let read = try Subprocess.run(try #require(python), [script.path, run.path])
            #expect(read.status == 0, "\(read)")
            #expect(
                read.output == """
                    rate [(1, 1.0), (2, 2.0)]
                    train/loss [(1, 1.0), (2, 0.5), (3, 0.75)]
                    conv1.W 2 -1.0 2.0 4.0 2.0 6.0 30 4.0
                    filters 2 3 2 [137, 80, 78, 71]

                    """, "\(read)")
        }
    }
}
