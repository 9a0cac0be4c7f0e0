// SPDX-License-Identifier: MIT
//
// Networks of each of the package's layers, for what must hold for all of them: files and export.

import ConvNet
import ConvNetTestSupport

/// A network and what its numbers allow to expect.
struct DescribedNetwork {
    let name: String
    let network: Network
    /// Whether parameters and samples are small whole numbers and the layers keep them so: then
    /// results are exact whatever the order of sums.
    let isExact: Bool

    /// Drawn samples.
    func samples(_ count: Int) throws -> Tensor {
        var draw = Draw(seed: count)
        let shape = [count] + network.inputShape
        return isExact ? try draw.integers(shape) : try draw.normal(shape)
    }
}

/// A network of one layer.
private func single(
    _ name: String, _ layer: any Layer, on inputShape: [Int], isExact: Bool = false
) throws -> DescribedNetwork {
    DescribedNetwork(
        name: name,
        network: try Network(inputShape: inputShape, layers: [NamedLayer(name, layer)]),
        isExact: isExact)
}

/// Each layer alone, over drawn windows where it has one, and the ready-made networks.
func describedNetworks() throws -> [DescribedNetwork] {
    try windowedLayers() + otherLayers() + normalizations() + readyMadeNetworks()
}

private func windowedLayers() throws -> [DescribedNetwork] {
    var networks: [DescribedNetwork] = []
    for seed in 0..<20 {
        var draw = Draw(seed: seed)
        let groups = draw.pick([1, 2, 4])
        let (shape, window) = try draw.windowedShape(samples: 1...1, channels: 4)
        let convolution = try Convolution(
            weights: draw.integers([8, 4 / groups, window.size.height, window.size.width]),
            bias: draw.integers([8]), window: window, groups: groups)
        networks.append(
            try single(
                "convolution-\(seed)", convolution, on: Array(shape.dropFirst()), isExact: true))

        let pooled = try draw.windowedShape(samples: 1...1, channels: 2, pooling: true)
        networks.append(
            try single(
                "max-pooling-\(seed)", MaxPooling(window: pooled.window),
                on: Array(pooled.shape.dropFirst()), isExact: true))
        networks.append(
            try single(
                "average-pooling-\(seed)",
                AveragePooling(window: pooled.window, countIncludePad: draw.oneIn(2)),
                on: Array(pooled.shape.dropFirst())))
    }
    return networks
}

private func otherLayers() throws -> [DescribedNetwork] {
    var draw = Draw(seed: 1)
    let affine = try Affine(weights: draw.integers([12, 5]), bias: draw.integers([5]))
    return [
        try single("affine-of-rows", affine, on: [12], isExact: true),
        try single("affine-of-images", affine, on: [3, 2, 2], isExact: true),
        try single("relu", ReLU(), on: [3, 4, 5], isExact: true),
        try single("sigmoid", Sigmoid(), on: [3, 4, 5]),
        try single("tanh", Tanh(), on: [3, 4, 5]),
        try single("leaky-relu", LeakyReLU(negativeSlope: 0.25), on: [3, 4, 5], isExact: true),
        try single("softmax", Softmax(), on: [6]),
        try single("flatten", Flatten(), on: [3, 4, 5], isExact: true),
        try single("global-average", GlobalAveragePooling(), on: [3, 4, 5]),
        try single("global-max", GlobalMaxPooling(), on: [3, 4, 5], isExact: true),
        try single("batch-of-images", drawnBatchNormalization(channels: 3), on: [3, 4, 5]),
        try single("batch-of-rows", drawnBatchNormalization(channels: 6), on: [6]),
        try single("dropout", Dropout(rate: 0.3, seed: .max, stream: 2), on: [7], isExact: true),
        // The last place reaches past the image by more than the window has taps.
        try single(
            "max-pooling-far",
            MaxPooling(window: Window(2, stride: 4, dilation: 3, ceilMode: true)),
            on: [2, 5, 5], isExact: true),
        // The only place reaches past the image.
        try single(
            "max-pooling-larger", MaxPooling(3, stride: 2, ceilMode: true), on: [2, 2, 2],
            isExact: true),
        try single(
            "average-pooling-larger",
            AveragePooling(5, stride: 4, padding: 1, ceilMode: true, countIncludePad: true),
            on: [2, 2, 1]),
    ]
}

/// Sizes odd and even, with fewer channels than neighbours too, on each kind of sample.
private func normalizations() throws -> [DescribedNetwork] {
    var networks: [DescribedNetwork] = []
    for (index, shape) in [[7, 3, 4], [3, 2, 2], [6], [5, 4]].enumerated() {
        for size in [1, 4, 5] {
            let layer = try LocalResponseNormalization(size: size, alpha: 0.5, beta: 0.75, k: 2)
            networks.append(try single("response-\(size)-\(index)", layer, on: shape))
        }
    }
    return networks
}

private func readyMadeNetworks() throws -> [DescribedNetwork] {
    [
        DescribedNetwork(
            name: "simple", network: try SimpleConvNet(seed: 1).network, isExact: false),
        DescribedNetwork(
            name: "simple-small", network: try smallNetwork().network, isExact: false),
        DescribedNetwork(
            name: "lenet", network: try LeNet(seed: 1).network, isExact: false),
        DescribedNetwork(
            name: "lenet-1998", network: try LeNet(seed: 1, form: .classic).network,
            isExact: false),
        try smallAlexNet(groups: 1), try smallAlexNet(groups: 2),
    ]
}

/// AlexNet with few filters on small images: the same layers.
private func smallAlexNet(groups: Int) throws -> DescribedNetwork {
    let network = try AlexNet(
        seed: 1, inputShape: [3, 67, 67], filters: [6, 8, 12, 12, 8], hiddenSize: 20, classes: 7,
        groups: groups)
    return DescribedNetwork(name: "alexnet-\(groups)", network: network.network, isExact: false)
}

/// A batch normalization with statistics, none of which is 0 or 1.
private func drawnBatchNormalization(channels: Int) throws -> BatchNormalization {
    var draw = Draw(seed: channels)
    let squares = try draw.normal([channels]).scalars.map { $0 * $0 + 0.5 }
    return try BatchNormalization(
        gamma: draw.normal([channels]), beta: draw.normal([channels]),
        mean: draw.normal([channels]), variance: Tensor(shape: [channels], scalars: squares),
        epsilon: 1e-3, momentum: 0.2)
}
