// SPDX-License-Identifier: MIT
//
// The networks that are measured, with the batches that they are measured on.

import ConvNet

/// A network, its batch, and the figures that rates are made of.
struct BenchmarkNetwork: Sendable {
    let name: String
    let inputShape: [Int]
    let batchSize: Int
    /// Multiply-adds of each layer with parameters, for one image.
    let layerProducts: [Int]
    /// All numbers that are trained.
    let parameterCount: Int
    /// Whether its batches wait for `--full`: of two images, the reference trains for a quarter of
    /// a minute.
    var batchesNeedFull = false
    let make: @Sendable (_ kernels: any Kernels) throws -> Network

    /// Such as `3×227×227`.
    var imageSizes: String { inputShape.map(String.init).joined(separator: "×") }

    /// Multiply-adds of a forward pass for one image.
    var products: Int { layerProducts.reduce(0, +) }
    /// Those of the first layer.
    var firstProducts: Int { layerProducts[0] }

    /// Bytes that the prediction of some images must move: images and parameters, beside which the
    /// logits are nothing.
    func predictionBytes(_ count: Int) -> Double {
        4 * Double(count * inputShape.reduce(1, *) + parameterCount)
    }

    /// Bytes that a training step must move: images are read, parameters and Adam's two moments
    /// read and written.
    var trainingBytes: Double {
        4 * Double(batchSize * inputShape.reduce(1, *) + 6 * parameterCount)
    }

    /// Drawn images.
    func images(_ count: Int) throws -> Tensor {
        try Inputs.tensor([count] + inputShape, seed: 1)
    }

    static let all = [simpleConvNet, leNet, alexNet]

    private static let simpleConvNet = BenchmarkNetwork(
        name: "SimpleConvNet", inputShape: [1, 28, 28], batchSize: 100,
        layerProducts: [24 * 24 * 30 * 25, 4320 * 100, 100 * 10], parameterCount: 433_890
    ) { try SimpleConvNet(seed: 1, initialization: .he, kernels: $0).network }

    private static let leNet = BenchmarkNetwork(
        name: "LeNet", inputShape: [1, 28, 28], batchSize: 100,
        layerProducts: [28 * 28 * 6 * 25, 10 * 10 * 16 * 150, 400 * 120, 120 * 84, 84 * 10],
        parameterCount: 61_706
    ) { try LeNet(seed: 1, form: .classic, kernels: $0).network }

    private static let alexNet = BenchmarkNetwork(
        name: "AlexNet", inputShape: [3, 227, 227], batchSize: 16,
        layerProducts: [
            55 * 55 * 96 * 363, 27 * 27 * 256 * 1200, 13 * 13 * 384 * 2304, 13 * 13 * 384 * 1728,
            13 * 13 * 256 * 1728, 9216 * 4096, 4096 * 4096, 4096 * 1000,
        ],
        parameterCount: 60_965_224, batchesNeedFull: true
    ) { try AlexNet(seed: 1, kernels: $0).network }
}
