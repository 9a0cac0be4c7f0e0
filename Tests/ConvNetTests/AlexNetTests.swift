// SPDX-License-Identifier: MIT
//
// AlexNet: a narrow one against PyTorch's, what is refused, and that the loss falls on drawn
// images.

import ConvNet
import ConvNetData
import ConvNetReference
import ConvNetTestSupport
import Foundation
import Testing

struct AlexNetTests {
    /// The network of Tests/Fixtures/alexnet.py without dropout, so that its gradient is a
    /// function.
    private static func narrow(kernels: any Kernels) throws -> AlexNet {
        try AlexNet(
            seed: 1, inputShape: [3, 67, 67], filters: [4, 6, 8, 6, 4], hiddenSize: 8, classes: 5,
            dropout: 0, kernels: kernels)
    }

    /// The fixture's images: whole numbers from -8 to 8, over 8.
    private static func images(_ count: Int, side: Int) throws -> Tensor {
        try Tensor(
            shape: [count, 3, side, side],
            scalars: (0..<count * 3 * side * side).map { Float($0 * 7919 % 17 - 8) / 8 })
    }

    /// The sums' lengths along a path from an image to a logit: 1,188 roundings, and as many back.
    private static let pathLength = 363 + 50 + 54 + 36 + 27 + 4 + 8 + 8 + 638

    @Test(arguments: [true, false])
    func logitsLossAndGradientsArePyTorchs(_ isNative: Bool) throws {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../Fixtures/alexnet.safetensors")
        let tensors = Dictionary(
            uniqueKeysWithValues: try Safetensors.decode(Data(contentsOf: file)).map {
                ($0.name, $0.value)
            })
        var network = try Self.narrow(kernels: isNative ? NativeKernels() : ReferenceKernels())
        try network.network.replaceParameters(
            network.parameters.map { try #require(tensors[$0.name]) })
        let (x, labels) = (try Self.images(3, side: 67), [4, 0, 2])

        func expect(_ found: Tensor, _ name: String, roundings: Int) throws {
            let wanted = try #require(tensors["out.\(name)"])
            let largest = wanted.doubles.map(abs).reduce(0, max)
            // PyTorch computed in Double; cancellation is judged by the largest number.
            let comparison = Comparison(
                found, wanted,
                bounds: [Double](repeating: largest * gamma(roundings), count: wanted.count))
            #expect(comparison.isWithinBounds, "\(name): \(comparison)")
        }
        try expect(network.predict(x), "logits", roundings: 2 * Self.pathLength)
        let loss = try #require(tensors["out.loss"]).doubles[0]
        #expect(
            abs(try network.loss(x, labels: labels) - loss) <= loss * gamma(2 * Self.pathLength))
        for (name, gradient) in try network.gradient(x, labels: labels) {
            // And the places of a filter, 225 in each of three images.
            try expect(gradient, name, roundings: 2 * Self.pathLength + 675)
        }
    }

    /// Twenty steps on drawn images, dropout included.
    @Test func theLossFallsOnDrawnImages() throws {
        var network = try AlexNet(
            seed: 1, inputShape: [3, 67, 67], filters: [8, 16, 16, 16, 8], hiddenSize: 32,
            classes: 10)
        let source = try SyntheticPatterns(count: 320, side: 67, seed: 1)
        var trainer = try Trainer(optimizer: Adam(), batchSize: 16, epochs: 1)
        var losses: [Double] = []
        try trainer.train(&network, on: source) { event in
            if case .step(let record) = event { losses.append(record.loss) }
        }
        #expect(losses.count == 20)
        let (first, last) = (losses.prefix(5).reduce(0, +), losses.suffix(5).reduce(0, +))
        #expect(last < first, "\(losses)")
    }

    @Test func mistakesAreNamed() {
        #expect {
            try AlexNet(seed: 1, filters: [96, 256])
        } throws: {
            "\($0)" == "AlexNet: filters is [96, 256], expected five numbers, one per convolution"
        }
        #expect(throws: TensorError.self) { try AlexNet(seed: 1, inputShape: [3, 227]) }
        #expect(throws: TensorError.self) { try AlexNet(seed: 1, inputShape: [3, 62, 62]) }
        #expect(throws: TensorError.self) { try AlexNet(seed: 1, groups: 3) }
        #expect(throws: TensorError.self) { try AlexNet(seed: 1, dropout: 1) }
        #expect(throws: TensorError.self) { try LeNet(seed: 1, inputShape: [28, 28]) }
        #expect(throws: TensorError.self) { try LeNet(seed: 1, inputShape: [1, 8, 8]) }
        #expect(throws: TensorError.self) { try LeNet(seed: 1, classes: 0) }
    }
}
