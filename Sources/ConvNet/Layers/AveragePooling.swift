// SPDX-License-Identifier: MIT
//
// Average pooling, the subsampling of LeNet; LeCun et al., "Gradient-based learning applied to
// document recognition", 1998.

/// The mean of the numbers under each place of a window: `[N, C, H, W]` to `[N, C, OH, OW]`.
public struct AveragePooling: UnaryLayer {
    /// The geometry of the pooling.
    public let window: Window
    /// Whether padding counts, as zeros; otherwise a mean is that of the real pixels under the
    /// window (PyTorch's `count_include_pad`).
    public let countIncludePad: Bool

    /// A pooling over a square window.
    ///
    /// - Parameters:
    ///   - size: the window's height and width.
    ///   - stride: the step between places; `size` when nil.
    ///   - padding: rows and columns around the image, at most half the size.
    ///   - ceilMode: whether a last place that reaches past the padded image counts; where the
    ///     window is larger than the image by less than a stride, it is the only one.
    ///   - countIncludePad: whether padding counts, as zeros.
    /// - Throws: ``TensorError`` when a size or stride is below 1 or the padding is negative.
    public init(
        _ size: Int, stride: Int? = nil, padding: Int = 0, ceilMode: Bool = false,
        countIncludePad: Bool = true
    ) throws {
        try self.init(
            window: Window(size, stride: stride ?? size, padding: padding, ceilMode: ceilMode),
            countIncludePad: countIncludePad)
    }

    /// A pooling along rows, PyTorch's `AvgPool1d`: sequences are images of one row,
    /// `[N, C, 1, W]`.
    ///
    /// - Parameters:
    ///   - width: the window's width; its height is 1.
    ///   - stride: the step between places; `width` when nil.
    ///   - padding: columns on the left and on the right, at most half the width.
    ///   - ceilMode: whether a last place that reaches past the padded sequence counts.
    ///   - countIncludePad: whether padding counts, as zeros.
    /// - Throws: ``TensorError`` when a size or stride is below 1 or the padding is negative.
    public init(
        width: Int, stride: Int? = nil, padding: Int = 0, ceilMode: Bool = false,
        countIncludePad: Bool = true
    ) throws {
        try self.init(
            window: Window(
                width: width, stride: stride ?? width, padding: padding, ceilMode: ceilMode),
            countIncludePad: countIncludePad)
    }

    /// A pooling over any window.
    public init(window: Window, countIncludePad: Bool = true) {
        self.window = window
        self.countIncludePad = countIncludePad
    }

    /// The shape that comes out for a shape that goes in.
    public func outputShape(for inputShape: [Int]) throws -> [Int] {
        try KernelChecks.pooling(
            inputShape: inputShape, window: window, operation: "AveragePooling"
        ).pooledShape
    }

    /// One addition per tap.
    public func operationCount(for inputShape: [Int]) throws -> Int {
        try operations(
            timesOutputs: window.size.height * window.size.width, for: inputShape)
    }

    /// The layer's output in prediction.
    public func predict(_ x: Tensor, on kernels: any Kernels) throws -> Tensor {
        try kernels.averagePooling(x, window: window, countIncludePad: countIncludePad)
    }

    /// The layer's output in training, and the way back.
    public func forward(_ x: Tensor, in pass: Pass) throws -> Forward {
        let output = try predict(x, on: pass.kernels)
        return Forward(output) {
            [self, inputShape = x.shape, kernels = pass.kernels] outputGradient, wanted in
            guard wanted.input else { return LayerGradients(input: nil) }
            return LayerGradients(
                input: try kernels.averagePoolingGradient(
                    outputGradient, inputShape: inputShape, window: window,
                    countIncludePad: countIncludePad))
        }
    }
}
