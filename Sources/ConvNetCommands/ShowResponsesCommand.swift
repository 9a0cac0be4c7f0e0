// SPDX-License-Identifier: MIT
//
// convnet show responses: an image through each filter of the first layer, as "Deep Learning from
// Scratch" does in section 7.6: one pixel at a time, without the layer's bias.

import ConvNet
import ConvNetImages
import ConvNetOptions
import ConvNetPlots
import Foundation

enum ShowResponsesCommand: Command {
    static let name = "show responses"
    static let summary = "Draws what each filter of the first layer makes of an image."
    static let operands = "IMAGE"
    static let example =
        "convnet show responses photograph.png --parameters digits.safetensors --out responses.png"
    static let options = [
        Option.parameters,
        .invert,
        Option("limit", "N", "Show only the first N filters."),
        .threads,
        .picture,
    ]

    /// More numbers would take too much memory for a picture: 1 GiB of them.
    private static let mostNumbers = 1 << 28

    static func run(_ options: Options) throws {
        let file = try InputImage.only(options)
        let parameters = try options.requiredParameters()
        let output = try options.requiredPicture()
        let limit = try options.int("limit")
        let kernels = try options.nativeKernels()
        var weights = try FirstLayer.filters(in: parameters)
        if let limit, limit < weights.shape[0] { weights = try weights.samples(0..<limit) }
        let photograph = try Image(contentsOf: file)
        let numbers = (photograph.width * photograph.height)
            .multipliedReportingOverflow(by: weights.shape[0])
        guard !numbers.overflow, numbers.partialValue <= mostNumbers else {
            throw FileError(
                file: file.path,
                problem: "\(photograph.width) x \(photograph.height) pixels for "
                    + "\(weights.shape[0]) filters",
                expected: "at most \(mostNumbers) responses; --limit shows fewer filters")
        }
        let x = try photograph.tensor(
            channels: weights.shape[1], inverted: options.has("invert"))
        let responses = try kernels.convolution(
            x, weights: weights.converted(to: .float32), bias: nil,
            window: Window(height: weights.shape[2], width: weights.shape[3]))
        try Picture.responses(image: x, weights: weights, responses: responses)
            .write(to: output)
        print("wrote \(output.path)")
    }
}
