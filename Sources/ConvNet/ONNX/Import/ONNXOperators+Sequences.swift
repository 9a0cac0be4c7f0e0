// SPDX-License-Identifier: MIT
//
// Sequences of values, whose lengths are known when the model is loaded: exporters write them where
// PyTorch splits or stacks.

extension ONNXOperators {
    /// What makes sequences and takes them apart.
    static let sequences: [String: Entry] = [
        "SplitToSequence": Entry(["axis", "keepdims"], splitToSequence),
        "SequenceConstruct": Entry { node, importer in [.sequence(try node.allInputs())] },
        "SequenceEmpty": Entry(["dtype"]) { node, importer in [.sequence([])] },
        "SequenceAt": Entry { node, importer in
            let values = try sequence(node)
            return [values[try place(node, 1, &importer, in: values.count)]]
        },
        "SequenceInsert": Entry { node, importer in
            var values = try sequence(node)
            let place =
                try node.optional(2) == nil
                ? values.count : place(node, 2, &importer, in: values.count + 1)
            values.insert(try node.input(1), at: place)
            return [.sequence(values)]
        },
        "SequenceErase": Entry { node, importer in
            var values = try sequence(node)
            let place =
                try node.optional(1) == nil
                ? values.count - 1 : place(node, 1, &importer, in: values.count)
            guard values.indices.contains(place) else {
                throw ONNXRefusal(
                    "position", "\(place)", expected: "that of a value in the sequence")
            }
            values.remove(at: place)
            return [.sequence(values)]
        },
        "SequenceLength": Entry { node, importer in
            let count = try sequence(node).count
            return [.constant(ONNXConstant(shape: [], integers: [count]), name: "")]
        },
        "ConcatFromSequence": Entry(["axis", "new_axis"]) { node, importer in
            var values = try sequence(node)
            guard !values.isEmpty else {
                throw ONNXRefusal("input_sequence", "empty", expected: "at least one value")
            }
            var axis = try node.int("axis", 0)
            if try node.flag("new_axis") {
                let shape = try importer.shape(of: values[0])
                axis = try ONNXNodeView.axis(axis, rank: shape.count + 1)
                for place in values.indices {
                    let own = try importer.shape(of: values[place])
                    guard axis <= own.count else {
                        throw ONNXRefusal("input_sequence", "\(own)", expected: "\(shape)")
                    }
                    values[place] = try importer.reshape(
                        values[place], to: own[..<axis] + [1] + own[axis...], isLast: false)
                }
            }
            return [try joined(values, axis, &importer)]
        },
    ]

    private static func sequence(_ node: ONNXNodeView) throws -> [ONNXImporter.Value] {
        guard case .sequence(let values) = try node.input(0) else {
            throw ONNXRefusal("input_sequence", "a tensor", expected: "a sequence")
        }
        return values
    }

    /// A place in a sequence, counted from the first.
    private static func place(
        _ node: ONNXNodeView, _ index: Int, _ importer: inout ONNXImporter, in count: Int
    ) throws -> Int {
        let places = try wholeNumbers(node, &importer, index, "position")
        guard places.count == 1 else {
            throw ONNXRefusal("position", "\(places)", expected: "one number")
        }
        return try ONNXNodeView.axis(places[0], rank: count, "position")
    }

    private static func splitToSequence(
        _ node: ONNXNodeView, _ importer: inout ONNXImporter
    ) throws -> [ONNXImporter.Value] {
        let x = try node.input(0)
        let shape = try importer.shape(of: x)
        let axis = try ONNXNodeView.axis(node.int("axis", 0), rank: shape.count)
        try checkIndices(shape[axis])
        var sizes = [Int](repeating: 1, count: shape[axis])
        var keepsAxis = try node.flag("keepdims", true)
        if node.optional(1) != nil {
            keepsAxis = true
            let constant = try importer.constant(node.input(1), "split")
            let given = try wholeNumbers(node, &importer, 1, "split")
            if constant.shape.isEmpty, let size = given.first, size >= 1 {
                sizes = stride(from: 0, to: shape[axis], by: size).map {
                    min(size, shape[axis] - $0)
                }
            } else {
                sizes = given
            }
        }
        guard sizes.count <= 1 << 12, sizes.allSatisfy({ (1...max(1, shape[axis])).contains($0) }),
            sizes.reduce(0, +) == shape[axis]
        else {
            throw ONNXRefusal(
                "split", "\(sizes.count) parts", expected: "sizes that add up to \(shape[axis])")
        }
        var (first, parts) = (0, [ONNXImporter.Value]())
        for size in sizes {
            var part = try importer.selected(
                x, axis, Array(first..<first + size), isLast: false)
            if !keepsAxis {
                var own = shape
                own.remove(at: axis)
                part = try importer.reshape(part, to: own, isLast: false)
            }
            parts.append(part)
            first += size
        }
        return [.sequence(parts)]
    }
}
