// SPDX-License-Identifier: MIT
//
// Operators that take parts: slices, splits, indices, and paddings.

extension ONNXOperators {
    /// Parts of values, and more around them.
    static let selections: [String: Entry] = [
        "Slice": Entry(["axes", "starts", "ends"], slice),
        "Split": Entry(["axis", "split", "num_outputs"], split),
        "Gather": Entry(["axis"], gather),
        "Pad": Entry(["mode", "pads", "paddings", "value"], pad),
        "ArgMax": extreme(isDescending: true), "ArgMin": extreme(isDescending: false),
        "TopK": Entry(["axis", "k", "largest", "sorted"]) { node, importer in
            let x = try node.input(0)
            let shape = try importer.shape(of: x)
            let axis = try ONNXNodeView.axis(node.int("axis", -1), rank: shape.count)
            let counts =
                try node.version < 10
                ? [node.int("k", 0)] : wholeNumbers(node, &importer, 1, "K")
            guard counts.count == 1, (1...max(1, shape[axis])).contains(counts[0]) else {
                throw ONNXRefusal("K", "\(counts)", expected: "one number up to \(shape[axis])")
            }
            let isDescending = try node.flag("largest", true)
            func ranking(_ givesIndices: Bool) throws -> Ranking {
                try Ranking(
                    axis: axis, count: counts[0], isDescending: isDescending,
                    givesIndices: givesIndices)
            }
            let numbers = try importer.emit(ranking(false), importer.running(x))
            guard node.outputCount > 1 else { return [.running(numbers, importer.type(of: x))] }
            return [
                .running(numbers, importer.type(of: x)),
                .running(
                    try importer.emit(ranking(true), importer.running(x), isLast: false), .int64),
            ]
        },
    ]

    private static func extreme(isDescending: Bool) -> Entry {
        Entry(["axis", "keepdims", "select_last_index"]) { node, importer in
            let x = try node.input(0)
            var shape = try importer.shape(of: x)
            let axis = try ONNXNodeView.axis(node.int("axis", 0), rank: shape.count)
            let layer = try Ranking(
                axis: axis, count: 1, isDescending: isDescending, givesIndices: true,
                prefersLast: node.flag("select_last_index"))
            let index = ONNXImporter.Value.running(
                try importer.emit(layer, importer.running(x)), .int64)
            guard try !node.flag("keepdims", true) else { return [index] }
            shape.remove(at: axis)
            return [try importer.reshape(index, to: shape, isLast: false)]
        }
    }

    private static func slice(
        _ node: ONNXNodeView, _ importer: inout ONNXImporter
    ) throws -> [ONNXImporter.Value] {
        let x = try node.input(0)
        let shape = try importer.shape(of: x)
        let isOld = node.version < 10
        func numbers(_ index: Int, _ name: String) throws -> [Int]? {
            if isOld { return try node.ints(name) }
            guard node.optional(index) != nil else { return nil }
            return try wholeNumbers(node, &importer, index, name)
        }
        guard let starts = try numbers(1, "starts"), let ends = try numbers(2, "ends") else {
            throw ONNXRefusal("starts", "missing", expected: "whole numbers")
        }
        let axes = try numbers(3, "axes") ?? Array(starts.indices)
        let steps =
            try isOld ? nil : numbers(4, "steps")
        guard ends.count == starts.count, axes.count == starts.count,
            steps.map({ $0.count == starts.count }) ?? true
        else {
            throw ONNXRefusal("starts", "\(starts)", expected: "as many as ends, axes and steps")
        }
        var value = x
        for (place, axis) in axes.enumerated() {
            let axis = try ONNXNodeView.axis(axis, rank: shape.count, "axes")
            let step = steps?[place] ?? 1
            guard step != 0, step != .min else {
                throw ONNXRefusal("steps", "\(step)", expected: "other than 0")
            }
            let extent = try importer.shape(of: value)[axis]
            try checkIndices(extent)
            let indices = sliceIndices(
                from: starts[place], to: ends[place], step: step, of: extent)
            value = try importer.selected(
                value, axis, indices, isLast: place == axes.count - 1)
        }
        return [value]
    }

    /// Fails where a list of all indices of an axis would be long.
    static func checkIndices(_ extent: Int) throws {
        guard extent <= 1 << 22 else {
            throw ONNXRefusal("axis", "of extent \(extent)", expected: "at most \(1 << 22)")
        }
    }

    /// The indices that a slice takes, as NumPy does.
    static func sliceIndices(from start: Int, to end: Int, step: Int, of extent: Int) -> [Int] {
        let (lower, upper) = step > 0 ? (0, extent) : (-1, extent - 1)
        func place(_ index: Int) -> Int {
            let index = index < 0 ? index.addingReportingOverflow(extent).partialValue : index
            return min(max(index, lower), upper)
        }
        let (first, last) = (place(start), place(end))
        let step = min(max(step, -Shape.largestExtent), Shape.largestExtent)
        return Array(stride(from: first, to: last, by: step))
    }

    private static func split(
        _ node: ONNXNodeView, _ importer: inout ONNXImporter
    ) throws -> [ONNXImporter.Value] {
        let x = try node.input(0)
        let shape = try importer.shape(of: x)
        let axis = try ONNXNodeView.axis(node.int("axis", 0), rank: shape.count)
        try checkIndices(shape[axis])
        var sizes = try node.ints("split")
        if sizes == nil, node.optional(1) != nil {
            sizes = try wholeNumbers(node, &importer, 1, "split")
        }
        if sizes == nil {
            let count = try node.int("num_outputs", node.operation.outputs.count)
            guard (1...max(1, shape[axis])).contains(count) else {
                throw ONNXRefusal(
                    "num_outputs", "\(count)", expected: "from 1 to \(shape[axis])")
            }
            // The last part may be smaller.
            let part = (shape[axis] + count - 1) / count
            sizes = (0..<count).map { min(part, shape[axis] - $0 * part) }
        }
        guard let sizes, sizes.allSatisfy({ (0...shape[axis]).contains($0) }),
            sizes.count <= shape[axis] + 1 || sizes.contains(0),
            sizes.reduce(0, { $0.addingReportingOverflow($1).partialValue }) == shape[axis],
            sizes.count >= node.operation.outputs.count
        else {
            throw ONNXRefusal(
                "split", "\(sizes ?? [])", expected: "sizes that add up to \(shape[axis])")
        }
        var (first, parts) = (0, [ONNXImporter.Value]())
        for size in sizes.prefix(node.operation.outputs.count) {
            parts.append(
                try importer.selected(x, axis, Array(first..<first + size), isLast: false))
            first += size
        }
        return parts
    }

    private static func gather(
        _ node: ONNXNodeView, _ importer: inout ONNXImporter
    ) throws -> [ONNXImporter.Value] {
        let x = try node.input(0)
        let shape = try importer.shape(of: x)
        let axis = try ONNXNodeView.axis(node.int("axis", 0), rank: shape.count)
        let given = try node.input(1)
        if case .running(_, let type) = given, type.isInteger {
            return [try importer.gathered(Gathering(.parts, axis: axis), x, given)]
        }
        let constant = try importer.constant(given, "indices")
        let places = -shape[axis]..<shape[axis]
        let outside = constant.integers?.first { !places.contains($0) }
        guard let indices = constant.integers, outside == nil else {
            throw ONNXRefusal(
                "indices", outside.map { "\($0)" } ?? constant.type.name,
                expected: "whole numbers from \(-shape[axis]) to \(shape[axis] - 1)")
        }
        let part = try importer.selected(
            x, axis, indices.map { $0 < 0 ? $0 + shape[axis] : $0 }, isLast: false)
        return [
            try importer.reshape(
                part, to: shape[..<axis] + constant.shape + shape[(axis + 1)...])
        ]
    }

    private static func pad(
        _ node: ONNXNodeView, _ importer: inout ONNXImporter
    ) throws -> [ONNXImporter.Value] {
        let x = try node.input(0)
        let shape = try importer.shape(of: x)
        var pads: [Int]
        var value = 0.0
        if node.version < 11 {
            pads = try node.ints("pads") ?? node.ints("paddings") ?? []
            value = try node.float("value", 0)
        } else {
            pads = try wholeNumbers(node, &importer, 1, "pads")
            if let constant = node.optional(2) {
                value = try importer.constant(constant, "constant_value").doubles.first ?? 0
            }
        }
        if node.optional(3) != nil {
            let axes = try wholeNumbers(node, &importer, 3, "axes").map {
                try ONNXNodeView.axis($0, rank: shape.count, "axes")
            }
            guard pads.count == 2 * axes.count else {
                throw ONNXRefusal("pads", "\(pads)", expected: "two for each axis")
            }
            var all = [Int](repeating: 0, count: 2 * shape.count)
            for (place, axis) in axes.enumerated() {
                all[axis] = pads[place]
                all[axis + shape.count] = pads[place + axes.count]
            }
            pads = all
        }
        guard pads.count == 2 * shape.count,
            pads.allSatisfy({ (-Shape.largestExtent...Shape.largestExtent).contains($0) })
        else {
            throw ONNXRefusal("pads", "\(pads)", expected: "two for each axis of \(shape)")
        }
        let mode = try node.text("mode", "constant")
        if let layer = imagePadding(shape, pads, mode, value) {
            return [try importer.apply(layer, x)]
        }
        var result = x
        for axis in shape.indices {
            let (before, after) = (pads[axis], pads[axis + shape.count])
            guard before != 0 || after != 0 else { continue }
            result = try importer.padded(
                result, axis, before: before, after: after, mode: mode, value: value)
        }
        return [result]
    }
}

extension ONNXOperators {
    /// The layer that pads images, if it can do it.
    static func imagePadding(
        _ shape: [Int], _ pads: [Int], _ mode: String, _ value: Double
    ) -> ImagePadding? {
        guard shape.count == 4, pads.allSatisfy({ $0 >= 0 }),
            [pads[0], pads[1], pads[4], pads[5]].allSatisfy({ $0 == 0 })
        else { return nil }
        let sides = Padding(top: pads[2], bottom: pads[6], left: pads[3], right: pads[7])
        if mode == "constant", value.isInfinite {
            return try? ImagePadding(sides, infinityOfSign: value.sign)
        }
        let modes: [String: ImagePadding.Mode] = [
            "constant": .constant(value), "reflect": .reflect, "edge": .edge,
        ]
        guard let mode = modes[mode],
            let layer = try? ImagePadding(sides, mode: mode),
            (try? layer.outputShape(for: shape)) != nil
        else { return nil }
        return layer
    }
}

extension ONNXImporter {
    /// More numbers before and after an axis, or fewer where a count is negative.
    mutating func padded(
        _ value: Value, _ axis: Int, before: Int, after: Int, mode: String, value constant: Double
    ) throws -> Value {
        let extent = try shape(of: value)[axis]
        guard before + extent + after >= 1, before + extent + after <= ONNXArithmetic.mostNumbers
        else {
            throw ONNXRefusal(
                "pads", "\(before) and \(after)",
                expected: "some that leave from 1 to \(ONNXArithmetic.mostNumbers) numbers")
        }
        func indices(_ place: (Int) -> Int) -> [Int] {
            (-before..<extent + after).map(place)
        }
        switch mode {
        case "edge":
            return try selected(
                value, axis, indices { min(max($0, 0), extent - 1) }, isLast: false)
        case "reflect":
            guard max(before, after) < extent else {
                throw ONNXRefusal(
                    "pads", "\(before) and \(after)",
                    expected: "less than \(extent) in reflect mode")
            }
            return try selected(
                value, axis, indices { extent - 1 - abs(extent - 1 - abs($0)) }, isLast: false)
        case "wrap":
            return try selected(
                value, axis, indices { ($0 % extent + extent) % extent }, isLast: false)
        case "constant":
            let (first, end) = (max(0, -before), extent + min(0, after))
            guard first < end else {
                throw ONNXRefusal(
                    "pads", "\(before) and \(after)", expected: "at least one number left")
            }
            let kept = first..<end
            let inner = try selected(value, axis, Array(kept), isLast: false)
            var parts: [Graph.Value] = []
            func add(_ count: Int) throws {
                guard count > 0 else { return }
                var shape = try self.shape(of: value)
                shape[axis] = count
                try ONNXArithmetic.checkSize(shape)
                let single = shape.map { _ in 1 }
                let number = Value.constant(
                    ONNXConstant(try Tensor(shape: single, repeating: constant)), name: "")
                // One number, repeated: a stored one would be as large as the border.
                var border = Value.running(try running(number), .float)
                for place in shape.indices where shape[place] > 1 {
                    border = try selected(
                        border, place, [Int](repeating: 0, count: shape[place]), isLast: false)
                }
                parts.append(try running(border))
            }
            try add(before)
            parts.append(try running(inner))
            try add(after)
            guard parts.count > 1 else { return inner }
            return .running(
                try emit(Concatenation(anyAxis: axis), parts, isLast: false), type(of: value))
        default:
            throw ONNXRefusal("mode", mode, expected: "constant, reflect, edge or wrap")
        }
    }
}
