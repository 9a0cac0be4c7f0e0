// SPDX-License-Identifier: MIT
//
// AlexNet, "Deep Learning from Scratch", section 7.6.2; Krizhevsky et al., "ImageNet classification
// with deep convolutional neural networks", 2012.

/// Five convolutions, two of them followed by local response normalization, and three affine layers
/// with dropout; for images of 227×227 pixels in three colours.
///
/// ```swift
/// var network = try AlexNet(seed: 1, classes: 10)
/// ```
///
/// With its 1,000 classes it has 61 million parameters.
public struct AlexNet: Classifier {
    /// The layers and what they run on.
    public var network: Network

    /// A network with drawn weights; the defaults are the paper's.
    ///
    /// - Parameters:
    ///   - seed: what the weights are drawn from, and dropout's choices.
    ///   - inputShape: the shape of one image, `[C, H, W]`.
    ///   - filters: how many filters each of the five convolutions has.
    ///   - hiddenSize: the numbers between the affine layers.
    ///   - classes: K.
    ///   - groups: into how many blocks the channels of the second, fourth and fifth
    ///     convolution fall: 2 in the paper, whose two graphics cards held one each; 1 for the
    ///     single-group form.
    ///   - dropout: the share of numbers that the affine layers' inputs lose in training.
    ///   - initialization: how wide the weights are spread.
    ///   - kernels: what does the arithmetic.
    /// - Throws: ``TensorError`` when there are not five numbers of filters, a size is below 1,
    ///   groups don't divide the channels, a window is larger than its image, or the dropout is not
    ///   from 0 to below 1.
    public init(
        seed: UInt64, inputShape: [Int] = [3, 227, 227],
        filters: [Int] = [96, 256, 384, 384, 256], hiddenSize: Int = 4096, classes: Int = 1000,
        groups: Int = 2, dropout: Double = 0.5, initialization: Initialization = .he,
        kernels: any Kernels = NativeKernels()
    ) throws {
        guard filters.count == 5 else {
            throw TensorError(
                operation: "AlexNet", argument: "filters", value: "\(filters)",
                expected: "five numbers, one per convolution")
        }
        var layers = try LayerStack(
            inputShape: inputShape, seed: seed, initialization: initialization)
        try layers.addConvolution(filters: filters[0], kernel: 11, stride: 4)
        try layers.addNormalizedPooling()
        try layers.addConvolution(filters: filters[1], kernel: 5, padding: 2, groups: groups)
        try layers.addNormalizedPooling()
        try layers.addConvolution(filters: filters[2], kernel: 3, padding: 1)
        try layers.add("relu", ReLU())
        try layers.addConvolution(filters: filters[3], kernel: 3, padding: 1, groups: groups)
        try layers.add("relu", ReLU())
        try layers.addConvolution(filters: filters[4], kernel: 3, padding: 1, groups: groups)
        try layers.add("relu", ReLU())
        try layers.add("pool", MaxPooling(3, stride: 2))
        for stream in UInt64(1)...2 {
            try layers.addAffine(outputSize: hiddenSize)
            try layers.add("relu", ReLU())
            try layers.add("dropout", Dropout(rate: dropout, seed: seed, stream: stream))
        }
        try layers.addAffine(outputSize: classes)
        network = try Network(inputShape: inputShape, layers: layers.layers, kernels: kernels)
    }
}

extension LayerStack {
    /// ReLU, local response normalization with the paper's constants, and overlapping pooling.
    fileprivate mutating func addNormalizedPooling() throws {
        try add("relu", ReLU())
        try add("norm", LocalResponseNormalization(size: 5, alpha: 5e-4, beta: 0.75, k: 2))
        try add("pool", MaxPooling(3, stride: 2))
    }
}
