// SPDX-License-Identifier: MIT
//
// What PyTorch's layers gave on some drawn cases, as Tests/Fixtures/layers.py wrote it down.

import ConvNet
import Foundation
import Testing

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
            let x, output, outputGradient, inputGradient: Stored
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
            let made = try #require(LayerFixture.types.first { $0.typeName == layer }, "\(layer)")
            return try made.init(
                settings: settings, tensors: LayerTensors(tensors.mapValues { try $0.tensor(type) })
            )
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

    let cases: [Case]
    let losses: [Loss]

    /// Every layer but `Dropout`, which draws from a generator of its own and so can't be compared.
    static let types: [any DescribedLayer.Type] = [
        Affine.self, AveragePooling.self, BatchNormalization.self, Convolution.self, Flatten.self,
        GlobalAveragePooling.self, GlobalMaxPooling.self, LeakyReLU.self,
        LocalResponseNormalization.self, MaxPooling.self, ReLU.self, Sigmoid.self, Softmax.self,
        Tanh.self,
    ]

    static func load() throws -> LayerFixture {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../Fixtures/layers.json")
        return try JSONDecoder().decode(LayerFixture.self, from: Data(contentsOf: file))
    }
}
