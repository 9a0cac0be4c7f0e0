// SPDX-License-Identifier: MIT
//
// What PyTorch's layers gave on some drawn cases, as Tests/Fixtures/layers.py wrote it down.

import Foundation
import Testing

@testable import ConvNet

/// The cases of Tests/Fixtures/layers.json.
struct LayerFixture: Decodable {
    /// A tensor in `Double`; the number type is chosen later.
    struct Stored: Decodable {
        let shape: [Int]
        let numbers: [Double]

        func tensor(_ type: ScalarType = .float64) throws -> Tensor {
            try Tensor(shape: shape, doubles: numbers).converted(to: type)
        }
    }

    /// A layer, what it is given, and what comes out.
    struct Case: Decodable, CustomTestStringConvertible {
        struct Step: Decodable {
            let inputs: [Stored]
            let output, outputGradient: Stored
            let inputGradients: [Stored]
            /// Those of the parameters.
            let gradients: [String: Stored]
        }
        let name, layer: String
        let settings: LayerSettings
        let tensors: [String: Stored]
        let steps: [Step]
        /// Buffers after the last step.
        let buffers: [String: Stored]
        /// The prediction for the last step's input, where it isn't that step's output.
        let prediction: Stored?

        var testDescription: String { name }

        /// The layer before its first step.
        func layer(_ type: ScalarType) throws -> any DescribedLayer {
            let made = try #require(
                BuiltInLayers.types.first { $0.typeName == layer }, "\(layer)")
            return try made.init(
                settings: settings, tensors: LayerTensors(tensors.mapValues { try $0.tensor(type) })
            )
        }
    }

    /// One step of a layer with several inputs.
    private struct Join: Decodable {
        let name, layer: String
        let settings: LayerSettings
        let inputs: [Stored]
        let output, outputGradient: Stored
        let inputGradients: [Stored]

        var asCase: Case {
            let step = Case.Step(
                inputs: inputs, output: output, outputGradient: outputGradient,
                inputGradients: inputGradients, gradients: [:])
            return Case(
                name: name, layer: layer, settings: settings, tensors: [:], steps: [step],
                buffers: [:], prediction: nil)
        }
    }

    /// Logits, what they should have been, and the loss.
    struct Loss: Decodable, CustomTestStringConvertible {
        let name: String
        let logits: Stored
        let labels: [Int]?
        let targets: Stored?
        let loss: Double
        let gradient: Stored

        var testDescription: String { name }
    }

    /// A loss that is no kernel of its own, with its settings.
    struct OtherLoss: Decodable, CustomTestStringConvertible {
        struct Settings: Decodable {
            let labelSmoothing: Double?
            let classWeights: [Double]?
            let ignoredLabel: Int?
        }
        let name: String
        let settings: Settings
        let output: Stored
        let labels: [Int]?
        let values: Stored?
        let loss: Double
        let gradient: Stored

        var testDescription: String { name }

        /// The loss that the name stands for.
        func made() throws -> any ConvNet.Loss {
            switch name.prefix(while: { $0 != "," }) {
            case "MeanSquaredError": MeanSquaredError()
            case "BinaryCrossEntropyWithLogits": BinaryCrossEntropyWithLogits()
            default:
                try SoftmaxCrossEntropy(
                    labelSmoothing: settings.labelSmoothing ?? 0,
                    classWeights: settings.classWeights?.isEmpty == false
                        ? settings.classWeights : nil, ignoredLabel: settings.ignoredLabel)
            }
        }
    }

    private let joins: [Join]
    private let single: [Case]
    let losses: [Loss]
    let otherLosses: [OtherLoss]
    /// Batch normalizations by running statistics, with gradients.
    let frozen: [Case]

    private enum CodingKeys: String, CodingKey {
        case joins, losses, otherLosses, frozen
        case single = "cases"
    }

    /// Those of layers with one input and with several.
    var cases: [Case] { single + joins.map(\.asCase) }

    static func load() throws -> LayerFixture {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../Fixtures/layers.json")
        return try JSONDecoder().decode(LayerFixture.self, from: Data(contentsOf: file))
    }
}

extension LayerFixture.Case.Step {
    private enum CodingKeys: String, CodingKey {
        case x, output, outputGradient, inputGradient, gradients
    }

    init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        inputs = [try values.decode(LayerFixture.Stored.self, forKey: .x)]
        output = try values.decode(LayerFixture.Stored.self, forKey: .output)
        outputGradient = try values.decode(LayerFixture.Stored.self, forKey: .outputGradient)
        inputGradients = [try values.decode(LayerFixture.Stored.self, forKey: .inputGradient)]
        gradients = try values.decode([String: LayerFixture.Stored].self, forKey: .gradients)
    }
}
