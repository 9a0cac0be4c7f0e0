// SPDX-License-Identifier: MIT
//
// convnet show attention: where in an image a network sees a class.

import ConvNet
import ConvNetOptions
import ConvNetPlots
import Foundation

enum ShowAttentionCommand: Command {
    static let name = "show attention"
    static let summary = "Draws where in an image a network sees a class (Grad-CAM)."
    static let operands = "IMAGE"
    static let example =
        "convnet show attention dog.png --parameters resnet18.safetensors --out attention.png"
    static let options =
        Networks.fileOptions + [
            .invert
        ] + PreprocessingOptions.options + [
            Option("class", "CLASS", "The class, by name or number; the most probable one."),
            Option(
                "layer", "NAME",
                "The layer whose places are asked, or the part that it ends; the last one with "
                    + "more than one place."),
            .threads,
            .picture,
        ]

    static func run(_ options: Options) throws {
        let file = try InputImage.only(options)
        _ = try options.requiredParameters()
        let output = try options.requiredPicture()
        try Networks.requireClassifier(options)
        let network = try Networks.load(options)
        let preprocessing = try PreprocessingOptions.preprocessing(
            options, of: network.network.preprocessing)
        let names = preprocessing?.classNames ?? []
        let image = try InputImage.read(
            file, for: network.network, inverted: options.has("invert"))
        let x = try preprocessing?.applied(to: image) ?? image
        let map: ClassActivationMap
        do throws(TensorError) {
            map = try activationMap(network, x, options, names)
        } catch {
            guard error.operation == "classActivationMap",
                ["label", "layer"].contains(error.argument)
            else { throw error }
            let option = error.argument == "label" ? "class" : "layer"
            throw UsageError("--\(option) is \(error.value), expected \(error.expected)")
        }
        let probability = try Probabilities.rows(of: network.predict(x))[0][map.label]
        let label = names.indices.contains(map.label) ? names[map.label] : "class \(map.label)"
        let title = CommandLineTool.line(
            "\(label), \(format("%.1f", 100 * probability)) %, at \(map.layer)")
        try Picture.attention(image: image, map: map.values, title: title).write(to: output)
        print("\(title)\nwrote \(output.path)")
    }

    /// Opens the existential.
    private static func activationMap(
        _ network: some Classifier, _ x: Tensor, _ options: Options, _ names: [String]
    ) throws(TensorError) -> ClassActivationMap {
        let label = options.string("class").map { text in
            // A class that is not there is found out by the map, which knows how many there are.
            names.firstIndex { $0.utf8.elementsEqual(text.utf8) } ?? Int(text) ?? -1
        }
        do {
            return try network.classActivationMap(
                of: x, label: label, layer: options.string("layer"))
        } catch let error as TensorError {
            throw error
        } catch {
            throw TensorError(
                operation: "show attention", argument: "network", value: "\(error)",
                expected: "one that can be differentiated")
        }
    }
}
