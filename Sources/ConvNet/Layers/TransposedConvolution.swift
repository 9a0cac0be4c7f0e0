// SPDX-License-Identifier: MIT
//
// The transposed convolution: the way back of a convolution's gradient, as a layer. Zeiler et al.,
// "Deconvolutional networks", 2010; Dumoulin and Visin, "A guide to convolution arithmetic", 2016.

/// Each pixel spread over a window by its filters, sums where windows overlap: `[N, C, H, W]` to
/// `[N, F, OH, OW]` with
/// `OH = (H − 1)·stride − top − bottom + dilation·(KH − 1) + 1 + outputPadding`.
///
/// It is the gradient with respect to the images of a convolution from F to C channels, as in
/// PyTorch's `ConvTranspose2d`, and undoes what that does to sizes.
///
/// ```swift
/// let twice = try TransposedConvolution(
///     inputChannels: 64, outputChannels: 32, kernel: 2, stride: 2)
/// ```
public struct TransposedConvolution: UnaryLayer {
    /// The geometry of the filters' window; its padding is taken off the output.
    public let window: Window
    /// Rows and columns that the output has more, below and on the right: of the sizes from which
    /// the convolution makes H×W, the larger ones.
    public let outputPadding: PerAxis
    /// How many blocks channels and filters fall into.
    public let groups: Int
    /// The filters `[C, F/groups, KH, KW]` and the bias `[F]`.
    public var parameters: [Tensor]
    private let weightsShape: [Int]

    /// A layer with drawn weights and zero bias, and a square window.
    ///
    /// - Parameters:
    ///   - inputChannels: C.
    ///   - outputChannels: F.
    ///   - kernel: the filters' height and width.
    ///   - stride: how far the windows of two neighbouring pixels lie apart.
    ///   - padding: rows and columns that are taken off on each side of the output.
    ///   - outputPadding: rows and columns that the output has more, less than the stride.
    ///   - dilation: the distance between two neighbouring taps.
    ///   - groups: how many blocks channels and filters fall into.
    ///   - initialization: how wide the weights are spread.
    ///   - seed: what the weights are drawn from.
    ///   - stream: one of the seed's independent streams, so that layers of one seed differ.
    /// - Throws: ``TensorError`` when a size is below 1, a padding is negative, that of the output
    ///   as large as the stride, or groups don't divide the channels.
    public init(
        inputChannels: Int, outputChannels: Int, kernel: Int, stride: Int = 1, padding: Int = 0,
        outputPadding: Int = 0, dilation: Int = 1, groups: Int = 1,
        initialization: Initialization = .he, seed: UInt64 = 0, stream: UInt64 = 0
    ) throws {
        try self.init(
            inputChannels: inputChannels, outputChannels: outputChannels,
            window: Window(kernel, stride: stride, padding: padding, dilation: dilation),
            outputPadding: PerAxis(outputPadding), groups: groups, initialization: initialization,
            seed: seed, stream: stream)
    }

    /// A layer with drawn weights and zero bias, and any window.
    ///
    /// - Parameters:
    ///   - inputChannels: C.
    ///   - outputChannels: F.
    ///   - window: the filters' geometry.
    ///   - outputPadding: rows and columns that the output has more, less than the stride.
    ///   - groups: how many blocks channels and filters fall into.
    ///   - initialization: how wide the weights are spread.
    ///   - seed: what the weights are drawn from.
    ///   - stream: one of the seed's independent streams, so that layers of one seed differ.
    /// - Throws: ``TensorError`` when a count of channels is below 1, groups don't divide them, the
    ///   output's padding is negative or as large as the stride, or the window has ceil mode.
    public init(
        inputChannels: Int, outputChannels: Int, window: Window, outputPadding: PerAxis = 0,
        groups: Int = 1, initialization: Initialization = .he, seed: UInt64 = 0, stream: UInt64 = 0
    ) throws {
        try Self.check(groups: groups, channels: inputChannels, filters: outputChannels)
        let shape = [
            inputChannels, outputChannels / groups, window.size.height, window.size.width,
        ]
        _ = try Shape.elementCount(shape, operation: "TransposedConvolution")
        // No product here is larger than the number of weights, which was checked. Of the windows
        // that cover a pixel of the output, each has a stride's area for itself.
        let taps = window.size.height * window.size.width
        let covering = max(taps / (window.stride.height * window.stride.width), 1)
        let deviation = initialization.standardDeviation(
            fanIn: inputChannels / groups * covering, fanOut: outputChannels / groups * taps)
        var generator = Philox(seed: seed, stream: stream)
        try self.init(
            weights: Tensor(normal: shape, standardDeviation: deviation, using: &generator),
            bias: Tensor(zeros: [outputChannels]), window: window, outputPadding: outputPadding,
            groups: groups)
    }

    /// A layer with given weights, which lie as in PyTorch.
    ///
    /// - Parameters:
    ///   - weights: `[C, F/groups, KH, KW]`, KH×KW being the window's size.
    ///   - bias: `[F]`.
    ///   - window: its size, stride, padding and dilation.
    ///   - outputPadding: rows and columns that the output has more, less than the stride.
    ///   - groups: how many blocks channels and filters fall into.
    /// - Throws: ``TensorError`` when the shapes and the window disagree, the output's padding is
    ///   negative or as large as the stride, or the window has ceil mode.
    public init(
        weights: Tensor, bias: Tensor, window: Window, outputPadding: PerAxis = 0, groups: Int = 1
    ) throws {
        let shape = weights.shape
        guard shape.count == 4, shape[2] == window.size.height, shape[3] == window.size.width
        else {
            throw TensorError(
                operation: "TransposedConvolution", argument: "weights", value: "\(shape)",
                expected: "[C, F/groups, \(window.size.height), \(window.size.width)]")
        }
        // Groups beyond the channels are refused before they are multiplied with anything.
        let filters = (1...shape[0]).contains(groups) ? shape[1] * groups : shape[1]
        try Self.check(groups: groups, channels: shape[0], filters: filters)
        try KernelChecks.require(
            bias, hasShape: [filters], operation: "TransposedConvolution", argument: "bias")
        try KernelChecks.require(
            bias, holds: weights.scalarType, operation: "TransposedConvolution", argument: "bias")
        try Self.check(window, outputPadding)
        self.window = window
        self.outputPadding = outputPadding
        self.groups = groups
        parameters = [weights, bias]
        weightsShape = shape
    }

    private static func check(groups: Int, channels: Int, filters: Int) throws(TensorError) {
        guard channels >= 1, filters >= 1, groups >= 1, channels % groups == 0,
            filters % groups == 0
        else {
            throw TensorError(
                operation: "TransposedConvolution", argument: "groups", value: "\(groups)",
                expected: "a divisor of \(channels) channels and \(filters) filters, all at least 1"
            )
        }
    }

    private static func check(_ window: Window, _ outputPadding: PerAxis) throws(TensorError) {
        guard !window.usesCeilMode else {
            throw TensorError(
                operation: "TransposedConvolution", argument: "window", value: "one in ceil mode",
                expected: "one without: the output's size follows from the input's")
        }
        let (stride, more) = (window.stride, outputPadding)
        guard (0..<stride.height).contains(more.height), (0..<stride.width).contains(more.width)
        else {
            throw TensorError(
                operation: "TransposedConvolution", argument: "outputPadding",
                value: "\(more.height)×\(more.width)",
                expected: "at least 0 and less than the stride of \(stride.height)×\(stride.width)")
        }
    }

    private var channels: Int { weightsShape[0] }
    private var filters: Int { weightsShape[1] * groups }

    /// `W` and `b`.
    public var parameterNames: [String] { ["W", "b"] }

    /// The shape that comes out for a shape that goes in.
    public func outputShape(for inputShape: [Int]) throws -> [Int] {
        _ = try Shape.elementCount(
            inputShape, operation: "TransposedConvolution", argument: "x")
        guard inputShape.count == 4, inputShape[1] == channels else {
            throw TensorError(
                operation: "TransposedConvolution", argument: "x", value: "\(inputShape)",
                expected: "[N, \(channels), H, W]")
        }
        // Extents, strides and dilations are below 2³¹, so these sums fit.
        let height =
            (inputShape[2] - 1) * window.stride.height + outputPadding.height + 1
            + window.dilation.height * (window.size.height - 1)
            - window.padding.top - window.padding.bottom
        let width =
            (inputShape[3] - 1) * window.stride.width + outputPadding.width + 1
            + window.dilation.width * (window.size.width - 1)
            - window.padding.left - window.padding.right
        guard height >= 1, width >= 1 else {
            throw TensorError(
                operation: "TransposedConvolution", argument: "x", value: "\(inputShape)",
                expected: "images of which something is left: this output is \(height)×\(width)")
        }
        let shape = [inputShape[0], filters, height, width]
        _ = try Shape.elementCount(shape, operation: "TransposedConvolution", argument: "x")
        return shape
    }

    /// A product and an addition for each tap of a filter and each pixel of the input.
    public func operationCount(for inputShape: [Int]) throws -> Int {
        _ = try outputShape(for: inputShape)
        let taps = weightsShape.dropFirst().reduce(1, *)
        return try Shape.elementCount(
            inputShape + [2, taps], operation: "TransposedConvolution.operationCount",
            argument: "inputShape")
    }

    /// The layer's output in prediction.
    public func predict(_ x: Tensor, on kernels: any Kernels) throws -> Tensor {
        let parameters = try checkedParameters([weightsShape, [filters]])
        var output = try kernels.convolutionInputGradient(
            x, weights: parameters[0], inputShape: outputShape(for: x.shape), window: window,
            groups: groups)
        try kernels.addBias(parameters[1], to: &output)
        return output
    }

    /// The layer's output in training, and the way back, a convolution.
    public func forward(_ x: Tensor, in pass: Pass) throws -> Forward {
        Forward(try predict(x, on: pass.kernels)) {
            [weights = parameters[0], window, groups, kernels = pass.kernels]
            outputGradient, wanted in
            var gradients = LayerGradients(input: nil)
            if wanted.parameters {
                gradients.parameters = [
                    try kernels.convolutionWeightGradient(
                        x, input: outputGradient, window: window, groups: groups),
                    try kernels.biasGradient(outputGradient),
                ]
            }
            if wanted.input {
                gradients.inputs = [
                    try kernels.convolution(
                        outputGradient, weights: weights, bias: nil, window: window,
                        groups: groups)
                ]
            }
            return gradients
        }
    }
}

extension TransposedConvolution: DescribedLayer {
    /// What files call the type.
    public static let typeName = "TransposedConvolution"

    /// The window, the output's padding and the groups.
    public var layerSettings: LayerSettings {
        window.layerSettings.merging([
            "output_padding": .integers([outputPadding.height, outputPadding.width]),
            "groups": .integer(groups),
        ])
    }

    /// The layer with the filters `W` and the bias `b`.
    public init(settings: LayerSettings, tensors: LayerTensors) throws {
        try settings.require(only: Window.settingNames + ["output_padding", "groups"])
        let tensors = try tensors.require(only: ["W", "b"])
        let more = try settings.integers("output_padding", count: 2, in: 0...Shape.largestExtent)
        try self.init(
            weights: tensors[0], bias: tensors[1], window: Window(settings: settings),
            outputPadding: PerAxis(height: more[0], width: more[1]),
            groups: settings.integer("groups", in: 1...Shape.largestExtent))
    }
}

extension TransposedConvolution: ONNXLayer {
    func export(to graph: inout ONNXGraph, inputShape: [Int]) throws {
        let tensors = try namedParameters.map { try graph.add($0) }
        graph.add(
            "ConvTranspose", tensors,
            window.onnxAttributes(pads: window.padding) + [
                ("dilations", .ints([window.dilation.height, window.dilation.width])),
                ("output_padding", .ints([outputPadding.height, outputPadding.width])),
                ("group", .int(groups)),
            ])
    }
}
