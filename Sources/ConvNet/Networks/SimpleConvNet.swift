// SPDX-License-Identifier: MIT
//
// The chapter's first network, "Deep Learning from Scratch", section 7.5.

/// Convolution – ReLU – pooling – affine – ReLU – affine – softmax.
///
/// ```swift
/// var network = try SimpleConvNet(seed: 1)
/// let logits = try network.predict(x)
/// ```
public struct SimpleConvNet: Classifier {
    /// The six layers and what they run on.
    public var network: Network

    /// A network with drawn weights; the defaults are the book's, for MNIST.
    ///
    /// - Parameters:
    ///   - seed: what the weights are drawn from.
    ///   - inputShape: the shape of one image, `[C, H, W]`.
    ///   - filters: how many filters the convolution has.
    ///   - filterSize: their height and width.
    ///   - padding: the rows and columns around the image.
    ///   - stride: the filters' step.
    ///   - hiddenSize: the numbers between the two affine layers.
    ///   - classes: K.
    ///   - initialization: how wide the weights are spread; the book's is 0.01.
    ///   - kernels: what does the arithmetic.
    /// - Throws: ``TensorError`` when a size is below 1 or a window larger than its image.
    public init(
        seed: UInt64, inputShape: [Int] = [1, 28, 28], filters: Int = 30, filterSize: Int = 5,
        padding: Int = 0, stride: Int = 1, hiddenSize: Int = 100, classes: Int = 10,
        initialization: Initialization = .standardDeviation(0.01),
        kernels: any Kernels = NativeKernels()
    ) throws {
        guard inputShape.count == 3 else {
            throw TensorError(
                operation: "SimpleConvNet", argument: "inputShape", value: "\(inputShape)",
                expected: "[C, H, W]")
        }
        let convolution = try Convolution(
            inputChannels: inputShape[0], outputChannels: filters, kernel: filterSize,
            stride: stride, padding: padding, initialization: initialization, seed: seed,
            stream: 1)
        let pooling = try MaxPooling(2)
        let pooled = try pooling.outputShape(
            for: convolution.outputShape(for: [1] + inputShape))
        let hidden = try Affine(
            inputSize: pooled.reduce(1, *), outputSize: hiddenSize,
            initialization: initialization, seed: seed, stream: 2)
        let output = try Affine(
            inputSize: hiddenSize, outputSize: classes, initialization: initialization, seed: seed,
            stream: 3)
        network = try Network(
            inputShape: inputShape,
            layers: [
                NamedLayer("conv1", convolution), NamedLayer("relu1", ReLU()),
                NamedLayer("pool1", pooling), NamedLayer("affine1", hidden),
                NamedLayer("relu2", ReLU()), NamedLayer("affine2", output),
            ], kernels: kernels)
    }
}
