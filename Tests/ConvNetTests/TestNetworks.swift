// SPDX-License-Identifier: MIT
//
// Networks and data sets that are small enough to look through, and folders for files.

import ConvNet
import ConvNetData
import ConvNetTestSupport
import Foundation

/// A layer that fails where it is asked for the gradient of its input.
struct FirstLayer: UnaryLayer {
    func outputShape(for inputShape: [Int]) throws -> [Int] { inputShape }
    func forward(_ x: Tensor, in pass: Pass) throws -> Forward {
        Forward(x) { _, wanted in
            guard !wanted.input else {
                throw TensorError(
                    operation: "FirstLayer", argument: "wanted", value: "input",
                    expected: "no input")
            }
            return LayerGradients(input: nil)
        }
    }
}

/// A layer with a parameter, which gets no gradient, that writes down in a buffer which step it
/// was given last.
struct StepRecorder: UnaryLayer {
    var parameters: [Tensor]
    var buffers: [Tensor]
    let parameterNames = ["W"]
    let bufferNames = ["step"]

    init() throws {
        parameters = [try Tensor(shape: [1], repeating: 1)]
        buffers = [try Tensor(shape: [1], repeating: -1)]
    }

    func outputShape(for inputShape: [Int]) throws -> [Int] { inputShape }
    func predict(_ x: Tensor, on kernels: any Kernels) throws -> Tensor { x }
    func forward(_ x: Tensor, in pass: Pass) throws -> Forward {
        let step = try Tensor(shape: [1], repeating: Double(pass.step))
        return Forward(x, buffers: [step]) { outputGradient, _ in
            LayerGradients(
                input: outputGradient, parameters: [try Tensor(zeros: [1])])
        }
    }
}

/// Samples in memory in a given order, right or wrong.
struct GivenSamples: BatchSource {
    var images: Tensor
    var labels: [Int]
    var order: [Int]

    init(_ images: Tensor, _ labels: [Int], order: [Int]? = nil) {
        self.images = images
        self.labels = labels
        self.order = order ?? Array(labels.indices)
    }

    var sampleCount: Int { labels.count }
    func order(ofEpoch epoch: Int) -> [Int] { order }
    func batch(at indices: [Int]) throws -> Batch {
        try Batch(images: images.samples(at: indices), labels: indices.map { labels[$0] })
    }
}

/// The book's network in small: 8×8 images, 3 filters of 3×3, 5 hidden numbers, 4 classes.
func smallNetwork(
    seed: UInt64 = 1, kernels: any Kernels = NativeKernels(),
    initialization: Initialization = .he
) throws -> SimpleConvNet {
    try SimpleConvNet(
        seed: seed, inputShape: [1, 8, 8], filters: 3, filterSize: 3, hiddenSize: 5, classes: 4,
        initialization: initialization, kernels: kernels)
}

/// Drawn images for the small network.
func smallImages(_ count: Int, seed: Int = 1) throws -> Tensor {
    var draw = Draw(seed: seed)
    return try draw.normal([count, 1, 8, 8])
}
