// SPDX-License-Identifier: MIT
//
// Resize in all its versions, and Upsample, which it came from.

extension ONNXOperators {
    static func resize(
        _ node: ONNXNodeView, _ importer: inout ONNXImporter
    ) throws -> [ONNXImporter.Value] {
        let x = try node.input(0)
        let shape = try importer.shape(of: x)
        var method = try method(node)
        let axes =
            try node.ints("axes")?.map { try ONNXNodeView.axis($0, rank: shape.count, "axes") }
            ?? Array(shape.indices)
        // Upsample, and Resize in version 10, have the scales as their second input.
        let isOld = node.operation.type == "Upsample" || node.version < 11
        var scales = try node.floats("scales")
        if node.has("height_scale") {
            scales = [1, 1, try node.float("height_scale", 1), try node.float("width_scale", 1)]
        }
        if scales == nil, let value = node.optional(isOld ? 1 : 2) {
            let numbers = try importer.constant(value, "scales").doubles
            scales = numbers.isEmpty ? nil : numbers
        }
        var sizes: [Int]?
        if !isOld, scales == nil, node.optional(3) != nil {
            sizes = try wholeNumbers(node, &importer, 3, "sizes")
        }
        guard scales?.count ?? sizes?.count == axes.count else {
            throw ONNXRefusal(
                "scales", "\(scales?.count ?? sizes?.count ?? 0) numbers",
                expected: "\(axes.count) scales or sizes")
        }
        var parts: [Double]?
        if method.coordinates == .cropAndResize, let value = node.optional(1) {
            parts = try importer.constant(value, "roi").doubles
            guard parts?.count == 2 * axes.count else {
                throw ONNXRefusal("roi", "\(parts ?? [])", expected: "two for each axis")
            }
        }
        let (targets, factors) = try targets(node, axes.map { shape[$0] }, scales, sizes)
        var rules: [Resampling.Rule] = []
        for (place, axis) in axes.enumerated() {
            var rule = Resampling.Rule(
                axis: axis, inputSize: shape[axis], outputSize: targets[place],
                scale: factors[place])
            if let parts {
                (rule.start, rule.end) = (parts[place], parts[place + axes.count])
            }
            let isWhole = rule.start == 0 && rule.end == 1
            if rule.outputSize == rule.inputSize, rule.scale == 1, isWhole { continue }
            rules.append(rule)
        }
        guard !rules.isEmpty else { return [x] }
        // With scales that give no whole size, corners are those of the size: as ONNX Runtime does.
        if method.mode != .cubic { method.cubicFactor = -0.75 }
        return [try importer.apply(Resampling(rules, method), x)]
    }

    private static func method(_ node: ONNXNodeView) throws -> Resampling.Method {
        func choice<Choice: RawRepresentable & CaseIterable>(
            _ name: String, _ standard: Choice
        ) throws -> Choice where Choice.RawValue == String {
            let text = try node.text(name, standard.rawValue)
            guard let choice = Choice(rawValue: text) else {
                throw ONNXRefusal(
                    name, text,
                    expected: Choice.allCases.map(\.rawValue).joined(separator: ", "))
            }
            return choice
        }
        var method = Resampling.Method()
        if try node.text("mode", "nearest") == "bilinear" {
            method.mode = .linear
        } else {
            method.mode = try choice("mode", Resampling.Mode.nearest)
        }
        guard node.operation.type == "Resize", node.version >= 11 else {
            (method.coordinates, method.rounding) = (.asymmetric, .floor)
            return method
        }
        method.coordinates = try choice(
            "coordinate_transformation_mode", Resampling.Coordinates.halfPixel)
        method.rounding = try choice("nearest_mode", Resampling.Rounding.preferFloor)
        method.cubicFactor = try node.float("cubic_coeff_a", -0.75)
        method.excludesOutside = try node.flag("exclude_outside")
        method.antialias = try node.flag("antialias") && method.mode != .nearest
        let extrapolation = try node.float("extrapolation_value", 0)
        guard extrapolation == 0 || method.coordinates != .cropAndResize else {
            throw ONNXRefusal("extrapolation_value", "\(extrapolation)", expected: "0")
        }
        return method
    }

    /// The sizes, and the scales along each axis.
    private static func targets(
        _ node: ONNXNodeView, _ inputs: [Int], _ scales: [Double]?, _ sizes: [Int]?
    ) throws -> (sizes: [Int], scales: [Double]) {
        if let scales {
            guard scales.allSatisfy({ (0x1p-20...0x1p20).contains($0) }) else {
                throw ONNXRefusal("scales", "\(scales)", expected: "from 2^-20 to 2^20")
            }
            // As runtimes do, in float32.
            let sizes = zip(inputs, scales).map {
                Int(min((Float($0) * Float($1)).rounded(.down), Float(Int32.max)))
            }
            return (sizes, scales)
        }
        guard let sizes, sizes.allSatisfy({ (1...Shape.largestExtent).contains($0) }) else {
            throw ONNXRefusal("sizes", "\(sizes ?? [])", expected: "numbers of at least 1")
        }
        let quotients = zip(inputs, sizes).map { Double($1) / Double($0) }
        let factor: Double
        switch try node.text("keep_aspect_ratio_policy", "stretch") {
        case "stretch": return (sizes, quotients)
        case "not_larger": factor = quotients.min() ?? 1
        case "not_smaller": factor = quotients.max() ?? 1
        case let other:
            throw ONNXRefusal(
                "keep_aspect_ratio_policy", other,
                expected: "stretch, not_larger or not_smaller")
        }
        return (
            inputs.map { Int((Double($0) * factor + 0.5).rounded(.down)) },
            inputs.map { _ in factor }
        )
    }
}
