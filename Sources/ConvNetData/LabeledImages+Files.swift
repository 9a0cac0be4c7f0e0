// SPDX-License-Identifier: MIT
//
// Images and labels from two files: IDX, as EMNIST and others have them, or NumPy's arrays.

import ConvNetTensor
import Foundation

extension LabeledImages {
    /// The images and labels of two IDX files, plain or gzip: Fashion-MNIST, EMNIST, KMNIST and the
    /// like.
    ///
    /// - Parameters:
    ///   - images: `[N, H, W]` bytes; 255 becomes 1.
    ///   - labels: `[N]` bytes.
    ///   - classes: how many there are; nil for one more than the largest label.
    ///   - firstLabel: the label of the first class: 1 for EMNIST's letters.
    ///   - isTransposed: whether images lie on their side, as EMNIST's do: rows and columns are
    ///     exchanged.
    /// - Throws: ``FileError`` when a file can't be read, or the two don't go together.
    public init(
        idxImages images: URL, labels: URL, classes: Int? = nil, firstLabel: Int = 0,
        isTransposed: Bool = false
    ) throws {
        guard (0...255).contains(firstLabel) else {
            throw TensorError(
                operation: "LabeledImages", argument: "firstLabel", value: "\(firstLabel)",
                expected: "0 to 255")
        }
        let pixels = try IDX.read(contentsOf: images, expecting: [nil, nil, nil])
        let names = try IDX.read(contentsOf: labels, expecting: [pixels.shape[0]])
        let (count, height, width) = (pixels.shape[0], pixels.shape[1], pixels.shape[2])
        let shape = isTransposed ? [count, 1, width, height] : [count, 1, height, width]
        var tensor = try Tensor(uninitialized: shape, operation: "LabeledImages")
        tensor.withUnsafeMutableScalars(of: Float.self) { numbers in
            for (place, byte) in pixels.bytes.enumerated() {
                var target = place
                if isTransposed {
                    let (image, pixel) = (place / (height * width), place % (height * width))
                    target = image * height * width + pixel % width * height + pixel / width
                }
                numbers[target] = Float(byte) / 255
            }
        }
        try self.init(
            tensor, names.bytes.map { Int($0) - firstLabel }, classes, labelsFile: labels,
            firstLabel: firstLabel)
    }

    /// The images and labels of two `.npy` files, as NumPy's `save` writes them.
    ///
    /// - Parameters:
    ///   - images: `[N, C, H, W]`, or `[N, H, W]` of one channel, or `[N, H, W, C]` with
    ///     `channelsLast`. Bytes (`u1`) become numbers from 0 to 1, others stay as they are, in
    ///     `float32`.
    ///   - labels: `[N]` whole numbers from 0.
    ///   - channelsLast: whether a pixel's channels lie together.
    ///   - classes: how many there are; nil for one more than the largest label.
    /// - Throws: ``FileError`` when a file can't be read, or the two don't go together.
    public init(
        npyImages images: URL, labels: URL, channelsLast: Bool = false, classes: Int? = nil
    ) throws {
        let (type, shape, value) = try NumPy.typedArray(contentsOf: images)
        guard let value, shape.count == 4 || (shape.count == 3 && !channelsLast) else {
            throw FileError(
                file: images.path, problem: "shape \(shape)",
                expected: channelsLast ? "[N, H, W, C]" : "[N, C, H, W] or [N, H, W]")
        }
        var order = shape.count == 4 ? shape : [shape[0], 1, shape[1], shape[2]]
        if channelsLast { order = [shape[0], shape[3], shape[1], shape[2]] }
        let (channels, plane) = (order[1], order[2] * order[3])
        let source = try value.converted(to: .float32)
        var tensor = try Tensor(uninitialized: order, operation: "LabeledImages")
        let divisor: Float = type == "u1" ? 255 : 1
        source.withUnsafeScalars(of: Float.self) { source in
            tensor.withUnsafeMutableScalars(of: Float.self) { numbers in
                for place in source.indices {
                    var target = place
                    if channelsLast {
                        let (pixel, channel) = (place / channels, place % channels)
                        target =
                            (pixel / plane * channels + channel) * plane + pixel % plane
                    }
                    numbers[target] = source[place] / divisor
                }
            }
        }
        let numbers = try NumPy.array(contentsOf: labels)
        guard numbers.shape == [shape[0]] else {
            throw FileError(
                file: labels.path, problem: "shape \(numbers.shape)",
                expected: "[\(shape[0])], a label for each image")
        }
        let values = numbers.doubles
        if let place = values.firstIndex(where: { Int(exactly: $0) == nil }) {
            throw FileError(
                file: labels.path, problem: "label \(values[place]) at place \(place)",
                expected: "whole numbers of at least 0")
        }
        try self.init(
            tensor, values.map { Int($0) }, classes, labelsFile: labels, firstLabel: 0)
    }

    /// Puts both together; labels count from 0 already.
    private init(
        _ images: Tensor, _ labels: [Int], _ classes: Int?, labelsFile: URL, firstLabel: Int
    ) throws {
        // A label of thousands of millions would make as many classes.
        let most = 1 << 20
        if let classes, !(1...most).contains(classes) {
            throw TensorError(
                operation: "LabeledImages", argument: "classes", value: "\(classes)",
                expected: "1 to \(most)")
        }
        let last = (classes ?? most) - 1
        if let place = labels.firstIndex(where: { $0 < 0 || $0 > last }) {
            throw FileError(
                file: labelsFile.path,
                problem: "label \(labels[place] + firstLabel) at place \(place)",
                expected: "labels from \(firstLabel) to \(last + firstLabel)")
        }
        try self.init(
            images: images, labels: labels, classes: classes ?? (labels.max() ?? 0) + 1)
    }
}
