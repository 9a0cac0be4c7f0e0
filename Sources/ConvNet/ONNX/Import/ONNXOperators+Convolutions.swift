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
        "MaxPool": Entry(windowAttributes.union(["ceil_mode", "storage_order"]), maxPooling),
        "AveragePool": Entry(
            windowAttributes.union(["ceil_mode", "count_include_pad"])
        ) { node, importer in
            let counts = try node.flag("count_include_pad")
            func pooled(
                _ importer: inout ONNXImporter, _ x: Graph.Value, _ window: ONNXWindow
            ) throws -> ONNXImporter.Value {
                var window = window
                let padded = counts ? try importer.padded(x, &window, with: 0) : x
                let layer = AveragePooling(window: try window.window(), countIncludePad: counts)
                return .running(try importer.emit(layer, padded, isLast: false), .float)
            }
            if let result = try importer.pooledVolumes(node, pooled) { return [result] }
            return [
                try importer.onImages(node) { node, importer, x, shape in
                    try pooled(&importer, x, ONNXWindow(node, shape: shape))
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

    private static func maxPooling(
        _ node: ONNXNodeView, _ importer: inout ONNXImporter
    ) throws -> [ONNXImporter.Value] {
        func pooled(
            _ importer: inout ONNXImporter, _ x: Graph.Value, _ window: ONNXWindow
        ) throws -> ONNXImporter.Value {
            var window = window
            let padded = try importer.padded(x, &window, with: -.infinity)
            let layer = MaxPooling(window: try window.window())
            return .running(try importer.emit(layer, padded, isLast: false), .float)
        }
        if node.outputCount < 2, let result = try importer.pooledVolumes(node, pooled) {
            return [result]
        }
        let maxima = try importer.onImages(node) { node, importer, x, shape in
            try pooled(&importer, x, ONNXWindow(node, shape: shape))
        }
        guard node.outputCount > 1 else { return [maxima] }
        let places = try importer.onImages(node) { node, importer, x, shape in
            let window = try ONNXWindow(node, shape: shape)
            guard !window.isPaddedWidely else {
                throw ONNXRefusal("pads", "more than half of the window", expected: "at most half")
            }
            let layer = MaximumPlaces(
                window: try window.window(), countsColumns: try node.flag("storage_order"))
            return .running(try importer.emit(layer, x, isLast: false), .int64)
        }
        return [maxima, places]
    }

    /// A weight that an operator has to know: an initializer, or a number that an input of the
    /// network gives.
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
        try withFilters(
            node, &importer, volumes: { try $0.convolvedVolumes($1, $2, $3) }
        ) { node, shape, filters, bias in
            try Convolution(
                weights: filters, bias: bias,
                window: ONNXWindow(node, shape: shape, size: Array(filters.shape[2...])).window(),
                groups: node.int("group", 1))
        }
    }

    private static func transposedConvolution(
        _ node: ONNXNodeView, _ importer: inout ONNXImporter
    ) throws -> [ONNXImporter.Value] {
        try withFilters(
            node, &importer, volumes: { try $0.transposedVolumes($1, $2, $3) }
        ) { node, shape, filters, bias in
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
    /// - Parameters:
    ///   - volumes: does the same in three dimensions.
    ///   - layer: makes it, for the images' shape.
    private static func withFilters(
        _ node: ONNXNodeView, _ importer: inout ONNXImporter,
        volumes: (
            inout ONNXImporter, ONNXNodeView, _ weights: ONNXImporter.Weight,
            _ bias: ONNXImporter.Weight?
        ) throws -> ONNXImporter.Value,
        layer: (ONNXNodeView, _ shape: [Int], _ filters: Tensor, _ bias: Tensor?) throws ->
            any Layer
    ) throws -> [ONNXImporter.Value] {
        let weights = try weight(node, 1, "W", &importer)
        let bias = try node.optional(2).map { _ in try weight(node, 2, "B", &importer) }
        if try importer.shape(of: node.input(0)).count == 5 {
            return [try volumes(&importer, node, weights, bias)]
        }
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
