// SPDX-License-Identifier: MIT
//
// Operators that put numbers elsewhere: of constants when the model is loaded, of other
// values as layers.

extension ONNXOperators {
    /// Reshapes, slices, transpositions and the like.
    static let views: [String: Entry] = [
        "Reshape": Entry(["allowzero", "shape", "consumed_inputs"], reshape),
        "Flatten": Entry(["axis"]) { node, importer in
            let x = try node.input(0)
            let shape = try importer.shape(of: x)
            let axis = try node.int("axis", 1)
            guard (-shape.count...shape.count).contains(axis) else {
                throw ONNXRefusal("axis", "\(axis)", expected: "an axis of \(shape)")
            }
            let place = axis < 0 ? axis + shape.count : axis
            let rows = shape[..<place].reduce(1, *)
            return [
                try importer.reshape(x, to: [rows, shape[place...].reduce(1, *)])
            ]
        },
        "Squeeze": Entry(["axes"]) { node, importer in
            let x = try node.input(0)
            let shape = try importer.shape(of: x)
            let given = try axes(node, &importer, input: 1)
            let axes =
                try given.map { try Set($0.map { try ONNXNodeView.axis($0, rank: shape.count) }) }
                ?? Set(shape.indices.filter { shape[$0] == 1 })
            guard axes.allSatisfy({ shape[$0] == 1 }) else {
                throw ONNXRefusal(
                    "axes", "\(axes.sorted())", expected: "axes of extent 1 in \(shape)")
            }
            let kept = shape.indices.filter { !axes.contains($0) }.map { shape[$0] }
            return [try importer.reshape(x, to: kept)]
        },
        "Unsqueeze": Entry(["axes"]) { node, importer in
            let x = try node.input(0)
            let shape = try importer.shape(of: x)
            guard let given = try axes(node, &importer, input: 1) else {
                throw ONNXRefusal("axes", "missing", expected: "whole numbers")
            }
            let rank = shape.count + given.count
            let axes = Set(try given.map { try ONNXNodeView.axis($0, rank: rank, "axes") })
            guard axes.count == given.count, rank <= TensorRecord.mostAxes else {
                throw ONNXRefusal("axes", "\(given)", expected: "each axis once")
            }
            var rest = shape[...]
            let whole = (0..<rank).map { axes.contains($0) ? 1 : rest.removeFirst() }
            return [try importer.reshape(x, to: whole)]
        },
        "Identity": Entry { node, importer in
            let x = try node.input(0)
            // A copy: two tensors that are equal when a file is written need not stay so.
            if case .constant(let constant, let name) = x, let output = node.operation.outputs.first
            {
                return [importer.copied(constant, of: name, as: output)]
            }
            return [x]
        },
        "Dropout": Entry(["ratio", "seed", "is_test", "consumed_inputs"]) { node, importer in
            let x = try node.input(0)
            if node.version < 7, node.version >= 1, node.has("is_test") {
                guard try node.flag("is_test") else {
                    throw ONNXRefusal("is_test", "0", expected: "1: prediction drops nothing")
                }
            }
            if let mode = node.optional(2) {
                let training = try importer.constant(mode, "training_mode").integers ?? [0]
                guard training == [0] else {
                    throw ONNXRefusal("training_mode", "1", expected: "0")
                }
            }
            let shape = try importer.shape(of: x)
            guard node.outputCount > 1 else { return [x] }
            let one = ONNXConstant(shape: [1], type: .bool, integers: [1])
            return [x, try importer.expanded(.constant(one, name: ""), to: shape)]
        },
        "Transpose": Entry(["perm"], transpose),
        "Concat": Entry(["axis"], concatenate),
        "Expand": Entry { node, importer in
            let x = try node.input(0)
            let target = try wholeNumbers(node, &importer, 1, "shape")
            let shape = try importer.shape(of: x)
            try checkExtents(target, "shape")
            return [
                try importer.expanded(x, to: ONNXArithmetic.broadcast(shape, target))
            ]
        },
        "Tile": Entry { node, importer in
            let x = try node.input(0)
            let shape = try importer.shape(of: x)
            let repeats = try wholeNumbers(node, &importer, 1, "repeats")
            guard repeats.count == shape.count, repeats.allSatisfy({ (1...1 << 20).contains($0) })
            else {
                throw ONNXRefusal(
                    "repeats", "\(repeats)",
                    expected: "one number of at least 1 for each axis of \(shape)")
            }
            var value = x
            for (axis, count) in repeats.enumerated() where count > 1 {
                try checkIndices(shape[axis].multipliedReportingOverflow(by: count).partialValue)
                let indices = (0..<shape[axis] * count).map { $0 % shape[axis] }
                value = try importer.selected(value, axis, indices, isLast: false)
            }
            return [value]
        },
        "DepthToSpace": Entry(["blocksize", "mode"]) { node, importer in
            let x = try node.input(0)
            let shape = try importer.shape(of: x)
            let block = try node.int("blocksize", 0)
            guard shape.count == 4, (1...1 << 15).contains(block), shape[1] % (block * block) == 0
            else {
                throw ONNXRefusal(
                    "blocksize", "\(block)", expected: "a square root of a divisor of the channels")
            }
            let channels = shape[1] / (block * block)
            let isDepthFirst: Bool
            switch try node.text("mode", "DCR") {
            case "DCR": isDepthFirst = true
            case "CRD": isDepthFirst = false
            case let other: throw ONNXRefusal("mode", other, expected: "DCR or CRD")
            }
            let split =
                isDepthFirst
                ? [shape[0], block, block, channels, shape[2], shape[3]]
                : [shape[0], channels, block, block, shape[2], shape[3]]
            return [
                try importer.rearranged(
                    x, split, isDepthFirst ? [0, 3, 4, 1, 5, 2] : [0, 1, 4, 2, 5, 3],
                    [shape[0], channels, shape[2] * block, shape[3] * block])
            ]
        },
        "SpaceToDepth": Entry(["blocksize", "mode"]) { node, importer in
            let x = try node.input(0)
            let shape = try importer.shape(of: x)
            let block = try node.int("blocksize", 0)
            guard shape.count == 4, (1...1 << 15).contains(block), shape[2] % block == 0,
                shape[3] % block == 0
            else {
                throw ONNXRefusal("blocksize", "\(block)", expected: "a divisor of the sides")
            }
            let (rows, columns) = (shape[2] / block, shape[3] / block)
            let order: [Int]
            switch try node.text("mode", "DCR") {
            case "DCR": order = [0, 3, 5, 1, 2, 4]
            case "CRD": order = [0, 1, 3, 5, 2, 4]
            case let other: throw ONNXRefusal("mode", other, expected: "DCR or CRD")
            }
            return [
                try importer.rearranged(
                    x, [shape[0], shape[1], rows, block, columns, block], order,
                    [shape[0], shape[1] * block * block, rows, columns])
            ]
        },
    ]

    /// The axes of an operator, an attribute in old files and an input in new ones; nil where
    /// none are given.
    static func axes(
        _ node: ONNXNodeView, _ importer: inout ONNXImporter, input: Int
    ) throws -> [Int]? {
        if let axes = try node.ints("axes") { return axes }
        guard node.optional(input) != nil else { return nil }
        return try wholeNumbers(node, &importer, input, "axes")
    }

    /// Whole numbers that have to be known.
    static func wholeNumbers(
        _ node: ONNXNodeView, _ importer: inout ONNXImporter, _ index: Int, _ name: String
    ) throws -> [Int] {
        let constant = try importer.constant(node.input(index), name)
        guard let numbers = constant.integers, constant.shape.count <= 1 else {
            throw ONNXRefusal(
                name, "of type \(constant.type.name)", expected: "whole numbers in a row")
        }
        return numbers
    }

    /// Fails where a shape has extents that no tensor has.
    static func checkExtents(_ shape: [Int], _ name: String) throws {
        guard shape.count <= TensorRecord.mostAxes,
            shape.allSatisfy({ (0...Shape.largestExtent).contains($0) })
        else {
            throw ONNXRefusal(
                name, "\(shape)", expected: "extents from 0 to \(Shape.largestExtent)")
        }
    }

    private static func reshape(
        _ node: ONNXNodeView, _ importer: inout ONNXImporter
    ) throws -> [ONNXImporter.Value] {
        let x = try node.input(0)
        let from = try importer.shape(of: x)
        var shape =
            try node.version < 5
            ? node.ints("shape") ?? [] : wholeNumbers(node, &importer, 1, "shape")
        let allowsZero = try node.flag("allowzero")
        for (axis, extent) in shape.enumerated() where extent == 0 && !allowsZero {
            guard from.indices.contains(axis) else {
                throw ONNXRefusal("shape", "\(shape)", expected: "0 where \(from) has an axis")
            }
            shape[axis] = from[axis]
        }
        let count = from.reduce(1, *)
        var open: [Int]?
        if let free = shape.firstIndex(of: -1) {
            var others = shape
            others.remove(at: free)
            try checkExtents(others, "shape")
            try ONNXArithmetic.checkSize(others)
            let known = others.reduce(1, *)
            guard known > 0, count % known == 0 else {
                throw ONNXRefusal(
                    "shape", "\(shape)", expected: "one of as many numbers as \(from)")
            }
            open = shape
            shape[free] = count / known
        }
        try checkExtents(shape, "shape")
        try ONNXArithmetic.checkSize(shape)
        guard shape.reduce(1, *) == count else {
            throw ONNXRefusal("shape", "\(shape)", expected: "one of as many numbers as \(from)")
        }
        return [try importer.reshape(x, to: shape, open: open)]
    }

    private static func transpose(
        _ node: ONNXNodeView, _ importer: inout ONNXImporter
    ) throws -> [ONNXImporter.Value] {
        let x = try node.input(0)
        let shape = try importer.shape(of: x)
        let permutation = try node.ints("perm") ?? shape.indices.reversed()
        guard permutation.sorted() == Array(shape.indices) else {
            throw ONNXRefusal("perm", "\(permutation)", expected: "each axis of \(shape) once")
        }
        return [try importer.transposed(x, permutation)]
    }

    private static func concatenate(
        _ node: ONNXNodeView, _ importer: inout ONNXImporter
    ) throws -> [ONNXImporter.Value] {
        let values = try node.allInputs()
        let axis = try node.int("axis", node.version < 4 ? 1 : 0)
        return [try joined(values, axis, &importer)]
    }

    /// Values one behind the other along an axis.
    static func joined(
        _ values: [ONNXImporter.Value], _ axis: Int, _ importer: inout ONNXImporter
    ) throws -> ONNXImporter.Value {
        let shapes = try values.map { try importer.shape(of: $0) }
        let axis = try ONNXNodeView.axis(axis, rank: shapes[0].count)
        for shape in shapes.dropFirst() {
            var alike = shape
            if alike.indices.contains(axis) { alike[axis] = shapes[0][axis] }
            guard alike == shapes[0] else {
                throw ONNXRefusal(
                    "inputs", "\(shape)", expected: "\(shapes[0]) except along axis \(axis)")
            }
        }
        if let constant = try constants(values, shapes, axis) {
            return .constant(constant, name: "")
        }
        // What is empty adds nothing.
        let full = try zip(values, shapes).filter { !$0.1.contains(0) }
            .map { try importer.running($0.0) }
        let layer = Concatenation(anyAxis: axis)
        return .running(try importer.emit(layer, full), importer.type(of: values[0]))
    }

    /// Constants one behind the other; nil where not all are, or they are weights.
    private static func constants(
        _ values: [ONNXImporter.Value], _ shapes: [[Int]], _ axis: Int
    ) throws -> ONNXConstant? {
        var parts: [ONNXConstant] = []
        for value in values {
            guard case .constant(let constant, _) = value,
                constant.integers != nil || constant.count <= 64
            else { return nil }
            parts.append(constant)
        }
        var shape = shapes[0]
        shape[axis] = shapes.reduce(0) { $0 + $1[axis] }
        try ONNXArithmetic.check(shape)
        let inner = shape[(axis + 1)...].reduce(1, *)
        let outer = shape[..<axis].reduce(1, *)
        func joined<Number>(_ rows: [[Number]]) -> [Number] {
            (0..<outer).flatMap { block in
                zip(rows, shapes).flatMap { numbers, own in
                    let size = own[axis] * inner
                    return numbers[block * size..<(block + 1) * size]
                }
            }
        }
        let integers = parts.compactMap(\.integers)
        if integers.count == parts.count {
            return ONNXConstant(shape: shape, type: parts[0].type, integers: joined(integers))
        }
        return try ONNXArithmetic.floats(shape, joined(parts.map(\.doubles)))
    }
}
