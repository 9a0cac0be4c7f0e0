// SPDX-License-Identifier: MIT
//
// Images of another size: what an upsampling is, too.

/// Images of another size, interpolated between pixels: `[N, C, H, W]` to `[N, C, OH, OW]`.
///
/// ```swift
/// // PyTorch's Upsample(scale_factor=2, mode="bilinear")
/// let twice = try Resize(scales: (2, 2), mode: .bilinear)
/// let fixed = try Resize(sizes: 224, mode: .bicubic, antialias: true)
/// ```
///
/// PyTorch's `align_corners` is `alignCorners` here; its `nearest` is that mode with `asymmetric`
/// coordinates, its `nearest-exact` the one with `halfPixel`, which is the default of all modes.
/// Positions and weights are those of ONNX's `Resize`: with antialias and aligned corners PyTorch
/// moves the corners, and this layer doesn't.
public struct Resize: ResamplingLayer {
    /// What lies between pixels.
    public enum Mode: String, Sendable, Hashable, CaseIterable {
        /// The nearest pixel; half-way between two the later one, but with asymmetric coordinates
        /// the one before.
        case nearest
        /// A straight line.
        case bilinear
        /// Keys' cubic, "Cubic convolution interpolation for digital image processing", 1981, with
        /// a = −0.75, and −0.5 with antialias, as in PyTorch.
        case bicubic
    }

    /// Where output pixel `i` lies in the input, whose pixel `k` lies at `k`.
    public enum Coordinates: String, Sendable, Hashable, CaseIterable {
        /// At `(i + 0.5) / scale − 0.5`: pixels are squares.
        case halfPixel
        /// At `i / scale`.
        case asymmetric
        /// At `i · (H − 1) / (OH − 1)`, or 0 where OH is 1: the corners' pixels stay the corners'.
        case alignCorners
    }

    /// What says how large the output is.
    public enum Target: Sendable, Hashable {
        /// OH and OW; the scale is `OH / H`.
        case sizes(PerAxis)
        /// The scales: OH is `⌊H · height⌋`.
        case scales(height: Double, width: Double)
    }

    /// What says how large the output is.
    public let target: Target
    /// What lies between pixels.
    public let mode: Mode
    /// Where output pixels lie in the input.
    public let coordinates: Coordinates
    /// Whether, where images become smaller, the interpolation is as wide as the output's pixels
    /// are in the input, so that no pixel is passed over (PyTorch's `antialias`, and Pillow's way).
    public let antialias: Bool

    /// Images of given sizes.
    ///
    /// - Parameters:
    ///   - sizes: OH and OW, each from 1 to 2²⁰.
    ///   - mode: what lies between pixels.
    ///   - coordinates: where output pixels lie in the input.
    ///   - antialias: whether the interpolation widens where images become smaller; not for
    ///     the nearest pixel.
    /// - Throws: ``TensorError`` when a size is out of range, or the nearest pixel is asked for
    ///   with antialias.
    public init(
        sizes: PerAxis, mode: Mode, coordinates: Coordinates = .halfPixel, antialias: Bool = false
    ) throws {
        try self.init(.sizes(sizes), mode: mode, coordinates: coordinates, antialias: antialias)
    }

    /// Images larger or smaller by given factors.
    ///
    /// - Parameters:
    ///   - scales: what H and W are multiplied by, each above 0; the products are rounded down.
    ///   - mode: what lies between pixels.
    ///   - coordinates: where output pixels lie in the input.
    ///   - antialias: whether the interpolation widens where images become smaller; not for
    ///     the nearest pixel.
    /// - Throws: ``TensorError`` when a scale is not from 2⁻²⁰ to 2²⁰, or the nearest pixel is
    ///   asked for with antialias.
    public init(
        scales: (height: Double, width: Double), mode: Mode, coordinates: Coordinates = .halfPixel,
        antialias: Bool = false
    ) throws {
        try self.init(
            .scales(height: scales.height, width: scales.width), mode: mode,
            coordinates: coordinates, antialias: antialias)
    }

    private init(
        _ target: Target, mode: Mode, coordinates: Coordinates, antialias: Bool
    ) throws {
        switch target {
        case .sizes(let sizes):
            try ResamplingTaps.check(sizes, operation: "Resize", argument: "sizes")
        case .scales(let height, let width):
            guard [height, width].allSatisfy((0x1p-20...0x1p20).contains) else {
                throw TensorError(
                    operation: "Resize", argument: "scales", value: "\(height)×\(width)",
                    expected: "from 2^-20 to 2^20 along each axis")
            }
        }
        guard !antialias || mode != .nearest else {
            throw TensorError(
                operation: "Resize", argument: "antialias", value: "true",
                expected: "false for the nearest pixel")
        }
        self.target = target
        self.mode = mode
        self.coordinates = coordinates
        self.antialias = antialias
    }

    /// The shape that comes out for a shape that goes in.
    public func outputShape(for inputShape: [Int]) throws -> [Int] {
        let sides = outputSize(of: inputShape)
        try requireImages(inputShape, resizedTo: sides)
        return inputShape.prefix(2) + sides
    }

    /// OH and OW; 0 for what is no image.
    private func outputSize(of inputShape: [Int]) -> [Int] {
        switch target {
        case .sizes(let sizes): return [sizes.height, sizes.width]
        case .scales(let height, let width):
            return zip([2, 3], [height, width]).map { axis, scale in
                guard inputShape.indices.contains(axis),
                    (1...Shape.largestExtent).contains(inputShape[axis])
                else { return 0 }
                return Int(Double(inputShape[axis]) * scale)
            }
        }
    }

    /// The interpolations along each axis.
    func taps(for inputShape: [Int]) throws -> (rows: ResamplingTaps, columns: ResamplingTaps) {
        let sides = outputSize(of: inputShape)
        let scales = scales(of: inputShape)
        func taps(_ axis: Int) throws -> ResamplingTaps {
            try Interpolation(
                inputSize: inputShape[axis + 2], outputSize: sides[axis], scale: scales[axis],
                coordinates: coordinates
            ).taps(mode, antialias: antialias)
        }
        return (try taps(0), try taps(1))
    }

    /// The scales as quotients: OH / H, or a given one / 1.
    private func scales(of inputShape: [Int]) -> [(over: Double, under: Double)] {
        switch target {
        case .sizes(let sizes):
            [
                (Double(sizes.height), Double(inputShape[2])),
                (Double(sizes.width), Double(inputShape[3])),
            ]
        case .scales(let height, let width): [(height, 1), (width, 1)]
        }
    }
}

extension Resize: DescribedLayer {
    /// What files call the type.
    public static let typeName = "Resize"

    /// The sizes or the scales, the height's first, the mode, the coordinates and whether there is
    /// antialias.
    public var layerSettings: LayerSettings {
        let settings: LayerSettings = [
            "mode": .text(mode.rawValue), "coordinates": .text(coordinates.rawValue),
            "antialias": .flag(antialias),
        ]
        switch target {
        case .sizes(let sizes):
            return settings.merging(["sizes": .integers([sizes.height, sizes.width])])
        case .scales(let height, let width):
            return settings.merging([
                "scale_height": .number(height), "scale_width": .number(width),
            ])
        }
    }

    /// The layer with sizes or scales.
    public init(settings: LayerSettings, tensors: LayerTensors) throws {
        let sizes = ["sizes"]
        let scales = ["scale_height", "scale_width"]
        let others = ["mode", "coordinates", "antialias"]
        try settings.require(only: others + (settings["sizes"] == nil ? scales : sizes))
        try tensors.require(only: [])
        let target: Target
        if settings["sizes"] != nil {
            let sides = try settings.integers(
                "sizes", count: 2, in: 1...ResamplingTaps.largestExtent)
            target = .sizes(PerAxis(height: sides[0], width: sides[1]))
        } else {
            target = .scales(
                height: try settings.number("scale_height"),
                width: try settings.number("scale_width"))
        }
        try self.init(
            target, mode: settings.choice("mode"), coordinates: settings.choice("coordinates"),
            antialias: settings.flag("antialias"))
    }
}

extension LayerSettings {
    /// One of the cases of an enumeration, by name.
    ///
    /// - Throws: ``TensorError`` when the setting is missing or none of them.
    func choice<Choice: RawRepresentable & CaseIterable>(
        _ name: String
    ) throws(TensorError) -> Choice where Choice.RawValue == String {
        let text = try text(name)
        guard let choice = Choice(rawValue: text) else {
            throw TensorError(
                operation: "settings", argument: name, value: text,
                expected: Choice.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return choice
    }
}

extension Resize: ONNXLayer {
    /// Scales are `float32` in ONNX. What they can't say without rounding, and antialias, which
    /// ONNX has from version 18 of its operators on, is a product with matrices.
    func export(to graph: inout ONNXGraph, inputShape: [Int]) throws {
        let scales = scales(of: inputShape).map { Float($0.over / $0.under) }
        let areExact = zip(scales, self.scales(of: inputShape)).allSatisfy {
            Double($0) * $1.under == $1.over
        }
        guard areExact, !antialias else {
            let (rows, columns) = try taps(for: inputShape)
            return try graph.addResampling(rows: rows, columns: columns)
        }
        let four = try graph.addConstant("scales", Tensor(shape: [4], scalars: [1, 1] + scales))
        graph.add("Resize", ["", four], onnxAttributes)
    }

    private var onnxAttributes: [(name: String, value: ONNXAttribute)] {
        let transformation =
            switch coordinates {
            case .halfPixel: "half_pixel"
            case .asymmetric: "asymmetric"
            case .alignCorners: "align_corners"
            }
        let place = ("coordinate_transformation_mode", ONNXAttribute.text(transformation))
        switch mode {
        case .nearest:
            let rounding = coordinates == .asymmetric ? "floor" : "round_prefer_ceil"
            return [("mode", .text("nearest")), place, ("nearest_mode", .text(rounding))]
        case .bilinear: return [("mode", .text("linear")), place]
        case .bicubic: return [("mode", .text("cubic")), place, ("cubic_coeff_a", .float(-0.75))]
        }
    }
}
