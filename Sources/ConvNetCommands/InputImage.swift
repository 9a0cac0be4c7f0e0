// SPDX-License-Identifier: MIT
//
// The image files that commands take, made into what a network takes.

import ConvNet
import ConvNetImages
import ConvNetOptions
import Foundation

enum InputImage {
    /// The one file that a call names.
    ///
    /// - Throws: ``UsageError`` when there is none, or more.
    static func only(_ options: Options) throws(UsageError) -> URL {
        guard let path = options.operands.first else {
            throw UsageError("no image, expected an image file")
        }
        if options.operands.count > 1 {
            throw UsageError("\(options.operands[1]) is unexpected, expected one image")
        }
        return URL(fileURLWithPath: path)
    }

    /// An image, scaled to a network's input.
    ///
    /// - Returns: `[1, C, H, W]`, from 0 to 1.
    /// - Throws: ``FileError`` when the file can't be read, ``TensorError`` when the network
    ///   takes neither gray nor coloured images.
    static func read(_ file: URL, for network: Network, inverted: Bool) throws -> Tensor {
        let shape = network.inputShape
        guard shape.count == 3 else {
            throw TensorError(
                operation: "InputImage", argument: "network", value: "an input of \(shape)",
                expected: "[C, H, W]")
        }
        guard let side = network.preprocessing?.shorterSide else {
            return try image(file).tensor(
                channels: shape[0], height: shape[1], width: shape[2], inverted: inverted)
        }
        // As in training: the middle of the image, in whole numbers.
        let image = try image(file, covering: ImageSize(width: side, height: side))
        let size = ImageSize(width: shape[2], height: shape[1])
        let framed = try ImagePreparation(size: size, shorterSide: side).framed(image)
            .converted(toChannels: shape[0])
        return try (inverted ? framed.inverted() : framed).tensor().reshaped(to: [1] + shape)
    }

    /// An image of a file, or of standard input where the file is called `-`.
    private static func image(_ file: URL, covering: ImageSize? = nil) throws -> Image {
        guard file.relativePath == "-" else {
            return try Image(contentsOf: file, covering: covering)
        }
        var bytes: [UInt8] = []
        while let part = try FileHandle.standardInput.read(upToCount: 1 << 20), !part.isEmpty {
            bytes += part
            guard bytes.count <= Image.largestByteCount else {
                throw FileError(
                    file: "standard input", problem: "more than \(Image.largestByteCount) bytes",
                    expected: "an image")
            }
        }
        return try Image(bytes: bytes, file: "standard input", covering: covering)
    }
}
