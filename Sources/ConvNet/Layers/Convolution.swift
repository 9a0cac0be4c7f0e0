// SPDX-License-Identifier: MIT
//
// The convolutional layer, "Deep Learning from Scratch", section 7.2.

/// Filters that slide over images: `[N, C, H, W]` to `[N, F, OH, OW]`.
///
/// ```swift
/// let layer = try Convolution(inputChannels: 3, outputChannels: 64, kernel: 7, stride: 2, padding: 3)
/// ```
public struct Convolution: Layer {
    /// The geometry of the filters' window.
    public let window: Window
    /// How many blocks channels and filters fall into.
    public let groups: Int
    private var weight: Parameter
    private var bias: Parameter
    private var input: Tensor?
    /// What kernels keep of the filters for the next prediction. Copies of the layer share it until
    /// the filters of one may change: that one takes another.
    private var prepared = PreparedFilters()

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
    ///   - initialization: how wide the weights are spread.
    ///   - seed: what the weights are drawn from.
    ///   - stream: one of the seed's independent streams, so that layers of one seed differ.
    /// - Throws: ``TensorError`` when a size is below 1, the padding negative, or groups don't divide
    ///   the channels.
    public init(
        inputChannels: Int, outputChannels: Int, kernel: Int, stride: Int = 1, padding: Int = 0,
        dilation: Int = 1, groups: Int = 1, initialization: Initialization = .he, seed: UInt64 = 0,
        stream: UInt64 = 0
    ) throws {
        try self.init(
            inputChannels: inputChannels, outputChannels: outputChannels,
            window: Window(kernel, stride: stride, padding: padding, dilation: dilation),
            groups: groups, initialization: initialization, seed: seed, stream: stream)
    }

    /// A layer with drawn weights and zero bias, and any window: wider than high, or padded more on one
    /// side than on the other.
    ///
    /// ```swift
    /// let window = try Window(height: 3, width: 5, padding: Padding(top: 2, bottom: 0, left: 2, right: 2))
    /// let layer = try Convolution(inputChannels: 3, outputChannels: 16, window: window)
    /// ```
    ///
    /// - Parameters:
    ///   - inputChannels: C.
    ///   - outputChannels: F, the number of filters.
    ///   - window: the filters' geometry.
    ///   - groups: how many blocks channels and filters fall into.
    ///   - initialization: how wide the weights are spread.
    ///   - seed: what the weights are drawn from.
    ///   - stream: one of the seed's independent streams, so that layers of one seed differ.
    /// - Throws: ``TensorError`` when there are no channels or filters, groups don't divide them, or the
    ///   weights are too many.
    public init(
        inputChannels: Int, outputChannels: Int, window: Window, groups: Int = 1,
        initialization: Initialization = .he, seed: UInt64 = 0, stream: UInt64 = 0
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
            bias: Tensor(zeros: [outputChannels]), window: window, groups: groups)
    }

    /// A layer with given weights.
    ///
    /// - Parameters:
    ///   - weights: `[F, C/groups, KH, KW]`, KH×KW being the window's size.
    ///   - bias: `[F]`.
    ///   - window: its size, stride, padding and dilation.
    ///   - groups: how many blocks channels and filters fall into.
    /// - Throws: ``TensorError`` when the shapes and the window disagree.
    public init(weights: Tensor, bias: Tensor, window: Window, groups: Int = 1) throws {
        let shape = weights.shape
        guard shape.count == 4, shape[2] == window.size.height, shape[3] == window.size.width
        else {
            throw TensorError(
                operation: "Convolution", argument: "weights", value: "\(shape)",
                expected: "[F, C/groups, \(window.size.height), \(window.size.width)]")
        }
        try KernelChecks.require(
            bias, hasShape: [shape[0]], operation: "Convolution", argument: "bias")
        try KernelChecks.require(
            bias, holds: weights.scalarType, operation: "Convolution", argument: "bias")
        // Groups beyond the filters are refused before they are multiplied with anything.
        let channels = (1...shape[0]).contains(groups) ? shape[1] * groups : shape[1]
        try Self.check(groups: groups, channels: channels, filters: shape[0])
        self.window = window
        self.groups = groups
        weight = Parameter(weights)
        self.bias = Parameter(bias)
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
    public var weights: Tensor { weight.value }

    /// The shape that comes out for a shape that goes in.
    public func outputShape(for inputShape: [Int]) throws -> [Int] {
        try KernelChecks.convolution(
            inputShape: inputShape, weightsShape: weight.shape, bias: nil, window: window,
            groups: groups, operation: "Convolution"
        ).outputShape
    }

    /// A product and an addition for each tap of a filter and each output, the bias's addition being
    /// the first.
    public func operationCount(for inputShape: [Int]) throws -> Int {
        let taps = weight.shape.dropFirst().reduce(1, *)
        return try operations(timesOutputs: 2 * taps, for: inputShape)
    }

    /// The layer's output. From the second prediction in a row on, kernels may keep the filters as they
    /// read them, at most five times the bytes of ``weights``, until ``updateParameters(_:)`` is called.
    public func predict(_ x: Tensor, on kernels: any Kernels) throws -> Tensor {
        try predict(x, pooledBy: nil, rectified: false, on: kernels)
    }

    /// The bytes that kernels keep of the filters.
    package var preparedByteCount: Int { prepared.byteCount }

    /// The layer's output; keeps what the gradient needs.
    public mutating func forward(_ x: Tensor, on kernels: any Kernels) throws -> Tensor {
        var pooling: MaxPooling?
        return try forward(x, pooledBy: &pooling, rectified: false, on: kernels)
    }

    /// The layer's output, pooled and rectified where asked for.
    func predict(
        _ x: Tensor, pooledBy pooling: MaxPooling?, rectified: Bool, on kernels: any Kernels
    ) throws -> Tensor {
        guard let pooling else {
            return try kernels.convolution(
                x, weights: weight.value, prepared: prepared, bias: bias.value, window: window,
                groups: groups, rectified: rectified)
        }
        return try kernels.convolutionMaxPooling(
            x, weights: weight.value, prepared: prepared, bias: bias.value, window: window,
            groups: groups, pooling: pooling.window, rectified: rectified, wantsArgmax: false
        ).output
    }

    /// The layer's output, pooled and rectified where asked for; both layers keep what their gradients
    /// need.
    mutating func forward(
        _ x: Tensor, pooledBy pooling: inout MaxPooling?, rectified: Bool, on kernels: any Kernels
    ) throws -> Tensor {
        defer { input = x }
        guard let window = pooling?.window else {
            return try kernels.convolution(
                x, weights: weight.value, prepared: nil, bias: bias.value, window: self.window,
                groups: groups, rectified: rectified)
        }
        let result = try kernels.convolutionMaxPooling(
            x, weights: weight.value, prepared: nil, bias: bias.value, window: self.window,
            groups: groups, pooling: window, rectified: rectified, wantsArgmax: true)
        pooling?.keep(argmax: result.argmax, inputShape: try outputShape(for: x.shape))
        return result.output
    }

    /// The gradients of the parameters from the gradient of the pooled output. That of the bias is the
    /// sum of the pooled numbers' gradients, which all went somewhere.
    mutating func backward(
        _ pooledGradient: Tensor, pooledBy pooling: inout MaxPooling, on kernels: any Kernels
    ) throws {
        let x = try Self.kept(input)
        input = nil
        weight.gradient = try kernels.convolutionMaxPoolingWeightGradient(
            pooledGradient, argmax: pooling.takeArgmax(), input: x, window: window, groups: groups,
            pooling: pooling.window)
        bias.gradient = try kernels.biasGradient(pooledGradient)
    }

    /// The gradient with respect to the input of the last forward pass.
    public mutating func backward(
        _ outputGradient: Tensor, needsInputGradient: Bool, on kernels: any Kernels
    ) throws -> Tensor? {
        let x = try Self.kept(input)
        try require(outputGradient, fitsInput: x.shape)
        input = nil
        // Let go of first: the new one takes its memory.
        weight.gradient = nil
        weight.gradient = try kernels.convolutionWeightGradient(
            outputGradient, input: x, window: window, groups: groups)
        bias.gradient = try kernels.biasGradient(outputGradient)
        guard needsInputGradient else { return nil }
        return try kernels.convolutionInputGradient(
            outputGradient, weights: weight.value, inputShape: x.shape, window: window,
            groups: groups)
    }

    /// The weights `W` and the bias `b`.
    public var parameters: [(key: String, value: Tensor)] {
        [("W", weight.value), ("b", bias.value)]
    }

    /// Visits `W` and `b` in place, with their gradients.
    public mutating func updateParameters(
        _ body: (_ key: String, _ value: inout Tensor, _ gradient: Tensor?) throws -> Void
    ) throws {
        prepared = PreparedFilters()
        let operation = "Convolution.updateParameters"
        try weight.update("W", operation: operation, body)
        try bias.update("b", operation: operation, body)
    }

    /// The same layer with parameters of the given number type.
    public func converted(to scalarType: ScalarType) throws -> Convolution {
        try Convolution(
            weights: weight.value.converted(to: scalarType),
            bias: bias.value.converted(to: scalarType), window: window, groups: groups)
    }
}
