// SPDX-License-Identifier: MIT
//
// Convolutions and poolings, and what slides a window. One axis of pixels is a row of an image.

extension ONNXOperators {
    private static let windowAttributes: Set<String> = [
        "auto_pad", "dilations", "kernel_shape", "pads", "strides",
    ]

    /// Operators with a window.
    static let convolutions: [String: Entry] = [
        "Conv": Entry(windowAttributes.union(["group"]), convolution),
        "ConvTranspose": Entry(
            windowAttributes.union(["group", "output_padding", "output_shape"]),
            transposedConvolution),
        "MaxPool": Entry(windowAttributes.union(["ceil_mode", "storage_order"])) { node, importer in
            guard node.outputCount < 2 else {
                throw ONNXRefusal("Indices", "asked for", expected: "the first output alone")
            }
            return [
                try importer.onImages(node) { node, importer, x, shape in
                    var window = try ONNXWindow(node, shape: shape)
                    let padded = try importer.padded(x, &window, with: -.infinity)
                    return .running(
                        try importer.emit(
                            MaxPooling(window: window.window()), padded, isLast: false), .float)
                }
            ]
        },
        "AveragePool": Entry(
            windowAttributes.union(["ceil_mode", "count_include_pad"])
        ) { node, importer in
            [
                try importer.onImages(node) { node, importer, x, shape in
                    let counts = try node.flag("count_include_pad")
                    var window = try ONNXWindow(node, shape: shape)
                    let padded = counts ? try importer.padded(x, &window, with: 0) : x
                    let layer = AveragePooling(
                        window: try window.window(), countIncludePad: counts)
                    return .running(try importer.emit(layer, padded, isLast: false), .float)
                }
            ]
        },
        "LpPool": Entry(windowAttributes.union(["p", "ceil_mode"]), lpPooling),
        "GlobalAveragePool": Entry { node, importer in
            [try importer.reducedPlanes(node, .mean)]
        },
        "GlobalMaxPool": Entry { node, importer in
            [try importer.reducedPlanes(node, .maximum)]
        },
        "GlobalLpPool": Entry(["p"]) { node, importer in
            guard try node.int("p", 2) == 2 else {
                throw ONNXRefusal("p", "\(try node.int("p", 2))", expected: "2")
            }
            return [try importer.reducedPlanes(node, .l2)]
        },
        "Resize": Entry(
            [
                "mode", "coordinate_transformation_mode", "nearest_mode", "cubic_coeff_a",
                "exclude_outside", "extrapolation_value", "antialias", "axes",
                "keep_aspect_ratio_policy",
            ], resize),
        "Upsample": Entry(
            ["mode", "scales", "height_scale", "width_scale"], resize),
    ]

    /// A weight that an operator has to know: an initializer, or a number that an input of the network gives.
    static func weight(
        _ node: ONNXNodeView, _ index: Int, _ name: String, _ importer: inout ONNXImporter
    ) throws -> (tensor: Tensor, name: String) {
        let value = try node.input(index)
        let constant = try importer.constant(value, name)
        guard let tensor = constant.tensor else {
            throw ONNXRefusal(name, "of type \(constant.type.name)", expected: "FLOAT")
        }
        guard case .constant(_, let own) = value else { return (tensor, "") }
        return (tensor, own)
    }

    private static func convolution(
        _ node: ONNXNodeView, _ importer: inout ONNXImporter
    ) throws -> [ONNXImporter.Value] {
        try withFilters(node, &importer) { node, shape, filters, bias in
            try Convolution(
                weights: filters, bias: bias,
                window: ONNXWindow(node, shape: shape, size: Array(filters.shape[2...])).window(),
                groups: node.int("group", 1))
        }
    }

    private static func transposedConvolution(
        _ node: ONNXNodeView, _ importer: inout ONNXImporter
    ) throws -> [ONNXImporter.Value] {
        try withFilters(node, &importer) { node, shape, filters, bias in
            let groups = try node.int("group", 1)
            guard (1...filters.shape[0]).contains(groups) else {
                throw ONNXRefusal(
                    "group", "\(groups)", expected: "from 1 to \(filters.shape[0])")
            }
            var rule = try ONNXWindow(node, shape: shape, size: Array(filters.shape[2...]))
            let padding = try rule.transposed(node, shape: shape)
            return try TransposedConvolution(
                weights: filters, bias: bias ?? Tensor(zeros: [filters.shape[1] * groups]),
                window: rule.window(),
                outputPadding: PerAxis(height: padding[0], width: padding[1]), groups: groups)
        }
    }

    /// A layer with filters, and perhaps a bias, on images.
    ///
    /// - Parameter layer: makes it, for the images' shape.
    private static func withFilters(
        _ node: ONNXNodeView, _ importer: inout ONNXImporter,
        layer: (ONNXNodeView, _ shape: [Int], _ filters: Tensor, _ bias: Tensor?) throws ->
            any Layer
    ) throws -> [ONNXImporter.Value] {
        let weights = try weight(node, 1, "W", &importer)
        let bias = try node.optional(2).map { _ in try weight(node, 2, "B", &importer) }
        return [
            try importer.onImages(node, weights: weights.tensor.shape) { node, importer, x, shape in
                // The bias of channels may have the axes of images behind it.
                let made = try layer(
                    node, shape, weights.tensor.asImages(),
                    bias.map { try $0.tensor.reshaped(to: [-1]) })
                return .running(
                    try importer.emit(
                        made, x, isLast: true,
                        tensorNames: ["W": weights.name, "b": bias?.name ?? ""]), .float)
            }
        ]
    }

    /// The root of a sum of powers is that of a mean, times the count.
    private static func lpPooling(
        _ node: ONNXNodeView, _ importer: inout ONNXImporter
    ) throws -> [ONNXImporter.Value] {
        let p = try node.int("p", 2)
        guard (1...64).contains(p) else { throw ONNXRefusal("p", "\(p)", expected: "from 1 to 64") }
        guard try !node.flag("ceil_mode") else {
            throw ONNXRefusal("ceil_mode", "1", expected: "0")
        }
        return [
            try importer.onImages(node) { node, importer, x, shape in
                var rule = try ONNXWindow(node, shape: shape)
                let padded = try importer.padded(x, &rule, with: 0)
                let window = try rule.window()
                let taps = window.size.height * window.size.width
                var value = ONNXImporter.Value.running(
                    try importer.emit(Pointwise(.absolute), padded, isLast: false), .float)
                value = try importer.combine(
                    .power, value, importer.number(Double(p)), isLast: false)
                value = try importer.apply(
                    AveragePooling(window: window, countIncludePad: true), value, isLast: false)
                value = try importer.combine(
                    .multiply, value, importer.number(Double(taps)), isLast: false)
                return try importer.combine(
                    .power, value, importer.number(1 / Double(p)), isLast: false)
            }
        ]
    }
}

/// The window of an operator, along two axes of pixels.
struct ONNXWindow {
    private(set) var size: [Int]
    private(set) var strides: [Int]
    private(set) var dilations: [Int]
    /// Before each axis, then behind each.
    private(set) var pads: [Int]
    let usesCeilMode: Bool

    /// - Parameters:
    ///   - shape: the images', `[N, C, H, W]`.
    ///   - size: that of the weights, where there are some.
    init(_ node: ONNXNodeView, shape: [Int], size: [Int]? = nil) throws {
        func two(_ name: String, _ standard: Int) throws -> [Int] {
            guard let numbers = try node.ints(name), !numbers.isEmpty else {
                return [standard, standard]
            }
            guard (1...2).contains(numbers.count),
                numbers.allSatisfy({ (1...1 << 20).contains($0) })
            else {
                throw ONNXRefusal(name, "\(numbers)", expected: "one number from 1 for each axis")
            }
            // A single axis is the width of a row.
            return numbers.count == 1 ? [standard, numbers[0]] : numbers
        }
        let given = try two("kernel_shape", 1)
        guard size != nil || node.has("kernel_shape") else {
            throw ONNXRefusal("kernel_shape", "missing", expected: "the window's size")
        }
        guard size == nil || !node.has("kernel_shape") || given == size else {
            throw ONNXRefusal("kernel_shape", "\(given)", expected: "\(size ?? []), the weights'")
        }
        self.size = size ?? given
        strides = try two("strides", 1)
        dilations = try two("dilations", 1)
        usesCeilMode = try node.flag("ceil_mode")
        var pads = try node.ints("pads") ?? [0, 0, 0, 0]
        if pads.count == 2 { pads = [0, pads[0], 0, pads[1]] }
        if pads.isEmpty { pads = [0, 0, 0, 0] }
        guard pads.count == 4, pads.allSatisfy({ (0...Shape.largestExtent).contains($0) }) else {
            throw ONNXRefusal("pads", "\(pads)", expected: "two numbers from 0 for each axis")
        }
        let rule = try node.text("auto_pad", "NOTSET")
        switch rule {
        case "NOTSET", "": self.pads = pads
        case "VALID": self.pads = [0, 0, 0, 0]
        case "SAME_UPPER", "SAME_LOWER":
            self.pads = [0, 0, 0, 0]
            for axis in 0..<2 {
                let places = (shape[axis + 2] + strides[axis] - 1) / strides[axis]
                let reach = dilations[axis] * (self.size[axis] - 1) + 1
                let total = max((places - 1) * strides[axis] + reach - shape[axis + 2], 0)
                let small = total / 2
                self.pads[axis] = rule == "SAME_UPPER" ? small : total - small
                self.pads[axis + 2] = total - self.pads[axis]
            }
        default:
            throw ONNXRefusal(
                "auto_pad", rule, expected: "NOTSET, VALID, SAME_UPPER or SAME_LOWER")
        }
    }

    /// Whether there is more padding than the kernels take: half of the window.
    var isPaddedWidely: Bool {
        (0..<4).contains { 2 * pads[$0] > size[$0 % 2] }
    }

    /// The padding on each side, which is done by then.
    mutating func takePadding() -> [Int] {
        defer { pads = [0, 0, 0, 0] }
        return pads
    }

    /// The window.
    func window() throws -> Window {
        try Window(
            size: PerAxis(height: size[0], width: size[1]),
            stride: PerAxis(height: strides[0], width: strides[1]),
            padding: Padding(top: pads[0], bottom: pads[2], left: pads[1], right: pads[3]),
            dilation: PerAxis(height: dilations[0], width: dilations[1]),
            ceilMode: usesCeilMode)
    }

    /// Sets the padding of a transposed convolution, whose output is told or follows.
    ///
    /// - Returns: what the output has more below and on the right.
    mutating func transposed(_ node: ONNXNodeView, shape: [Int]) throws -> [Int] {
        func two(_ name: String) throws -> [Int]? {
            guard let numbers = try node.ints(name), !numbers.isEmpty else { return nil }
            let own = Array(numbers.suffix(2))
            guard own.allSatisfy({ (0...Shape.largestExtent).contains($0) }) else {
                throw ONNXRefusal(name, "\(numbers)", expected: "numbers from 0")
            }
            return own.count == 1 ? [name == "output_shape" ? 1 : 0, own[0]] : own
        }
        var more = try two("output_padding") ?? [0, 0]
        let rule = try node.text("auto_pad", "NOTSET")
        let isSame = rule.hasPrefix("SAME")
        var target = try two("output_shape")
        if target == nil, isSame {
            target = (0..<2).map { shape[$0 + 2] * strides[$0] }
        }
        guard let target else { return more }
        for axis in 0..<2 {
            let reach = dilations[axis] * (size[axis] - 1) + 1
            let full = (shape[axis + 2] - 1) * strides[axis] + reach + more[axis]
            let total = full - target[axis]
            guard total >= 0 else {
                // What the window does not reach is the bias alone.
                more[axis] -= total
                (pads[axis], pads[axis + 2]) = (0, 0)
                continue
            }
            let small = total / 2
            pads[axis] = rule == "SAME_UPPER" ? small : total - small
            pads[axis + 2] = total - pads[axis]
        }
        return more
    }
}

extension Tensor {
    /// Filters of one axis as those of images of one row.
    fileprivate func asImages() throws -> Tensor {
        guard shape.count != 3 else { return try reshaped(to: [shape[0], shape[1], 1, shape[2]]) }
        guard shape.count == 4 else {
            throw ONNXRefusal("W", "\(shape)", expected: "three or four axes")
        }
        return self
    }
}

extension ONNXImporter {
    /// Applies a body to the first input as images; of one axis of pixels they are rows.
    mutating func onImages(
        _ node: ONNXNodeView, weights: [Int]? = nil,
        _ body: (ONNXNodeView, inout ONNXImporter, Graph.Value, _ shape: [Int]) throws -> Value
    ) throws -> Value {
        let value = try node.input(0)
        let shape = try self.shape(of: value)
        // Filters of one axis of pixels are kept as those of rows.
        let fits =
            weights.map { $0.count == shape.count || ($0.count == 4 && $0[2] == 1) } ?? true
        guard (3...4).contains(shape.count), fits else {
            throw ONNXRefusal(
                "X", "\(shape)", expected: "[N, C, H, W] or [N, C, L], and weights to go with it")
        }
        guard shape.count == 3 else { return try body(node, &self, running(value), shape) }
        let rows = [shape[0], shape[1], 1, shape[2]]
        let images = try running(reshape(value, to: rows, isLast: false))
        let result = try body(node, &self, images, rows)
        let made = try self.shape(of: result)
        return try reshape(result, to: [made[0], made[1], made[3]], isLast: false)
    }

    /// Images with the padding around them that a window has, where that is too much for a pooling.
    mutating func padded(
        _ x: Graph.Value, _ window: inout ONNXWindow, with number: Double
    ) throws -> Graph.Value {
        guard window.isPaddedWidely else { return x }
        guard !window.usesCeilMode else {
            throw ONNXRefusal("pads", "more than half of the window", expected: "at most half")
        }
        let pads = window.takePadding()
        let shape = try graph.wholeShape(of: x)
        let sides = [0, 0, pads[0], pads[1], 0, 0, pads[2], pads[3]]
        guard let layer = ONNXOperators.imagePadding(shape, sides, "constant", number) else {
            throw ONNXRefusal("pads", "\(pads)", expected: "smaller ones")
        }
        return try emit(layer, x, isLast: false)
    }

    /// A reduction of all axes behind the channels.
    mutating func reducedPlanes(_ node: ONNXNodeView, _ reduction: Reduction) throws -> Value {
        let x = try node.input(0)
        let shape = try self.shape(of: x)
        guard shape.count >= 3 else {
            throw ONNXRefusal("X", "\(shape)", expected: "[N, C, …]")
        }
        if shape.count == 4, reduction == .mean { return try apply(GlobalAveragePooling(), x) }
        if shape.count == 4, reduction == .maximum { return try apply(GlobalMaxPooling(), x) }
        return try apply(
            Reduce(reduction, axes: Array(2..<shape.count), keepsAxes: true), x)
    }
}
