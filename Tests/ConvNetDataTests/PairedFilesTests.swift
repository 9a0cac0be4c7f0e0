// SPDX-License-Identifier: MIT
//
// Images and labels from two files: what goes where, and what does not go together.

import ConvNetTensor
import ConvNetTestSupport
import Foundation
import Testing

@testable import ConvNetData

struct PairedFilesTests {
    private static func idx(_ shape: [Int], _ bytes: [UInt8]) -> Data {
        Data([0, 0, 8, UInt8(shape.count)] + shape.flatMap { [0, 0, 0, UInt8($0)] } + bytes)
    }

    /// An `.npy` file of version 1.
    private static func npy(_ type: String, _ shape: [Int], _ bytes: [UInt8]) -> Data {
        let extents = shape.map { "\($0)" }.joined(separator: ", ") + (shape.count == 1 ? "," : "")
        let order = type.hasSuffix("u1") ? "|u1" : "<\(type)"
        let header = "{'descr': '\(order)', 'fortran_order': False, 'shape': (\(extents)), }\n"
        let length = header.utf8.count
        return Data(
            [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(length & 255), UInt8(length >> 8)]
                + Array(header.utf8) + bytes)
    }

    /// Writes two files and reads them.
    private static func read<Result>(
        _ images: Data, _ labels: Data, _ body: (URL, URL) throws -> Result
    ) throws -> Result {
        try withTemporaryFolder { folder in
            let files = ["images", "labels"].map { folder.appendingPathComponent($0) }
            try images.write(to: files[0])
            try labels.write(to: files[1])
            return try body(files[0], files[1])
        }
    }

    @Test func lettersAreTurnedUpright() throws {
        let images = Self.idx([2, 2, 3], [0, 51, 102, 153, 204, 255, 255, 0, 0, 0, 0, 0])
        let labels = Self.idx([2], [26, 1])
        let plain = try Self.read(images, labels) {
            try LabeledImages(idxImages: $0, labels: $1)
        }
        #expect(plain.images.shape == [2, 1, 2, 3])
        #expect(plain.labels == [26, 1])
        #expect(plain.classes == 27)
        let letters = try Self.read(images, labels) {
            try LabeledImages(
                idxImages: $0, labels: $1, classes: 26, firstLabel: 1, isTransposed: true)
        }
        #expect(letters.images.shape == [2, 1, 3, 2])
        #expect(letters.images.scalars.prefix(6) == [0, 0.6, 0.2, 0.8, 0.4, 1])
        #expect(letters.labels == [25, 0])
        #expect(letters.classes == 26)
    }

    @Test func arraysArePutInOrder() throws {
        // Two images of 1×2 pixels of three channels.
        let bytes: [UInt8] = [0, 51, 102, 153, 204, 255, 255, 0, 0, 0, 0, 51]
        let labels = Self.npy("i8", [2], [1, 0, 0, 0, 0, 0, 0, 0] + [0, 0, 0, 0, 0, 0, 0, 0])
        let last = try Self.read(Self.npy("u1", [2, 1, 2, 3], bytes), labels) {
            try LabeledImages(npyImages: $0, labels: $1, channelsLast: true)
        }
        #expect(last.images.shape == [2, 3, 1, 2])
        #expect(last.images.scalars == [0, 0.6, 0.2, 0.8, 0.4, 1, 1, 0, 0, 0, 0, 0.2])
        #expect(last.labels == [1, 0])
        let first = try Self.read(Self.npy("u1", [2, 3, 1, 2], bytes), labels) {
            try LabeledImages(npyImages: $0, labels: $1, classes: 5)
        }
        #expect(first.images.scalars.prefix(3) == [0, 0.2, 0.4])
        #expect(first.classes == 5)
        let planes = try Self.read(Self.npy("u1", [2, 2, 3], bytes), labels) {
            try LabeledImages(npyImages: $0, labels: $1)
        }
        #expect(planes.images.shape == [2, 1, 2, 3])
    }

    @Test func whatDoesNotGoTogetherIsSaid() throws {
        func problem(_ images: Data, _ labels: Data) throws -> String? {
            try Self.read(images, labels) { images, labels in
                #expect(throws: FileError.self) {
                    try LabeledImages(npyImages: images, labels: labels, classes: 3)
                }?.problem
            }
        }
        let images = Self.npy("u1", [2, 1, 1, 1], [1, 2])
        #expect(try problem(images, Self.npy("u1", [3], [0, 1, 2])) == "shape [3]")
        #expect(try problem(images, Self.npy("u1", [2], [0, 3])) == "label 3 at place 1")
        #expect(
            try problem(images, Self.npy("f4", [2], [0, 0, 0, 0, 0, 0, 0, 0x3F]))
                == "label 0.5 at place 1")
        #expect(
            try problem(Self.npy("u1", [2, 1], [1, 2]), Self.npy("u1", [2], [0, 1]))
                == "shape [2, 1]")
        #expect(throws: FileError.self) {
            try Self.read(Self.idx([1, 1, 1], [0]), Self.idx([2], [0, 1])) {
                try LabeledImages(idxImages: $0, labels: $1)
            }
        }
        for (classes, first) in [(0, 0), (Int.min, 0), (Int.max, 1), (3, Int.min), (3, 256)] {
            #expect(throws: TensorError.self) {
                try Self.read(Self.idx([1, 1, 1], [0]), Self.idx([1], [2])) {
                    try LabeledImages(
                        idxImages: $0, labels: $1, classes: classes, firstLabel: first)
                }
            }
        }
        let letter = try Self.read(Self.idx([1, 1, 1], [0]), Self.idx([1], [0])) { images, labels in
            #expect(throws: FileError.self) {
                try LabeledImages(idxImages: images, labels: labels, firstLabel: 1)
            }
        }
        #expect(letter?.problem == "label 0 at place 0")
    }
}
