// SPDX-License-Identifier: MIT
//
// ONNX's Resize with all its rules (https://onnx.ai/onnx/operators/onnx__Resize.html), for an input
// of known size: what imported models have. Resize is the layer for your own networks.

/// Values of another size along some axes, interpolated as an operator of ONNX says.
struct Resampling: UnaryLayer {
    enum Mode: String, CaseIterable {
        case nearest, linear, cubic
    }

    /// Where an output lies in the input.
    enum Coordinates: String, CaseIterable {
        case halfPixel = "half_pixel"
        case halfPixelSymmetric = "half_pixel_symmetric"
        case pytorchHalfPixel = "pytorch_half_pixel"
        case alignCorners = "align_corners"
        case asymmetric
        case cropAndResize = "tf_crop_and_resize"
        /// TensorFlow's for the nearest pixel, in versions 11 and 12 of the operators.
        case halfPixelForNearest = "tf_half_pixel_for_nn"
    }

    /// Which pixel is the nearest.
    enum Rounding: String, CaseIterable {
        case preferFloor = "round_prefer_floor"
        case preferCeiling = "round_prefer_ceil"
        case floor
        case ceiling = "ceil"
    }

    /// What happens along one axis.
    struct Rule: Hashable {
        let axis: Int
        let inputSize: Int
        let outputSize: Int
        /// Outputs per input, as the model has it: not always the quotient of the sizes.
        let scale: Double
        /// The part of the input that is taken, from 0 to 1, where coordinates are those of a crop.
        var start = 0.0
        var end = 1.0
    }

    /// How numbers are interpolated.
    struct Method: Hashable {
        var mode = Mode.nearest
        var coordinates = Coordinates.halfPixel
        var rounding = Rounding.preferFloor
        var cubicFactor = -0.75
        /// Whether taps beyond the ends have no weight; otherwise they read the end's number.
        var excludesOutside = false
        var antialias = false
    }

    let rules: [Rule]
    let method: Method

    /// - Throws: ``TensorError`` when a size is out of range or a scale not above 0.
    init(_ rules: [Rule], _ method: Method) throws {
        for rule in rules {
            let sizes = [rule.inputSize, rule.outputSize]
            guard sizes.allSatisfy((1...ResamplingTaps.largestExtent).contains), rule.axis >= 0,
                (0x1p-20...0x1p20).contains(rule.scale),
                [rule.start, rule.end].allSatisfy((-0x1p20...0x1p20).contains)
            else {
                throw TensorError(
                    operation: "Resampling", argument: "sizes",
                    value: "\(rule.inputSize) to \(rule.outputSize) by \(rule.scale)",
                    expected: "sizes from 1 to \(ResamplingTaps.largestExtent)")
            }
        }
        self.rules = rules.sorted { $0.axis < $1.axis }
        self.method = method
    }

    func outputShape(for inputShape: [Int]) throws -> [Int] {
        var shape = inputShape
        for rule in rules {
            guard shape.indices.contains(rule.axis), inputShape[rule.axis] == rule.inputSize else {
                throw TensorError(
                    operation: "Resampling", argument: "x", value: "\(inputShape)",
                    expected: "\(rule.inputSize) along axis \(rule.axis)")
            }
            shape[rule.axis] = rule.outputSize
        }
        _ = try Shape.elementCount(shape, operation: "Resampling", argument: "x")
        return shape
    }

    func predict(_ x: Tensor, on kernels: any Kernels) throws -> Tensor {
        _ = try outputShape(for: x.shape)
        return try maps(rank: x.shape.count).reduce(x) { try $1.apply(to: $0, on: kernels) }
    }

    func forward(_ x: Tensor, in pass: Pass) throws -> Forward {
        _ = try outputShape(for: x.shape)
        let maps = try maps(rank: x.shape.count)
        let kernels = pass.kernels
        return Forward(try maps.reduce(x) { try $1.apply(to: $0, on: kernels) }) {
            outputGradient, wanted in
            guard wanted.input else { return LayerGradients(input: nil) }
            return LayerGradients(
                input: try maps.reversed().reduce(outputGradient) {
                    try $1.transposed.apply(to: $0, on: kernels)
                })
        }
    }

    /// A linear map along an axis and the one behind it.
    private struct Map: Sendable {
        let axis: Int
        var rows: ResamplingTaps
        /// Along the next axis; nil where nothing happens there.
        var columns: ResamplingTaps?

        var transposed: Map {
            Map(axis: axis, rows: rows.transposed, columns: columns?.transposed)
        }

        func apply(to x: Tensor, on kernels: any Kernels) throws -> Tensor {
            var shape = x.shape
            let behind = axis + (columns == nil ? 1 : 2)
            let outer = shape[..<axis].reduce(1, *)
            let inner = shape[behind...].reduce(1, *)
            shape[axis] = rows.outputSize
            let last: ResamplingTaps
            if let columns, inner == 1 {
                shape[axis + 1] = columns.outputSize
                last = columns
            } else {
                last = try ResamplingTaps(identity: inner)
            }
            let before = [outer, rows.inputSize, last.inputSize]
            return try kernels.resampled(x.reshaped(to: before), rows: rows, columns: last)
                .reshaped(to: shape)
        }
    }

    /// The maps along the axes, those along the last two in one.
    private func maps(rank: Int) throws -> [Map] {
        var maps: [Map] = []
        for rule in rules {
            let taps = try taps(rule)
            if rule.axis == rank - 1, let last = maps.last, last.axis == rank - 2 {
                maps[maps.count - 1].columns = taps
            } else {
                maps.append(Map(axis: rule.axis, rows: taps))
            }
        }
        return maps
    }

    /// What each output along an axis is the sum of.
    private func taps(_ rule: Rule) throws -> ResamplingTaps {
        try ResamplingTaps(inputSize: rule.inputSize, outputSize: rule.outputSize) { output in
            taps(
                at: method.mode == .nearest
                    ? nearestPosition(of: output, rule) : position(of: output, rule), rule)
        }
    }

    private func position(of output: Int, _ rule: Rule) -> Double {
        let (x, scale) = (Double(output), rule.scale)
        let (input, outputs) = (Double(rule.inputSize), Double(rule.outputSize))
        switch method.coordinates {
        case .halfPixel: return (x + 0.5) / scale - 0.5
        case .pytorchHalfPixel: return rule.outputSize > 1 ? (x + 0.5) / scale - 0.5 : 0
        case .asymmetric: return x / scale
        case .halfPixelForNearest: return (x + 0.5) / scale
        case .alignCorners: return rule.outputSize == 1 ? 0 : x * (input - 1) / (outputs - 1)
        case .halfPixelSymmetric:
            let adjustment = outputs / (scale * input)
            return input / 2 * (1 - adjustment) + (x + 0.5) / scale - 0.5
        case .cropAndResize:
            let part = (rule.end - rule.start) * (input - 1)
            let place = rule.outputSize > 1 ? x * part / (outputs - 1) : part / 2
            return rule.start * (input - 1) + place
        }
    }

    /// Where the nearest pixel is looked for: runtimes compute it in `Float`, which decides where
    /// an output lies between two.
    private func nearestPosition(of output: Int, _ rule: Rule) -> Double {
        let (x, scale) = (Float(output), Float(rule.scale))
        let (input, outputs) = (Float(rule.inputSize), Float(rule.outputSize))
        switch method.coordinates {
        case .halfPixel: return Double((x + 0.5) / scale - 0.5)
        case .pytorchHalfPixel:
            return Double(rule.outputSize > 1 ? (x + 0.5) / scale - 0.5 : 0)
        case .asymmetric: return Double(x / scale)
        case .halfPixelForNearest: return Double((x + 0.5) / scale)
        case .alignCorners:
            return rule.outputSize == 1 ? 0 : Double(x * (input - 1) / (outputs - 1))
        case .halfPixelSymmetric, .cropAndResize: return position(of: output, rule)
        }
    }

    private func taps(at position: Double, _ rule: Rule) -> [(place: Int, weight: Double)] {
        let last = rule.inputSize - 1
        func clamped(_ place: Double) -> Int { Int(min(max(place, 0), Double(last))) }
        // Beyond the ends a crop has 0.
        if method.coordinates == .cropAndResize, position < 0 || position > Double(last) {
            return []
        }
        if method.mode == .nearest {
            let nearest =
                switch method.rounding {
                case .preferFloor: (position - 0.5).rounded(.up)
                case .preferCeiling: (position + 0.5).rounded(.down)
                case .floor: position.rounded(.down)
                case .ceiling: position.rounded(.up)
                }
            return [(clamped(nearest), 1)]
        }
        let width = method.antialias ? max(1 / rule.scale, 1) : 1
        let reach = (method.mode == .linear ? 1 : 2) * width
        let floor = position.rounded(.down)
        let steps = Int((-reach).rounded(.down)) + 1
        var taps: [(place: Double, weight: Double)] = (steps...(1 - steps)).map { step in
            let place = floor + Double(step)
            return (place, weight(abs(place - position) / width))
        }
        if method.excludesOutside {
            taps = taps.filter { (0...Double(last)).contains($0.place) }
        }
        let total = taps.reduce(0) { $0 + $1.weight }
        let divides = method.excludesOutside || method.antialias
        return taps.map {
            (clamped($0.place), divides && total != 0 ? $0.weight / total : $0.weight)
        }
    }

    private func weight(_ x: Double) -> Double {
        guard method.mode == .cubic else { return max(1 - x, 0) }
        let a = method.cubicFactor
        if x <= 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
        return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0
    }
}

extension Resampling: DescribedLayer {
    static let typeName = "Resampling"

    var layerSettings: LayerSettings {
        var settings: LayerSettings = [
            "mode": .text(method.mode.rawValue), "coordinates": .text(method.coordinates.rawValue),
            "rounding": .text(method.rounding.rawValue),
            "cubic_factor": .number(method.cubicFactor),
            "excludes_outside": .flag(method.excludesOutside),
            "antialias": .flag(method.antialias),
        ]
        for (place, rule) in rules.enumerated() {
            settings["axis\(place)"] = .integers([rule.axis, rule.inputSize, rule.outputSize])
            settings["scale\(place)"] = .number(rule.scale)
            settings["start\(place)"] = .number(rule.start)
            settings["end\(place)"] = .number(rule.end)
        }
        return settings
    }

    init(settings: LayerSettings, tensors: LayerTensors) throws {
        try tensors.require(only: [])
        var names = [
            "mode", "coordinates", "rounding", "cubic_factor", "excludes_outside", "antialias",
        ]
        var rules: [Rule] = []
        while settings["axis\(rules.count)"] != nil {
            let place = rules.count
            names += ["axis\(place)", "scale\(place)", "start\(place)", "end\(place)"]
            let sizes = try settings.integers(
                "axis\(place)", count: 3, in: 0...Shape.largestExtent)
            rules.append(
                Rule(
                    axis: sizes[0], inputSize: sizes[1], outputSize: sizes[2],
                    scale: try settings.number("scale\(place)"),
                    start: try settings.number("start\(place)"),
                    end: try settings.number("end\(place)")))
        }
        try settings.require(only: names)
        let method = Method(
            mode: try settings.choice("mode"), coordinates: try settings.choice("coordinates"),
            rounding: try settings.choice("rounding"),
            cubicFactor: try settings.number("cubic_factor"),
            excludesOutside: try settings.flag("excludes_outside"),
            antialias: try settings.flag("antialias"))
        try self.init(rules, method)
    }
}

extension Resampling: ONNXLayer {
    /// What version 17 of the operators can't say is a product with matrices.
    func export(to graph: inout ONNXGraph, inputShape: [Int]) throws {
        _ = try outputShape(for: inputShape)
        // Readers differ in whether they multiply in float32, and positions follow from the scale.
        let areExact = rules.allSatisfy { rule in
            let scale = Float(rule.scale)
            let sizes = [
                Int(Float(rule.inputSize) * scale), Int(Double(rule.inputSize) * Double(scale)),
            ]
            return Double(scale) == rule.scale && sizes.allSatisfy { $0 == rule.outputSize }
        }
        guard areExact, !method.antialias,
            ![.halfPixelSymmetric, .cropAndResize, .halfPixelForNearest].contains(
                method.coordinates)
        else { return try exportAsProducts(to: &graph, inputShape: inputShape) }
        let scales = inputShape.indices.map { axis in
            Float(rules.first { $0.axis == axis }?.scale ?? 1)
        }
        let constant = try graph.addConstant(
            "scales", Tensor(shape: [scales.count], scalars: scales))
        graph.add(
            "Resize", ["", constant],
            [
                ("mode", .text(method.mode.rawValue)),
                ("coordinate_transformation_mode", .text(method.coordinates.rawValue)),
                ("nearest_mode", .text(method.rounding.rawValue)),
                ("cubic_coeff_a", .float(method.cubicFactor)),
                ("exclude_outside", .int(method.excludesOutside ? 1 : 0)),
            ])
    }

    private func exportAsProducts(to graph: inout ONNXGraph, inputShape: [Int]) throws {
        let rank = inputShape.count
        func taps(_ axis: Int) throws -> ResamplingTaps {
            try rules.first { $0.axis == axis }.map { try self.taps($0) }
                ?? ResamplingTaps(identity: inputShape[axis])
        }
        guard rank >= 2, rules.allSatisfy({ $0.axis >= rank - 2 }) else {
            throw TensorError(
                operation: "exportONNX", argument: "Resampling", value: "\(rules.map(\.axis))",
                expected: "the last two axes alone")
        }
        try graph.addResampling(rows: taps(rank - 2), columns: taps(rank - 1))
    }
}
