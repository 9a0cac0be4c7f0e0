// SPDX-License-Identifier: MIT
//
// MNIST: 70,000 handwritten digits in four IDX files. LeCun, Cortes, Burges,
// "The MNIST database of handwritten digits", 1998.

import ConvNetTensor
import Foundation

/// The MNIST data set of handwritten digits, read from its four files.
///
/// ```swift
/// let training = try MNIST.load(from: directory, .training)   // 60,000 images
/// let test = try MNIST.load(from: directory, .test)           // 10,000 images
/// ```
public enum MNIST {
    /// The two parts of the data set.
    public enum Part: String, Sendable, Hashable, CaseIterable {
        /// The 60,000 images that networks learn from.
        case training
        /// The 10,000 images, by other writers, that they are judged by.
        case test

        /// The name of the file of images, without `.gz`.
        public var imagesFileName: String { "\(filePrefix)-images-idx3-ubyte" }

        /// The name of the file of labels, without `.gz`.
        public var labelsFileName: String { "\(filePrefix)-labels-idx1-ubyte" }

        private var filePrefix: String { self == .training ? "train" : "t10k" }
    }

    /// The number of classes: the digits 0 to 9.
    public static let classes = 10

    /// The images and labels of one part.
    ///
    /// - Parameters:
    ///   - directory: where the files are, under their usual names or with the dot of some mirrors
    ///     (`t10k-images.idx3-ubyte`), plain or with `.gz`. Where several are there, the usual name
    ///     is read before the other, and the plain file before the compressed one.
    ///   - part: which part.
    /// - Returns: images `[N, 1, 28, 28]` in `float32`, from 0 (background) to 1 (ink), and a label
    ///   for each; unshuffled.
    /// - Throws: ``FileError`` when a file is missing or wrong, or when the two do not belong
    ///   together.
    public static func load(from directory: URL, _ part: Part) throws -> LabeledImages {
        let images = try IDX.read(
            contentsOf: locate(part.imagesFileName, in: directory), expecting: [nil, 28, 28])
        let labelsFile = try locate(part.labelsFileName, in: directory)
        let labels = try IDX.read(contentsOf: labelsFile, expecting: [nil])

        guard labels.bytes.count == images.shape[0] else {
            throw FileError(
                file: labelsFile.path, problem: "\(labels.bytes.count) labels",
                expected: "\(images.shape[0]), one for each image")
        }
        if let place = labels.bytes.firstIndex(where: { $0 >= classes }) {
            throw FileError(
                file: labelsFile.path, problem: "label \(labels.bytes[place]) at place \(place)",
                expected: "labels from 0 to \(classes - 1)")
        }
        return try LabeledImages(
            images: scaled(images.bytes, shape: [images.shape[0], 1, 28, 28]),
            labels: labels.bytes.map(Int.init), classes: classes)
    }

    private static func locate(_ name: String, in directory: URL) throws(FileError) -> URL {
        // Files unpacked by some programs, and those of some mirrors, have a dot before "idx".
        let dotted = name.replacingOccurrences(of: "-idx", with: ".idx")
        for candidate in [name, name + ".gz", dotted, dotted + ".gz"] {
            let file = directory.appendingPathComponent(candidate)
            if FileManager.default.fileExists(atPath: file.path) { return file }
        }
        throw FileError(
            file: directory.appendingPathComponent(name).path, problem: "no such file",
            expected: "MNIST's file, plain or with .gz, or \(dotted)")
    }

    /// Bytes as numbers from 0 to 1.
    private static func scaled(_ bytes: [UInt8], shape: [Int]) throws(TensorError) -> Tensor {
        var result = try Tensor(uninitialized: shape, operation: "MNIST")
        result.withUnsafeMutableScalars(of: Float.self) { scalars in
            for (place, byte) in bytes.enumerated() { scalars[place] = Float(byte) / 255 }
        }
        return result
    }
}
