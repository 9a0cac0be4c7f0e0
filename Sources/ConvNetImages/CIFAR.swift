// SPDX-License-Identifier: MIT
//
// CIFAR-10 and CIFAR-100 in their binary form: records of one label or two and 3,072 samples, all
// red ones first. Krizhevsky, "Learning multiple layers of features from tiny images", 2009.

import ConvNetSupport
import ConvNetTensor
import Foundation

/// CIFAR's photographs of 32×32 pixels from its binary files.
///
/// ```swift
/// let training = try CIFAR.load(from: folder, .training)       // 50,000 images
/// ```
///
/// CIFAR-10 is `data_batch_1.bin` to `data_batch_5.bin`, `test_batch.bin` and `batches.meta.txt`;
/// CIFAR-100 is `train.bin`, `test.bin` and `fine_label_names.txt`. Files of names need not be
/// there.
public enum CIFAR {
    /// The two parts of the data set.
    public enum Part: String, Sendable, Hashable, CaseIterable {
        /// The 50,000 images that networks learn from.
        case training
        /// The 10,000 images that they are judged by.
        case test
    }

    /// The largest file that is read, in bytes: 1 GiB.
    public static let largestByteCount = 1 << 30

    private static let side = 32
    private static let sampleCount = 3 * side * side

    /// How the files of one of the data sets are called, and what is in them.
    private struct Form {
        let training: [String]
        let test: [String]
        let names: String
        let classes: Int
        /// How many labels a record has; the last is the class.
        let labels: Int

        static let ten = Form(
            training: (1...5).map { "data_batch_\($0).bin" }, test: ["test_batch.bin"],
            names: "batches.meta.txt", classes: 10, labels: 1)
        static let hundred = Form(
            training: ["train.bin"], test: ["test.bin"], names: "fine_label_names.txt",
            classes: 100, labels: 2)
    }

    /// Whether a folder has one of the data sets' files.
    public static func isThere(in folder: URL) -> Bool {
        [Form.ten, Form.hundred].contains { form in
            (form.training + form.test).contains {
                FileManager.default.fileExists(atPath: folder.appendingPathComponent($0).path)
            }
        }
    }

    /// The images of a part.
    ///
    /// - Parameters:
    ///   - folder: the folder with CIFAR-10's files or CIFAR-100's.
    ///   - part: which of the two.
    /// - Throws: ``FileError`` when a file can't be read, is no whole number of records, or has a
    ///   label that is none of the classes'.
    public static func load(from folder: URL, _ part: Part) throws -> ImageSet {
        func path(_ name: String) -> String { folder.appendingPathComponent(name).path }
        let isThere = { (name: String) in FileManager.default.fileExists(atPath: path(name)) }
        let form =
            isThere(Form.hundred.training[0]) || isThere(Form.hundred.test[0]) ? Form.hundred : .ten
        var (images, labels) = ([Image](), [Int]())
        for name in part == .training ? form.training : form.test {
            let bytes = try FileBytes.contents(of: path(name), limit: largestByteCount)
            let record = form.labels + sampleCount
            guard !bytes.isEmpty, bytes.count % record == 0 else {
                throw FileError(
                    file: path(name), problem: "\(bytes.count) bytes",
                    expected: "records of \(record) bytes")
            }
            for start in stride(from: 0, to: bytes.count, by: record) {
                let label = Int(bytes[start + form.labels - 1])
                guard label < form.classes else {
                    throw FileError(
                        file: path(name), problem: "label \(label) at byte \(start)",
                        expected: "labels from 0 to \(form.classes - 1)")
                }
                labels.append(label)
                images.append(image(bytes[(start + form.labels)..<(start + record)]))
            }
        }
        return try ImageSet(
            images: images, labels: labels, classes: form.classes,
            classNames: names(path(form.names), form.classes))
    }

    /// Three planes, pixel by pixel.
    private static func image(_ planes: ArraySlice<UInt8>) -> Image {
        let pixels = side * side
        let bytes = [UInt8](unsafeUninitializedCapacity: sampleCount) { bytes, count in
            planes.withUnsafeBufferPointer { planes in
                for pixel in 0..<pixels {
                    for channel in 0..<3 {
                        bytes[3 * pixel + channel] = planes[channel * pixels + pixel]
                    }
                }
            }
            count = sampleCount
        }
        return Image(checkedWidth: side, side, 3, bytes)
    }

    /// The classes' names, a line each; none where there is no file of them.
    private static func names(_ file: String, _ count: Int) throws(FileError) -> [String] {
        guard FileManager.default.fileExists(atPath: file) else { return [] }
        let bytes = try FileBytes.contents(of: file, limit: 1 << 16)
        let lines = String(decoding: bytes, as: UTF8.self)
            .split(whereSeparator: \.isNewline).map(String.init)
        guard lines.count == count else {
            throw FileError(
                file: file, problem: "\(lines.count) names", expected: "\(count), a line each")
        }
        return lines
    }
}
