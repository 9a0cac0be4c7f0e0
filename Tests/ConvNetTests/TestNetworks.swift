// SPDX-License-Identifier: MIT
//
// Networks and data sets that are small enough to look through, and folders for files.

import ConvNet
import ConvNetData
import ConvNetTestSupport
import Foundation

/// A layer whose gradients are given, to see what an optimizer does with them.
struct GivenGradients: Layer {
    var value: Tensor
    var gradients: [Tensor]
    private var step = 0

    init(_ value: Tensor, gradients: [Tensor]) {
        self.value = value
        self.gradients = gradients
    }

    var parameters: [(key: String, value: Tensor)] { [("W", value)] }

    mutating func updateParameters(
        _ body: (_ key: String, _ value: inout Tensor, _ gradient: Tensor?) throws -> Void
    ) throws {
        defer { step += 1 }
        try body("W", &value, step < gradients.count ? gradients[step] : nil)
    }

    func outputShape(for inputShape: [Int]) throws -> [Int] { inputShape }
    func predict(_ x: Tensor, on kernels: any Kernels) throws -> Tensor { x }
    mutating func forward(_ x: Tensor, on kernels: any Kernels) throws -> Tensor { x }
    mutating func backward(
        _ outputGradient: Tensor, needsInputGradient: Bool, on kernels: any Kernels
    ) throws -> Tensor? { nil }
    func converted(to scalarType: ScalarType) throws -> GivenGradients { self }
}

/// A layer that fails where it is asked for the gradient of its input.
struct FirstLayer: Layer {
    func outputShape(for inputShape: [Int]) throws -> [Int] { inputShape }
    func predict(_ x: Tensor, on kernels: any Kernels) throws -> Tensor { x }
    mutating func forward(_ x: Tensor, on kernels: any Kernels) throws -> Tensor { x }
    mutating func backward(
        _ outputGradient: Tensor, needsInputGradient: Bool, on kernels: any Kernels
    ) throws -> Tensor? {
        guard !needsInputGradient else {
            throw TensorError(
                operation: "FirstLayer", argument: "needsInputGradient", value: "true",
                expected: "false")
        }
        return nil
    }
    func converted(to scalarType: ScalarType) throws -> FirstLayer { self }
}

/// A layer that scales by a parameter and writes down in a buffer which step it was told of last.
struct StepRecorder: Layer {
    var scale: Tensor
    var lastStep: Tensor
    private var step = 0

    init() throws {
        scale = try Tensor(shape: [1], repeating: 1)
        lastStep = try Tensor(shape: [1], repeating: -1)
    }

    var parameters: [(key: String, value: Tensor)] { [("W", scale)] }
    var buffers: [(key: String, value: Tensor)] { [("step", lastStep)] }

    mutating func updateBuffers(
        _ body: (_ key: String, _ value: inout Tensor) throws -> Void
    ) throws { try body("step", &lastStep) }

    mutating func updateParameters(
        _ body: (_ key: String, _ value: inout Tensor, _ gradient: Tensor?) throws -> Void
    ) throws { try body("W", &scale, nil) }

    mutating func willTrain(step: Int) { self.step = step }

    func outputShape(for inputShape: [Int]) throws -> [Int] { inputShape }
    func predict(_ x: Tensor, on kernels: any Kernels) throws -> Tensor { x }
    mutating func forward(_ x: Tensor, on kernels: any Kernels) throws -> Tensor {
        lastStep = try Tensor(shape: [1], repeating: Double(step))
        return x
    }
    mutating func backward(
        _ outputGradient: Tensor, needsInputGradient: Bool, on kernels: any Kernels
    ) throws -> Tensor? { outputGradient }
    func converted(to scalarType: ScalarType) throws -> StepRecorder { self }
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
