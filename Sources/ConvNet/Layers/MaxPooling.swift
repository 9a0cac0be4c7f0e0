// SPDX-License-Identifier: MIT
//
// The pooling layer, "Deep Learning from Scratch", section 7.3.

/// The largest number under each place of a window: `[N, C, H, W]` to `[N, C, OH, OW]`.
///
/// The gradient of an output goes to where its maximum was: of equal numbers to the first in reading
/// order. NaN wins over every number, so that a mistake upstream is seen, and of several NaN the first.
public struct MaxPooling: Layer {
    /// The geometry of the pooling.
    public let window: Window
    private var argmax: IndexTensor?
    private var inputShape: [Int]?

    /// A pooling over a square window.
    ///
    /// - Parameters:
    ///   - size: the window's height and width.
    ///   - stride: the step between places; `size` when nil.
    ///   - padding: rows and columns around the image that count as −∞, at most half the size.
    ///   - ceilMode: whether a last place that reaches past the padded image counts; where the window
    ///     is larger than the image by less than a stride, it is the only one.
    /// - Throws: ``TensorError`` when a size or stride is below 1 or the padding is negative.
    public init(_ size: Int, stride: Int? = nil, padding: Int = 0, ceilMode: Bool = false) throws {
        window = try Window(size, stride: stride ?? size, padding: padding, ceilMode: ceilMode)
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

    /// The layer's output, keeping nothing.
    public func predict(_ x: Tensor, on kernels: any Kernels) throws -> Tensor {
        try kernels.maxPooling(x, window: window)
    }

    /// The layer's output; keeps what the gradient needs.
    public mutating func forward(_ x: Tensor, on kernels: any Kernels) throws -> Tensor {
        let result = try kernels.maxPoolingWithArgmax(x, window: window)
        argmax = result.argmax
        inputShape = x.shape
        return result.output
    }

    /// Keeps what the gradient needs of a forward pass that the layer before did along with its own.
    mutating func keep(argmax: IndexTensor?, inputShape: [Int]) {
        (self.argmax, self.inputShape) = (argmax, inputShape)
    }

    /// What the forward pass kept, for the layer before, which does the backward pass along with its
    /// own.
    mutating func takeArgmax() throws -> IndexTensor {
        defer { (argmax, inputShape) = (nil, nil) }
        return try Self.kept(argmax)
    }

    /// The gradient with respect to the input of the last forward pass.
    public mutating func backward(
        _ outputGradient: Tensor, needsInputGradient: Bool, on kernels: any Kernels
    ) throws -> Tensor? {
        let (argmax, inputShape) = (try Self.kept(argmax), try Self.kept(inputShape))
        try require(outputGradient, fitsInput: inputShape)
        (self.argmax, self.inputShape) = (nil, nil)
        guard needsInputGradient else { return nil }
        return try kernels.maxPoolingGradient(
            outputGradient, argmax: argmax, inputShape: inputShape)
    }

    /// The same layer with parameters of the given number type.
    public func converted(to scalarType: ScalarType) throws -> MaxPooling {
        MaxPooling(window: window)
    }
}
