// SPDX-License-Identifier: MIT
//
// The networks with branches that commands know by name, and the images that they were published
// for.

import ConvNet

/// The images that a network is made for.
struct ImageKind: Sendable, Hashable {
    /// The shape of one, `[C, H, W]`.
    let shape: [Int]
    /// How many classes they have.
    let classes: Int

    /// MNIST's digits and drawn ones.
    static let digits = ImageKind(shape: [1, 28, 28], classes: 10)
    /// ImageNet's photographs.
    static let photographs = ImageKind(shape: [3, 224, 224], classes: 1000)
    /// CIFAR-10's small images.
    static let small = ImageKind(shape: [3, 32, 32], classes: 10)
    /// Images with an object and its ground.
    static let masks = ImageKind(shape: [3, 128, 128], classes: 2)
}

/// A network that can be made for any images.
struct NamedGraph: Sendable {
    /// What `--network` calls it.
    let name: String
    /// The images that it was published for.
    let images: ImageKind
    /// How it was trained.
    let recipe: TrainingRecipe
    /// Makes it.
    let build: @Sendable (ImageKind, _ seed: UInt64, any Kernels) throws -> Network

    private init(
        _ name: String, _ images: ImageKind, _ recipe: TrainingRecipe,
        build: @escaping @Sendable (ImageKind, UInt64, any Kernels) throws -> Network
    ) {
        self.name = name
        self.images = images
        self.recipe = recipe
        self.build = build
    }

    /// A residual network for small images, which its depth names.
    private static func small(_ depth: Int) -> NamedGraph {
        NamedGraph("resnet\(depth)", .small, .smallImages) {
            try .smallResNet(
                depth: depth, classes: $0.classes, inputShape: $0.shape, seed: $1, kernels: $2)
        }
    }

    /// All of them.
    static let all = [
        NamedGraph("resnet18", .photographs, .photographs) {
            try .resnet18(classes: $0.classes, inputShape: $0.shape, seed: $1, kernels: $2)
        },
        NamedGraph("resnet34", .photographs, .photographs) {
            try .resnet34(classes: $0.classes, inputShape: $0.shape, seed: $1, kernels: $2)
        },
        NamedGraph("resnet50", .photographs, .photographs) {
            try .resnet50(classes: $0.classes, inputShape: $0.shape, seed: $1, kernels: $2)
        },
        NamedGraph("mobilenet_v2", .photographs, .mobileNet) {
            try .mobileNetV2(classes: $0.classes, inputShape: $0.shape, seed: $1, kernels: $2)
        },
        NamedGraph("squeezenet1_1", .photographs, .squeezeNet) {
            try .squeezeNet(classes: $0.classes, inputShape: $0.shape, seed: $1, kernels: $2)
        },
        small(20), small(32), small(56),
        NamedGraph("unet", .masks, .segmentation) {
            try .unet(classes: $0.classes, inputShape: $0.shape, seed: $1, kernels: $2)
        },
    ]
}
