// SPDX-License-Identifier: MIT
//
// Pixels around images, as a layer of its own: convolutions and poolings pad by themselves, but
// with zeros and −∞ alone.

/// Rows and columns around images: `[N, C, H, W]` to `[N, C, top + H + bottom, left + W + right]`.
///
/// ```swift
/// let layer = try ImagePadding(top: 1, bottom: 1, left: 2, right: 2, mode: .reflect)
/// ```
public struct ImagePadding: ResamplingLayer {
    /// What the new pixels are.
    public enum Mode: Sendable, Hashable {
        /// A number.
        case constant(Double)
        /// The pixels as far inside the image, the edge's own not repeated: `3 2 | 1 2 3 | 2 1`
        /// (PyTorch's and ONNX's `reflect`).
        case reflect
        /// The nearest pixel: `1 1 | 1 2 3 | 3 3` (PyTorch's `replicate`, ONNX's `edge`).
        case edge
    }

    /// How many rows and columns there are on each side.
    public let padding: Padding
    /// What they are.
    public let mode: Mode

    /// A padding for each side.
    ///
    /// - Parameters:
    ///   - top: rows above the image.
    ///   - bottom: rows below the image.
    ///   - left: columns left of the image.
    ///   - right: columns right of the image.
    ///   - mode: what the new pixels are.
    /// - Throws: ``TensorError`` when a side is negative or beyond 2³¹ − 1, or a constant is not a
    ///   finite `float32`.
    public init(
        top: Int = 0, bottom: Int = 0, left: Int = 0, right: Int = 0, mode: Mode = .constant(0)
    ) throws {
        try self.init(Padding(top: top, bottom: bottom, left: left, right: right), mode: mode)
    }

    /// Any padding, such as 2, which stands for all four sides.
    ///
    /// - Throws: ``TensorError`` when a side is negative or beyond 2³¹ − 1, or a constant is not a
    ///   finite `float32`.
    public init(_ padding: Padding, mode: Mode = .constant(0)) throws {
        let sides = [padding.top, padding.bottom, padding.left, padding.right]
        guard sides.allSatisfy((0...Shape.largestExtent).contains) else {
            throw TensorError(
                operation: "ImagePadding", argument: "padding", value: "\(sides)",
                expected: "from 0 to \(Shape.largestExtent) on each side")
        }
        if case .constant(let value) = mode, !Float(value).isFinite {
            throw TensorError(
                operation: "ImagePadding", argument: "mode", value: "\(mode)",
                expected: "a constant that float32 holds")
        }
        self.padding = padding
        self.mode = mode
    }

    /// Any padding with an infinite number, as in front of a pooling.
    init(_ padding: Padding, infinityOfSign sign: FloatingPointSign) throws {
        let finite = try ImagePadding(padding)
        self.padding = finite.padding
        mode = .constant(Double(signOf: sign == .minus ? -1 : 1, magnitudeOf: .infinity))
    }

    /// The shape that comes out for a shape that goes in.
    public func outputShape(for inputShape: [Int]) throws -> [Int] {
        guard inputShape.count == 4 else {
            throw TensorError(
                operation: "ImagePadding", argument: "x", value: "\(inputShape)",
                expected: "[N, C, H, W]")
        }
        _ = try Shape.elementCount(inputShape, operation: "ImagePadding", argument: "x")
        let sides = [
            inputShape[2] + padding.top + padding.bottom,
            inputShape[3] + padding.left + padding.right,
        ]
        let shape = inputShape.prefix(2) + sides
        _ = try Shape.elementCount(Array(shape), operation: "ImagePadding", argument: "padding")
        if case .constant = mode { return Array(shape) }
        try requireImages(inputShape, resizedTo: sides)
        if mode == .reflect { try requireReflection(of: inputShape) }
        return Array(shape)
    }

    private func requireReflection(of inputShape: [Int]) throws {
        guard max(padding.top, padding.bottom) < inputShape[2],
            max(padding.left, padding.right) < inputShape[3]
        else {
            throw TensorError(
                operation: "ImagePadding", argument: "padding",
                value: "(\(padding.top), \(padding.bottom), \(padding.left), \(padding.right))",
                expected: "less than the image's \(inputShape[2])×\(inputShape[3]) in reflect mode")
        }
    }

    /// None: numbers are copied.
    public func operationCount(for inputShape: [Int]) throws -> Int {
        _ = try outputShape(for: inputShape)
        return 0
    }

    /// Each new row and column as a copy of one of the image's.
    func taps(for inputShape: [Int]) throws -> (rows: ResamplingTaps, columns: ResamplingTaps) {
        func taps(_ extent: Int, _ before: Int, _ after: Int) throws -> ResamplingTaps {
            try ResamplingTaps(inputSize: extent, outputSize: before + extent + after) { output in
                let place = output - before
                let inside =
                    mode == .edge
                    ? min(max(place, 0), extent - 1)
                    : extent - 1 - abs(extent - 1 - abs(place))
                return [(inside, 1)]
            }
        }
        return (
            try taps(inputShape[2], padding.top, padding.bottom),
            try taps(inputShape[3], padding.left, padding.right)
        )
    }

    /// Where the image lies in a padded one.
    private func interior(of inputShape: [Int]) throws -> StridedView {
        try StridedView(shape: outputShape(for: inputShape))
            .slice(axis: 2, from: padding.top, count: inputShape[2])
            .slice(axis: 3, from: padding.left, count: inputShape[3])
    }

    /// The layer's output in prediction.
    public func predict(_ x: Tensor, on kernels: any Kernels) throws -> Tensor {
        guard case .constant(let value) = mode else { return try resampled(x, on: kernels) }
        var output = try Tensor(
            shape: outputShape(for: x.shape), repeating: value, scalarType: x.scalarType)
        try kernels.copy(
            x, from: StridedView(shape: x.shape), into: &output, at: interior(of: x.shape))
        return output
    }

    /// The layer's output in training, and the way back: copies of a pixel have their
    /// gradients added.
    public func forward(_ x: Tensor, in pass: Pass) throws -> Forward {
        guard case .constant = mode else { return try resampledForward(x, in: pass) }
        let interior = try interior(of: x.shape)
        return Forward(try predict(x, on: pass.kernels)) {
            [kernels = pass.kernels] outputGradient, wanted in
            guard wanted.input else { return LayerGradients(input: nil) }
            return LayerGradients(input: try kernels.copied(outputGradient, as: interior))
        }
    }
}

extension ImagePadding: DescribedLayer {
    /// What files call the type.
    public static let typeName = "ImagePadding"

    /// The sides in the order top, bottom, left, right, the mode, and the number of a constant.
    public var layerSettings: LayerSettings {
        let sides = [padding.top, padding.bottom, padding.left, padding.right]
        var settings: LayerSettings = ["padding": .integers(sides)]
        switch mode {
        // Files hold finite numbers.
        case .constant(let value) where value.isInfinite:
            settings["mode"] = .text(value < 0 ? "lowest" : "highest")
        case .constant(let value):
            settings["mode"] = .text("constant")
            settings["value"] = .number(value)
        case .reflect: settings["mode"] = .text("reflect")
        case .edge: settings["mode"] = .text("edge")
        }
        return settings
    }

    /// The layer with sides and a mode.
    public init(settings: LayerSettings, tensors: LayerTensors) throws {
        let name = try settings.text("mode")
        try settings.require(only: ["padding", "mode"] + (name == "constant" ? ["value"] : []))
        try tensors.require(only: [])
        let sides = try settings.integers("padding", count: 4, in: 0...Shape.largestExtent)
        let mode: Mode
        switch name {
        case "lowest", "highest":
            try self.init(
                Padding(top: sides[0], bottom: sides[1], left: sides[2], right: sides[3]),
                infinityOfSign: name == "lowest" ? .minus : .plus)
            return
        case "constant": mode = .constant(try settings.number("value"))
        case "reflect": mode = .reflect
        case "edge": mode = .edge
        default:
            throw TensorError(
                operation: "settings", argument: "mode", value: name,
                expected: "constant, reflect or edge")
        }
        try self.init(top: sides[0], bottom: sides[1], left: sides[2], right: sides[3], mode: mode)
    }
}

extension ImagePadding: ONNXLayer {
    func export(to graph: inout ONNXGraph, inputShape: [Int]) throws {
        let pads = graph.addIntegers(
            "pads",
            [0, 0, padding.top, padding.left, 0, 0, padding.bottom, padding.right])
        switch mode {
        case .constant(let value):
            let constant = try graph.addConstant("value", Tensor(shape: [], repeating: value))
            graph.add("Pad", [pads, constant])
        case .reflect: graph.add("Pad", [pads], [("mode", .text("reflect"))])
        case .edge: graph.add("Pad", [pads], [("mode", .text("edge"))])
        }
    }
}
