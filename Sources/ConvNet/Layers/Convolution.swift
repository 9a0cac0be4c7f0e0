// SPDX-License-Identifier: MIT
//
// The convolutional layer, "Deep Learning from Scratch", section 7.2.

/// Filters that slide over images: `[N, C, H, W]` to `[N, F, OH, OW]`.
///
/// ```swift
/// let layer = try Convolution(
///     inputChannels: 3, outputChannels: 64, kernel: 7, stride: 2, padding: 3)
/// ```
public struct Convolution: UnaryLayer {
    /// The geometry of the filters' window.
    public let window: Window
    /// How many blocks channels and filters fall into.
    public let groups: Int
    /// The filters `[F, C/groups, KH, KW]` and, unless the layer has none, the bias `[F]`.
    public var parameters: [Tensor]
    private let weightsShape: [Int]
    private let hasBias: Bool

    /// A layer with drawn weights and zero bias, and a square window.
    ///
    /// - Parameters:
    ///   - inputChannels: C.
    ///   - outputChannels: F, the number of filters.
    ///   - kernel: the filters' height and width.
    ///   - stride: the step between two places.
    ///   - padding: rows and columns of zeros around the image.
    ///   - dilation: the distance between two neighbouring taps.
    ///   - groups: how many blocks channels and filters fall into.
    ///   - hasBias: whether a bias is added: in front of a batch normalization it is useless.
    ///   - initialization: how wide the weights are spread.
    ///   - seed: what the weights are drawn from.
    ///   - stream: one of the seed's independent streams, so that layers of one seed differ.
    /// - Throws: ``TensorError`` when a size is below 1, the padding negative, or groups don't
    ///   divide the channels.
    public init(
        inputChannels: Int, outputChannels: Int, kernel: Int, stride: Int = 1, padding: Int = 0,
        dilation: Int = 1, groups: Int = 1, hasBias: Bool = true,
        initialization: Initialization = .he, seed: UInt64 = 0, stream: UInt64 = 0
    ) throws {
        try self.init(
            inputChannels: inputChannels, outputChannels: outputChannels,
            window: Window(kernel, stride: stride, padding: padding, dilation: dilation),
            groups: groups, hasBias: hasBias, initialization: initialization, seed: seed,
            stream: stream)
    }

    /// A layer along rows, PyTorch's `Conv1d`: sequences are images of one row, `[N, C, 1, W]`, and
    /// so are the filters.
    ///
    /// ```swift
    /// let layer = try Convolution(
    ///     inputChannels: 2, outputChannels: 16, width: 9, stride: 4, padding: 4)
    /// ```
    ///
    /// - Parameters:
    ///   - inputChannels: C.
    ///   - outputChannels: F, the number of filters.
    ///   - width: the filters' width; their height is 1.
    ///   - stride: the step between two places.
    ///   - padding: zeros on the left and on the right.
    ///   - dilation: the distance between two neighbouring taps.
    ///   - groups: how many blocks channels and filters fall into.
    ///   - hasBias: whether a bias is added.
    ///   - initialization: how wide the weights are spread.
    ///   - seed: what the weights are drawn from.
    ///   - stream: one of the seed's independent streams, so that layers of one seed differ.
    /// - Throws: ``TensorError`` when a size is below 1, the padding negative, or groups don't
    ///   divide the channels.
    public init(
        inputChannels: Int, outputChannels: Int, width: Int, stride: Int = 1, padding: Int = 0,
        dilation: Int = 1, groups: Int = 1, hasBias: Bool = true,
        initialization: Initialization = .he, seed: UInt64 = 0, stream: UInt64 = 0
    ) throws {
        try self.init(
            inputChannels: inputChannels, outputChannels: outputChannels,
            window: Window(width: width, stride: stride, padding: padding, dilation: dilation),
            groups: groups, hasBias: hasBias, initialization: initialization, seed: seed,
            stream: stream)
    }

    /// A layer with drawn weights and zero bias, and any window: wider than high, or padded more on
    /// one side than on the other.
    ///
    /// ```swift
    /// let window = try Window(
    ///     height: 3, width: 5, padding: Padding(top: 2, bottom: 0, left: 2, right: 2))
    /// let layer = try Convolution(inputChannels: 3, outputChannels: 16, window: window)
    /// ```
    ///
    /// - Parameters:
    ///   - inputChannels: C.
    ///   - outputChannels: F, the number of filters.
    ///   - window: the filters' geometry.
    ///   - groups: how many blocks channels and filters fall into.
    ///   - hasBias: whether a bias is added.
    ///   - initialization: how wide the weights are spread.
    ///   - seed: what the weights are drawn from.
    ///   - stream: one of the seed's independent streams, so that layers of one seed differ.
    /// - Throws: ``TensorError`` when there are no channels or filters, groups don't divide them,
    ///   or the weights are too many.
    public init(
        inputChannels: Int, outputChannels: Int, window: Window, groups: Int = 1,
        hasBias: Bool = true, initialization: Initialization = .he, seed: UInt64 = 0,
        stream: UInt64 = 0
    ) throws {
        try Self.check(groups: groups, channels: inputChannels, filters: outputChannels)
        let shape = [
            outputChannels, inputChannels / groups, window.size.height, window.size.width,
        ]
        _ = try Shape.elementCount(shape, operation: "Convolution")
        // No product here is larger than the number of weights, which was checked.
        let taps = window.size.height * window.size.width
        let deviation = initialization.standardDeviation(
            fanIn: inputChannels / groups * taps, fanOut: outputChannels / groups * taps)
        var generator = Philox(seed: seed, stream: stream)
        try self.init(
            weights: Tensor(normal: shape, standardDeviation: deviation, using: &generator),
            bias: hasBias ? Tensor(zeros: [outputChannels]) : nil, window: window, groups: groups)
    }

    /// A layer with given weights.
    ///
    /// - Parameters:
    ///   - weights: `[F, C/groups, KH, KW]`, KH×KW being the window's size.
    ///   - bias: `[F]`, or nil for none.
    ///   - window: its size, stride, padding and dilation.
    ///   - groups: how many blocks channels and filters fall into.
    /// - Throws: ``TensorError`` when the shapes and the window disagree.
    public init(weights: Tensor, bias: Tensor?, window: Window, groups: Int = 1) throws {
        let shape = weights.shape
        guard shape.count == 4, shape[2] == window.size.height, shape[3] == window.size.width
        else {
            throw TensorError(
                operation: "Convolution", argument: "weights", value: "\(shape)",
                expected: "[F, C/groups, \(window.size.height), \(window.size.width)]")
        }
        if let bias {
            try KernelChecks.require(
                bias, hasShape: [shape[0]], operation: "Convolution", argument: "bias")
            try KernelChecks.require(
                bias, holds: weights.scalarType, operation: "Convolution", argument: "bias")
        }
        // Groups beyond the filters are refused before they are multiplied with anything.
        let channels = (1...shape[0]).contains(groups) ? shape[1] * groups : shape[1]
        try Self.check(groups: groups, channels: channels, filters: shape[0])
        self.window = window
        self.groups = groups
        parameters = [weights] + (bias.map { [$0] } ?? [])
        weightsShape = shape
        hasBias = bias != nil
    }

    private static func check(groups: Int, channels: Int, filters: Int) throws(TensorError) {
        guard channels >= 1, filters >= 1, groups >= 1, channels % groups == 0,
            filters % groups == 0
        else {
            throw TensorError(
                operation: "Convolution", argument: "groups", value: "\(groups)",
                expected: "a divisor of \(channels) channels and \(filters) filters, all at least 1"
            )
        }
    }

    /// The filters, `[F, C/groups, KH, KW]`.
    ///
    /// - Throws: ``TensorError`` when the parameters have been replaced by others.
    public var weights: Tensor { get throws { try operation().weights } }

    /// `W` and, unless the layer has no bias, `b`.
    public var parameterNames: [String] { hasBias ? ["W", "b"] : ["W"] }

    /// A convolution.
    public var pattern: LayerPattern { .convolution(descriptor) }

    private var descriptor: ConvolutionDescriptor { ConvolutionDescriptor(window, groups: groups) }

    /// The shape that comes out for a shape that goes in.
    public func outputShape(for inputShape: [Int]) throws -> [Int] {
        try KernelChecks.convolution(
            inputShape: inputShape, weightsShape: weightsShape, descriptor,
            operation: "Convolution"
        ).outputShape
    }

    /// A product and an addition for each tap of a filter and each output, the bias's addition
    /// being the first.
    public func operationCount(for inputShape: [Int]) throws -> Int {
        let taps = weightsShape.dropFirst().reduce(1, *)
        return try operations(timesOutputs: 2 * taps, for: inputShape)
    }

    /// The layer's output in prediction.
    public func predict(_ x: Tensor, on kernels: any Kernels) throws -> Tensor {
        try operation().predict(x, on: kernels)
    }

    /// The layer's output in training, and the way back.
    public func forward(_ x: Tensor, in pass: Pass) throws -> Forward {
        try operation().forward(x, on: pass.kernels)
    }

    private func operation() throws(TensorError) -> ConvolutionOperation {
        let shapes = [weightsShape] + (hasBias ? [[weightsShape[0]]] : [])
        let parameters = try checkedParameters(shapes)
        return ConvolutionOperation(
            weights: parameters[0], descriptor: descriptor,
            epilogue: Epilogue(bias: hasBias ? parameters[1] : nil))
    }
}
