// SPDX-License-Identifier: MIT
//
// The pooling layer, "Deep Learning from Scratch", section 7.3.

/// The largest number under each place of a window: `[N, C, H, W]` to `[N, C, OH, OW]`.
///
/// The gradient of an output goes to where its maximum was: of equal numbers to the first in
/// reading order. NaN wins over every number, so that a mistake upstream is seen, and of several
/// NaN the first.
public struct MaxPooling: UnaryLayer {
    /// The geometry of the pooling.
    public let window: Window

    /// A pooling over a square window.
    ///
    /// - Parameters:
    ///   - size: the window's height and width.
    ///   - stride: the step between places; `size` when nil.
    ///   - padding: rows and columns around the image that count as −∞, at most half the size.
    ///   - ceilMode: whether a last place that reaches past the padded image counts; where the
    ///     window is larger than the image by less than a stride, it is the only one.
    /// - Throws: ``TensorError`` when a size or stride is below 1 or the padding is negative.
    public init(_ size: Int, stride: Int? = nil, padding: Int = 0, ceilMode: Bool = false) throws {
        window = try Window(size, stride: stride ?? size, padding: padding, ceilMode: ceilMode)
    }

    /// A pooling along rows, PyTorch's `MaxPool1d`: sequences are images of one row,
    /// `[N, C, 1, W]`.
    ///
    /// - Parameters:
    ///   - width: the window's width; its height is 1.
    ///   - stride: the step between places; `width` when nil.
    ///   - padding: columns on the left and on the right that count as −∞, at most half the width.
    ///   - dilation: the distance between two neighbouring taps.
    ///   - ceilMode: whether a last place that reaches past the padded sequence counts.
    /// - Throws: ``TensorError`` when a size or stride is below 1 or the padding is negative.
    public init(
        width: Int, stride: Int? = nil, padding: Int = 0, dilation: Int = 1, ceilMode: Bool = false
    ) throws {
        window = try Window(
            width: width, stride: stride ?? width, padding: padding, dilation: dilation,
            ceilMode: ceilMode)
    }

    /// A pooling over any window.
    public init(window: Window) { self.window = window }

    /// The shape that comes out for a shape that goes in.
    public func outputShape(for inputShape: [Int]) throws -> [Int] {
        try KernelChecks.maxPooling(
            inputShape: inputShape, window: window, operation: "MaxPooling"
        ).pooledShape
    }

    /// One for each tap of a window and each output.
    public func operationCount(for inputShape: [Int]) throws -> Int {
        try operations(timesOutputs: window.size.height * window.size.width, for: inputShape)
    }

    /// The layer's output in prediction.
    public func predict(_ x: Tensor, on kernels: any Kernels) throws -> Tensor {
        try kernels.maxPooling(x, window: window)
    }

    /// The layer's output in training, and the way back.
    public func forward(_ x: Tensor, in pass: Pass) throws -> Forward {
        let result = try pass.kernels.maxPoolingWithArgmax(x, window: window)
        let (argmax, inputShape, kernels) = (result.argmax, x.shape, pass.kernels)
        return Forward(result.output) { outputGradient, wanted in
            guard wanted.input else { return LayerGradients(input: nil) }
            return LayerGradients(
                input: try kernels.maxPoolingGradient(
                    outputGradient, argmax: argmax, inputShape: inputShape))
        }
    }

    /// A max pooling.
    public var pattern: LayerPattern { .maxPooling(window) }
}
