// SPDX-License-Identifier: MIT
//
// convnet show features: what each layer of a network extracts from one image.

import ConvNet
import ConvNetOptions
import ConvNetPlots
import Foundation

enum ShowFeaturesCommand: Command {
    static let name = "show features"
    static let summary = "Draws what each layer of a network extracts from one image."
    static let operands = "[IMAGE]"
    static let example =
        "convnet show features seven.png --parameters digits.safetensors --out features.png"
    static let options =
        Networks.fileOptions + [
            .invert,
            Option("image", "N", "Instead of IMAGE: the test image of this number, from 0 on."),
            DataSets.folder,
            Option("channels", "N", "The most channels of a layer to show, up to 64; 8."),
            .threads,
            .picture,
        ]

    static func run(_ options: Options) throws {
        _ = try options.requiredParameters()
        let output = try options.requiredPicture()
        let channels = try options.int("channels") ?? 8
        guard channels <= 64 else {
            throw UsageError("--channels is \(channels), expected from 1 to 64")
        }
        let source = try source(options)
        let network = try Networks.load(
            options, for: options.string("image") == nil ? nil : .digits)
        let x = try source(network.network)
        let layers = try outputs(of: network.network, for: x)
        try Picture.features(image: x, layers: layers, channels: channels).write(to: output)
        print("wrote \(output.path)")
    }

    /// What gives the image, once the network is known: a file or the data set.
    private static func source(
        _ options: Options
    ) throws -> (_ network: Network) throws -> Tensor {
        let isInverted = options.has("invert")
        guard let number = try options.int("image", atLeast: 0) else {
            let file = try InputImage.only(options)
            return { try InputImage.read(file, for: $0, inverted: isInverted) }
        }
        if let operand = options.operands.first {
            throw UsageError("\(operand) is given beside --image, expected one of them")
        }
        let images = try DataSets.test(options, limit: nil)
        guard number < images.sampleCount else {
            throw UsageError(
                "--image is \(number), expected from 0 to \(images.sampleCount - 1)")
        }
        return { _ in try images.batch(at: [number]).images }
    }

    /// What comes out of each layer in turn; layers that change nothing are left out, such as a
    /// dropout outside of training.
    private static func outputs(of network: Network, for x: Tensor) throws -> [LayerOutput] {
        var outputs: [LayerOutput] = []
        try network.forEachLayer(of: x) { named, inputs, output in
            guard inputs != [output] else { return }
            outputs.append(
                LayerOutput(
                    name: named.name, kind: "\(type(of: named.layer))", output: output))
        }
        return outputs
    }
}
