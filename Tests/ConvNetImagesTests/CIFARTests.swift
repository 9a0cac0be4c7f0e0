// SPDX-License-Identifier: MIT
//
// CIFAR's binary files: records of a known pattern come out as the images that they are.

import ConvNetTensor
import ConvNetTestSupport
import Foundation
import Testing

@testable import ConvNetImages

struct CIFARTests {
    /// A record whose reds count up from a start, its greens are 100 and its blues 200.
    private static func record(_ labels: [UInt8], from start: Int) -> Data {
        Data(
            labels + (0..<1024).map { UInt8((start + $0) % 256) }
                + Array(repeating: 100, count: 1024) + Array(repeating: 200, count: 1024))
    }

    @Test func recordsBecomeImages() throws {
        try withTemporaryFolder { folder in
            func write(_ name: String, _ data: Data) throws {
                try data.write(to: folder.appendingPathComponent(name))
            }
            for batch in 1...5 {
                try write(
                    "data_batch_\(batch).bin",
                    Self.record([UInt8(batch)], from: batch) + Self.record([9], from: 7))
            }
            try write("test_batch.bin", Self.record([3], from: 5))
            #expect(CIFAR.isThere(in: folder))
            #expect(!CIFAR.isThere(in: folder.deletingLastPathComponent()))
            let training = try CIFAR.load(from: folder, .training)
            #expect(try training.converted(toChannels: 1).images[4].bytes[0] == 82)
            #expect(training.labels == [1, 9, 2, 9, 3, 9, 4, 9, 5, 9])
            #expect(training.classes == 10)
            #expect(training.classNames == [])
            #expect(Array(training.images[4].bytes.prefix(6)) == [3, 100, 200, 4, 100, 200])
            try write("batches.meta.txt", Data("a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n".utf8))
            let test = try CIFAR.load(from: folder, .test)
            #expect(test.labels == [3])
            #expect(test.classNames.joined() == "abcdefghij")
            #expect(test.images[0].width == 32)

            try write("test_batch.bin", Self.record([10], from: 5))
            let label = #expect(throws: FileError.self) { try CIFAR.load(from: folder, .test) }
            #expect(label?.problem == "label 10 at byte 0")
            try write("test_batch.bin", Self.record([1], from: 5).dropLast())
            let cut = #expect(throws: FileError.self) { try CIFAR.load(from: folder, .test) }
            #expect(cut?.problem == "3072 bytes")
            try write("test_batch.bin", Data())
            #expect(throws: FileError.self) { try CIFAR.load(from: folder, .test) }
            try write("batches.meta.txt", Data("a\n".utf8))
            try write("test_batch.bin", Self.record([1], from: 5))
            let names = #expect(throws: FileError.self) { try CIFAR.load(from: folder, .test) }
            #expect(names?.problem == "1 names")
        }
    }

    /// A coarse label first.
    @Test func hundredClassesHaveTwoLabels() throws {
        try withTemporaryFolder { folder in
            try Self.record([19, 99], from: 1).write(to: folder.appendingPathComponent("test.bin"))
            let test = try CIFAR.load(from: folder, .test)
            #expect(test.labels == [99])
            #expect(test.classes == 100)
            #expect(test.images[0].bytes[0] == 1)
            let missing = #expect(throws: FileError.self) {
                try CIFAR.load(from: folder, .training)
            }
            #expect(missing?.file.hasSuffix("train.bin") == true)
        }
    }
}
