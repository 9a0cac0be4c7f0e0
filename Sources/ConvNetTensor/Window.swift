// SPDX-License-Identifier: MIT
//
// Window: the geometry of a sliding window, shared by convolution, pooling and im2col. It is
// validated here, once; code that holds a Window can compute with it.

/// A number for each axis of an image; an integer literal stands for both.
public struct PerAxis: Sendable, Hashable, ExpressibleByIntegerLiteral {
    /// The number for the vertical axis.
    public var height: Int
    /// The number for the horizontal axis.
    public var width: Int

    /// A number for each axis.
    public init(height: Int, width: Int) {
        self.height = height
        self.width = width
    }

    /// The same number for both axes.
    public init(_ both: Int) { self.init(height: both, width: both) }

    /// The same number for both axes.
    public init(integerLiteral value: Int) { self.init(value) }
}

/// Rows and columns added around an image; an integer literal stands for all four sides.
public struct Padding: Sendable, Hashable, ExpressibleByIntegerLiteral {
    /// Rows above the image.
    public var top: Int
    /// Rows below the image.
    public var bottom: Int
    /// Columns left of the image.
    public var left: Int
    /// Columns right of the image.
    public var right: Int

    /// A padding for each side.
    public init(top: Int, bottom: Int, left: Int, right: Int) {
        self.top = top
        self.bottom = bottom
        self.left = left
        self.right = right
    }

    /// The same padding on all sides.
    public init(_ all: Int) { self.init(top: all, bottom: all, left: all, right: all) }

    /// The same padding on all sides.
    public init(integerLiteral value: Int) { self.init(value) }
}

/// A window that slides over an image: its size, the step between two places, the padding around
/// the image and the spacing of its taps.
///
/// Along an axis of `extent` pixels it takes
/// `floor((extent + before + after - dilation * (size - 1) - 1) / stride) + 1` places
/// ("Deep Learning from Scratch", section 7.2.4, with dilation as in PyTorch). In ceil mode the
/// division is rounded up, and a last place that would start behind the image is left out: a window
/// larger than the padded image by less than a stride then takes one place.
///
/// ```swift
/// let window = try Window(5, stride: 1, padding: 2)
/// let wide = try Window(
///     height: 3, width: 7, padding: Padding(top: 1, bottom: 1, left: 3, right: 3))
/// ```
public struct Window: Sendable, Hashable {
    /// The number of taps along each axis, at least 1.
    public let size: PerAxis
    /// The step between two neighbouring places along each axis, at least 1.
    public let stride: PerAxis
    /// The padding on each side, at least 0.
    public let padding: Padding
    /// The distance between two neighbouring taps along each axis, at least 1.
    public let dilation: PerAxis
    /// Whether a last place that reaches past the padded image counts, as long as it starts
    /// inside the image or the padding before it (PyTorch's `ceil_mode`). It may be the only one:
    /// a window of 3×3 at stride 2 takes one place on 2×2 pixels, as in PyTorch and ONNX Runtime.
    public let usesCeilMode: Bool

    /// A square window with the same geometry along both axes.
    ///
    /// - Throws: ``TensorError`` when a size, stride or dilation is below 1, the padding is
    ///   negative, or one of them is beyond 2³¹ − 1.
    public init(
        _ size: Int, stride: Int = 1, padding: Int = 0, dilation: Int = 1, ceilMode: Bool = false
    ) throws(TensorError) {
        try self.init(
            size: PerAxis(size), stride: PerAxis(stride), padding: Padding(padding),
            dilation: PerAxis(dilation), ceilMode: ceilMode)
    }

    /// A window with its own geometry along each axis.
    ///
    /// - Throws: ``TensorError`` when a size, stride or dilation is below 1, a padding is negative,
    ///   or one of them is beyond 2³¹ − 1.
    public init(
        height: Int, width: Int, stride: PerAxis = 1, padding: Padding = 0, dilation: PerAxis = 1,
        ceilMode: Bool = false
    ) throws(TensorError) {
        try self.init(
            size: PerAxis(height: height, width: width), stride: stride, padding: padding,
            dilation: dilation, ceilMode: ceilMode)
    }

    /// A window that is one pixel high, for sequences `[N, C, 1, W]`: what PyTorch's layers in one
    /// dimension have on `[N, C, W]`.
    ///
    /// - Parameters:
    ///   - width: the number of taps.
    ///   - stride: the step between two places.
    ///   - padding: columns on the left and on the right.
    ///   - dilation: the distance between two neighbouring taps.
    ///   - ceilMode: whether a last place that reaches past the padded sequence counts.
    /// - Throws: ``TensorError`` when the width, stride or dilation is below 1, the padding is
    ///   negative, or one of them is beyond 2³¹ − 1.
    public init(
        width: Int, stride: Int = 1, padding: Int = 0, dilation: Int = 1, ceilMode: Bool = false
    ) throws(TensorError) {
        try self.init(
            size: PerAxis(height: 1, width: width), stride: PerAxis(height: 1, width: stride),
            padding: Padding(top: 0, bottom: 0, left: padding, right: padding),
            dilation: PerAxis(height: 1, width: dilation), ceilMode: ceilMode)
    }

    /// A window from its parts.
    ///
    /// - Throws: ``TensorError`` when a size, stride or dilation is below 1, a padding is negative,
    ///   or one of them is beyond 2³¹ − 1.
    public init(
        size: PerAxis, stride: PerAxis, padding: Padding, dilation: PerAxis, ceilMode: Bool
    ) throws(TensorError) {
        try Self.check(size, atLeast: 1, argument: "size")
        try Self.check(stride, atLeast: 1, argument: "stride")
        try Self.check(dilation, atLeast: 1, argument: "dilation")
        try Self.check(
            PerAxis(height: padding.top, width: padding.left), atLeast: 0, argument: "padding")
        try Self.check(
            PerAxis(height: padding.bottom, width: padding.right), atLeast: 0, argument: "padding")
        self.size = size
        self.stride = stride
        self.padding = padding
        self.dilation = dilation
        self.usesCeilMode = ceilMode
    }

    /// How many places the window takes on an image of the given height and width.
    ///
    /// - Parameters:
    ///   - height: the image's rows, at least 1.
    ///   - width: the image's columns, at least 1.
    ///   - operation: the name that an error should carry.
    /// - Throws: ``TensorError`` when the window is larger than the padded image, in ceil mode by a
    ///   stride or more.
    public func outputSize(
        height: Int, width: Int, operation: String = "Window"
    ) throws(TensorError) -> PerAxis {
        for (extent, argument) in [(height, "height"), (width, "width")] {
            guard (1...Shape.largestExtent).contains(extent) else {
                throw TensorError(
                    operation: operation, argument: argument, value: "\(extent)",
                    expected: "from 1 to \(Shape.largestExtent)")
            }
        }
        let places = PerAxis(
            height: places(
                extent: height, padding: (padding.top, padding.bottom), size: size.height,
                stride: stride.height, dilation: dilation.height),
            width: places(
                extent: width, padding: (padding.left, padding.right), size: size.width,
                stride: stride.width, dilation: dilation.width))
        guard places.height >= 1, places.width >= 1 else {
            let reach = PerAxis(
                height: dilation.height * (size.height - 1) + 1,
                width: dilation.width * (size.width - 1) + 1)
            let padded = PerAxis(
                height: height + padding.top + padding.bottom,
                width: width + padding.left + padding.right)
            let beyond =
                usesCeilMode
                ? ", or larger by less than the stride of \(stride.height)×\(stride.width)" : ""
            throw TensorError(
                operation: operation, argument: "window",
                value: "\(reach.height)×\(reach.width)",
                expected: "at most the padded input's \(padded.height)×\(padded.width)" + beyond)
        }
        return places
    }

    private func places(
        extent: Int, padding: (before: Int, after: Int), size: Int, stride: Int, dilation: Int
    ) -> Int {
        let room = extent + padding.before + padding.after - dilation * (size - 1) - 1
        guard usesCeilMode else { return room < 0 ? 0 : room / stride + 1 }
        // Swift's division rounds towards zero: what rounds up to no place or fewer is
        // sorted out first.
        guard room > -stride else { return 0 }
        let places = (room + stride - 1) / stride + 1
        // The last window must start inside the image or the padding before it.
        return (places - 1) * stride >= extent + padding.before ? places - 1 : places
    }

    private static func check(
        _ value: PerAxis, atLeast smallest: Int, argument: String
    ) throws(TensorError) {
        let allowed = smallest...Shape.largestExtent
        guard allowed.contains(value.height), allowed.contains(value.width) else {
            throw TensorError(
                operation: "Window", argument: argument, value: "\(value.height)×\(value.width)",
                expected: "from \(smallest) to \(Shape.largestExtent) along each axis")
        }
    }
}
