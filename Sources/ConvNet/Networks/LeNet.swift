// SPDX-License-Identifier: MIT
//
// LeNet, "Deep Learning from Scratch", section 7.6.1; LeCun et al., "Gradient-based learning
// applied to document recognition", 1998.

/// Two convolutions with pooling, then three affine layers.
///
/// ```swift
/// var network = try LeNet(seed: 1)                       // ReLU and max pooling
/// var original = try LeNet(seed: 1, form: .classic)      // sigmoid and subsampling
/// ```
///
/// Of the network of 1998 it leaves out the trained coefficients of subsampling, the
/// sparse connections of the second convolution and the radial basis functions at the end,
/// as is usual today.
public struct LeNet: Classifier {
    /// What stands between the layers with parameters.
    public enum Form: String, Sendable, CaseIterable {
        /// ReLU and max pooling.
        case modern
        /// Sigmoid and average pooling, as in 1998.
        case classic
    }

    /// The layers and what they run on.
    public var network: Network

    /// A network with drawn weights; the defaults are for MNIST.
    ///
    /// - Parameters:
    ///   - seed: what the weights are drawn from.
    ///   - form: what stands between the layers with parameters.
    ///   - inputShape: the shape of one image, `[C, H, W]`.
    ///   - classes: K.
    ///   - initialization: how wide the weights are spread; nil for what suits the form: He's
    ///     before ReLU, Xavier's before the sigmoid.
    ///   - kernels: what does the arithmetic.
    /// - Throws: ``TensorError`` when a size is below 1 or a window larger than its image.
    public init(
        seed: UInt64, form: Form = .modern, inputShape: [Int] = [1, 28, 28], classes: Int = 10,
        initialization: Initialization? = nil, kernels: any Kernels = NativeKernels()
    ) throws {
        var layers = try LayerStack(
            inputShape: inputShape, seed: seed,
            initialization: initialization ?? (form == .modern ? .he : .xavier))
        func addActivation() throws {
            try form == .modern ? layers.add("relu", ReLU()) : layers.add("sigmoid", Sigmoid())
        }
        func addPooling() throws {
            try layers.add("pool", form == .modern ? MaxPooling(2) : AveragePooling(2))
        }
        try layers.addConvolution(filters: 6, kernel: 5, padding: 2)
        try addActivation()
        try addPooling()
        try layers.addConvolution(filters: 16, kernel: 5)
        try addActivation()
        try addPooling()
        try layers.addAffine(outputSize: 120)
        try addActivation()
        try layers.addAffine(outputSize: 84)
        try addActivation()
        try layers.addAffine(outputSize: classes)
        network = try Network(inputShape: inputShape, layers: layers.layers, kernels: kernels)
    }
}
