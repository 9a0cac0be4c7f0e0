// SPDX-License-Identifier: MIT
//
// The networks of today that are measured: those of this library, and those that are read from
// files.

import ConvNet

/// A network of today.
struct BenchmarkModel: Sendable {
    /// Its name, which is torchvision's where it is one of theirs.
    let name: String
    /// The shape of one image.
    let inputShape: [Int]
    /// Multiply-adds of convolutions and affine layers, for one image.
    let products: Int
    /// All numbers that are trained.
    let parameterCount: Int
    /// The images of a training step; nil where none is measured.
    var trainingBatch: Int?
    /// Whether its predictions wait for `--full`.
    var needsFull = true
    /// Makes it with drawn weights; nil where it comes from a file only.
    var make: (@Sendable (_ kernels: any Kernels) throws -> Network)?

    /// Such as `3×224×224`.
    var imageSizes: String { inputShape.map(String.init).joined(separator: "×") }

    /// Bytes that the prediction of some images must move: images and parameters.
    func predictionBytes(_ count: Int) -> Double {
        4 * Double(count * inputShape.reduce(1, *) + parameterCount)
    }

    /// Bytes that a training step must move: images are read, parameters and velocities read and
    /// written.
    func trainingBytes(_ count: Int) -> Double {
        4 * Double(count * inputShape.reduce(1, *) + 4 * parameterCount)
    }

    private static let photograph = [3, 224, 224]

    static let all = [
        BenchmarkModel(
            name: "resnet20", inputShape: [3, 32, 32], products: 40_813_184,
            parameterCount: 272_474, trainingBatch: 128, needsFull: false
        ) { try .smallResNet(depth: 20, seed: 1, kernels: $0) },
        BenchmarkModel(
            name: "resnet18", inputShape: photograph, products: 1_814_073_344,
            parameterCount: 11_689_512, trainingBatch: 8
        ) { try .resnet18(seed: 1, kernels: $0) },
        BenchmarkModel(
            name: "resnet50", inputShape: photograph, products: 4_089_184_256,
            parameterCount: 25_557_032
        ) { try .resnet50(seed: 1, kernels: $0) },
        BenchmarkModel(
            name: "mobilenet_v2", inputShape: photograph, products: 300_774_272,
            parameterCount: 3_504_872, trainingBatch: 8
        ) { try .mobileNetV2(seed: 1, kernels: $0) },
        BenchmarkModel(
            name: "squeezenet1_1", inputShape: photograph, products: 349_151_936,
            parameterCount: 1_235_496, trainingBatch: 8
        ) { try .squeezeNet(seed: 1, kernels: $0) },
        BenchmarkModel(
            name: "unet", inputShape: [3, 128, 128], products: 1_592_262_656,
            parameterCount: 466_562, trainingBatch: 4
        ) { try .unet(seed: 1, kernels: $0) },
        BenchmarkModel(
            name: "googlenet", inputShape: photograph, products: 1_498_373_120,
            parameterCount: 6_624_904),
        BenchmarkModel(
            name: "densenet121", inputShape: photograph, products: 2_834_161_664,
            parameterCount: 7_978_856),
        BenchmarkModel(
            name: "efficientnet_b0", inputShape: photograph, products: 385_814_752,
            parameterCount: 5_288_548),
        BenchmarkModel(
            name: "shufflenet_v2", inputShape: photograph, products: 144_909_760,
            parameterCount: 2_278_604),
        BenchmarkModel(
            name: "mobilenet_v3_small", inputShape: photograph, products: 56_510_000,
            parameterCount: 2_542_856),
        BenchmarkModel(
            name: "vgg11", inputShape: photograph, products: 7_609_090_048,
            parameterCount: 132_863_336),
    ]
}
