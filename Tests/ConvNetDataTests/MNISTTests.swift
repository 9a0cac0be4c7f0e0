// SPDX-License-Identifier: MIT
//
// MNIST from small files made here, and the real one where MNIST_DIR says that it is.

import ConvNetTensor
import Foundation
import Testing

@testable import ConvNetData

@Suite struct MNISTTests {
    static let pixels = (0..<3 * 784).map { UInt8($0 % 256) }
    static let images = idxFile(shape: [3, 28, 28], data: pixels)
    static let labels = idxFile(shape: [3], data: [5, 0, 9])

    @Test(arguments: MNIST.Part.allCases, [false, true])
    func filesAreFoundPlainAndCompressed(part: MNIST.Part, compressed: Bool) throws {
        let suffix = compressed ? ".gz" : ""
        let files = try [
            part.imagesFileName + suffix: compressed ? gzip(Self.images) : Self.images,
            part.labelsFileName + suffix: compressed ? gzip(Self.labels) : Self.labels,
        ]
        let digits = try withFolder(of: files) { try MNIST.load(from: $0, part) }
        #expect(digits.images.shape == [3, 1, 28, 28])
        #expect(digits.images.scalarType == .float32)
        #expect(digits.images.scalars == Self.pixels.map { Float($0) / 255 })
        #expect(digits.labels == [5, 0, 9])
        #expect(digits.classes == 10)
        #expect(digits.shuffleSeed == nil)
    }

    @Test func fileNamesAreTheUsualOnes() {
        #expect(MNIST.Part.training.imagesFileName == "train-images-idx3-ubyte")
        #expect(MNIST.Part.training.labelsFileName == "train-labels-idx1-ubyte")
        #expect(MNIST.Part.test.imagesFileName == "t10k-images-idx3-ubyte")
        #expect(MNIST.Part.test.labelsFileName == "t10k-labels-idx1-ubyte")
    }

    @Test func plainFileWins() throws {
        let files = try [
            "t10k-images-idx3-ubyte": Self.images, "t10k-labels-idx1-ubyte": Self.labels,
            "t10k-labels-idx1-ubyte.gz": gzip(idxFile(shape: [3], data: [1, 1, 1])),
        ]
        #expect(try withFolder(of: files) { try MNIST.load(from: $0, .test) }.labels == [5, 0, 9])
    }

    /// As other mirrors have them, each file by itself; the usual names win.
    @Test(arguments: MNIST.Part.allCases, [false, true])
    func namesWithADotAreFound(part: MNIST.Part, compressed: Bool) throws {
        let (images, labels) =
            part == .training
            ? ("train-images.idx3-ubyte", "train-labels.idx1-ubyte")
            : ("t10k-images.idx3-ubyte", "t10k-labels.idx1-ubyte")
        let suffix = compressed ? ".gz" : ""
        var files = try [
            images + suffix: compressed ? gzip(Self.images) : Self.images,
            labels + suffix: compressed ? gzip(Self.labels) : Self.labels,
        ]
        #expect(try withFolder(of: files) { try MNIST.load(from: $0, part) }.labels == [5, 0, 9])
        files[part.labelsFileName + ".gz"] = try gzip(idxFile(shape: [3], data: [1, 2, 3]))
        #expect(try withFolder(of: files) { try MNIST.load(from: $0, part) }.labels == [1, 2, 3])
    }

    struct Fault: Sendable, CustomTestStringConvertible {
        var images: [UInt8]? = MNISTTests.images
        var labels: [UInt8]? = MNISTTests.labels
        let file: String
        let message: String
        var testDescription: String { message }
    }

    static let faults = [
        Fault(
            images: nil, file: "t10k-images-idx3-ubyte",
            message: "no such file, expected MNIST's file, plain or with .gz, "
                + "or t10k-images.idx3-ubyte"),
        Fault(
            labels: nil, file: "t10k-labels-idx1-ubyte",
            message: "no such file, expected MNIST's file, plain or with .gz, "
                + "or t10k-labels.idx1-ubyte"),
        Fault(
            labels: idxFile(shape: [3], data: [5, 10, 9]), file: "t10k-labels-idx1-ubyte",
            message: "label 10 at place 1, expected labels from 0 to 9"),
        Fault(
            labels: idxFile(shape: [2], data: [5, 0]), file: "t10k-labels-idx1-ubyte",
            message: "2 labels, expected 3, one for each image"),
        Fault(
            labels: idxFile(shape: [4], data: [5, 0, 9, 1]), file: "t10k-labels-idx1-ubyte",
            message: "4 labels, expected 3, one for each image"),
        Fault(
            images: labels, file: "t10k-images-idx3-ubyte", message: "number of axes 1, expected 3"),
        Fault(
            labels: images, file: "t10k-labels-idx1-ubyte", message: "number of axes 3, expected 1"),
        Fault(
            images: idxFile(shape: [3, 28, 27], data: []), file: "t10k-images-idx3-ubyte",
            message: "shape [3, 28, 27], expected [N, 28, 28]"),
        Fault(
            images: Array(images.dropLast()), file: "t10k-images-idx3-ubyte",
            message: "2351 bytes of data, expected 2352 for shape [3, 28, 28]"),
    ]

    @Test(arguments: faults) func faultIsNamedWithItsFile(fault: Fault) throws {
        var files: [String: [UInt8]] = [:]
        files["t10k-images-idx3-ubyte"] = fault.images
        files["t10k-labels-idx1-ubyte"] = fault.labels
        try withFolder(of: files) { folder in
            #expect(
                description(of: { try MNIST.load(from: folder, .test) })
                    == "\(folder.appendingPathComponent(fault.file).path): \(fault.message)")
        }
    }

    @Test func missingFolderIsNamed() throws {
        let folder = URL(fileURLWithPath: "/no/such/folder")
        #expect(
            description(of: { try MNIST.load(from: folder, .training) })
                == "/no/such/folder/train-images-idx3-ubyte: no such file, "
                + "expected MNIST's file, plain or with .gz, or train-images.idx3-ubyte")
    }
}

/// The folder of the real files; the tests below are skipped without it.
private let realFolder = ProcessInfo.processInfo.environment["MNIST_DIR"]

@Suite(.enabled(if: realFolder != nil, "MNIST_DIR is not set"))
struct RealMNISTTests {
    @Test func trainingSetIsTheKnownOne() throws {
        let digits = try load(.training)
        #expect(digits.images.shape == [60000, 1, 28, 28])
        #expect(digits.labels.prefix(10) == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4])
        #expect(
            histogram(digits.labels) == [
                5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949,
            ])
        // The mean by which MNIST is usually normalised.
        #expect(abs(mean(digits.images) - 0.1307) < 0.00005)
    }

    @Test func testSetIsTheKnownOne() throws {
        let digits = try load(.test)
        #expect(digits.images.shape == [10000, 1, 28, 28])
        #expect(digits.labels.prefix(5) == [7, 2, 1, 0, 4])
        #expect(
            histogram(digits.labels) == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009])
        #expect(abs(mean(digits.images) - 0.1325) < 0.00005)
    }

    private func load(_ part: MNIST.Part) throws -> LabeledImages {
        try MNIST.load(from: URL(fileURLWithPath: #require(realFolder)), part)
    }

    private func histogram(_ labels: [Int]) -> [Int] {
        labels.reduce(into: Array(repeating: 0, count: 10)) { $0[$1] += 1 }
    }

    private func mean(_ images: Tensor) -> Double {
        images.withUnsafeScalars(of: Float.self) { scalars in
            scalars.reduce(0.0) { $0 + Double($1) } / Double(scalars.count)
        }
    }
}
