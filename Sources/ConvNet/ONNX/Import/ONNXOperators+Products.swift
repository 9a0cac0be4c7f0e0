// SPDX-License-Identifier: MIT
//
// Matrix products, softmax, and reductions.

extension ONNXOperators {
    /// Products and softmax.
    static let products: [String: Entry] = [
        "MatMul": Entry { node, importer in
            let (a, b) = (try node.input(0), try node.input(1))
            let (left, right) = (try importer.shape(of: a), try importer.shape(of: b))
            guard !left.isEmpty, !right.isEmpty else {
                throw ONNXRefusal("A", "\(left) and \(right)", expected: "at least one axis")
            }
            // A row and a column are matrices of which the axis is taken away again.
            let rows = left.count == 1 ? try importer.reshape(a, to: [1] + left, isLast: false) : a
            let columns =
                right.count == 1 ? try importer.reshape(b, to: right + [1], isLast: false) : b
            let (x, y) = (try importer.running(rows), try importer.running(columns))
            let product = ONNXImporter.Value.running(
                try importer.emit(BroadcastProduct(), x, y), .float)
            var shape = try importer.shape(of: product)
            if right.count == 1 { shape.removeLast() }
            if left.count == 1 { shape.remove(at: shape.count - (right.count == 1 ? 1 : 2)) }
            return [try importer.reshape(product, to: shape, isLast: false)]
        },
        "Gemm": Entry(["alpha", "beta", "transA", "transB", "broadcast"]) { node, importer in
            let layer = BroadcastProduct(
                alpha: try node.float("alpha", 1), transposesA: try node.flag("transA"),
                transposesB: try node.flag("transB"))
            let (x, y) = (
                try importer.running(node.input(0)), try importer.running(node.input(1))
            )
            let factor = try node.float("beta", 1)
            let hasAddend = node.optional(2) != nil && factor != 0
            let product = ONNXImporter.Value.running(
                try importer.emit(layer, x, y, isLast: !hasAddend), .float)
            let shape = try importer.shape(of: product)
            guard shape.count == 2 else {
                throw ONNXRefusal("A", "\(shape)", expected: "matrices")
            }
            guard hasAddend else { return [product] }
            var addend = try node.input(2)
            if factor != 1 {
                addend = try importer.combine(
                    .multiply, addend, importer.number(factor), isLast: false)
            }
            guard try ONNXArithmetic.broadcast(shape, importer.shape(of: addend)) == shape else {
                throw ONNXRefusal(
                    "C", "a larger shape", expected: "one that broadcasts to \(shape)")
            }
            return [try importer.combine(.add, product, addend)]
        },
        "Softmax": Entry(["axis"]) { node, importer in
            [try importer.softmax(node, isLogarithmic: false)]
        },
        "LogSoftmax": Entry(["axis"]) { node, importer in
            [try importer.softmax(node, isLogarithmic: true)]
        },
    ]

    /// Reductions over axes.
    static let reductions: [String: Entry] = [
        "ReduceMean": reduction(.mean), "ReduceSum": reduction(.sum),
        "ReduceMax": reduction(.maximum), "ReduceMin": reduction(.minimum),
        "ReduceL2": reduction(.l2),
    ]

    private static func reduction(_ reduction: Reduction) -> Entry {
        Entry(["axes", "keepdims", "noop_with_empty_axes"]) { node, importer in
            let x = try node.input(0)
            let rank = try importer.shape(of: x).count
            let given = try axes(node, &importer, input: 1) ?? []
            let keeps = try node.flag("keepdims", true)
            if given.isEmpty, try node.flag("noop_with_empty_axes") {
                // Of one number the root of its square is its size.
                return reduction == .l2 ? [try importer.apply(Pointwise(.absolute), x)] : [x]
            }
            let axes =
                try given.isEmpty
                ? Array(0..<rank)
                : Set(given.map { try ONNXNodeView.axis($0, rank: rank, "axes") }).sorted()
            guard !axes.isEmpty else { return [x] }
            guard importer.type(of: x) != .bool else {
                throw ONNXRefusal("data", "BOOL", expected: "numbers")
            }
            return [
                try importer.reduced(x, reduction, axes, keepsAxes: keeps, isLast: true)
            ]
        }
    }
}

extension ONNXImporter {
    /// A softmax. Before version 13 the axes from the given one on are taken as one.
    fileprivate mutating func softmax(
        _ node: ONNXNodeView, isLogarithmic: Bool
    ) throws -> Value {
        let x = try node.input(0)
        let shape = try self.shape(of: x)
        let isOld = node.version < 13
        let axis = try ONNXNodeView.axis(node.int("axis", isOld ? 1 : -1), rank: shape.count)
        // Of the last axis both are the same.
        guard isOld, axis != shape.count - 1 else {
            return try softmax(x, axis, rank: shape.count, isLogarithmic)
        }
        let rows = [shape[..<axis].reduce(1, *), shape[axis...].reduce(1, *)]
        let flat = try reshape(x, to: rows, isLast: false)
        return try reshape(softmax(flat, 1, rank: 2, isLogarithmic), to: shape, isLast: false)
    }

    private mutating func softmax(
        _ x: Value, _ axis: Int, rank: Int, _ isLogarithmic: Bool
    ) throws -> Value {
        guard isLogarithmic else {
            let layer =
                axis == 0
                ? Softmax(axis: 0, takesSamples: true) : Softmax(axis: axis == rank - 1 ? -1 : axis)
            return .running(try emit(layer, running(x)), .float)
        }
        // Without the largest number, no exponential overflows.
        let rest = try combine(
            .subtract, x, reduced(x, .maximum, [axis]), isLast: false)
        let sum = try reduced(
            apply(Pointwise(.exponential), rest, isLast: false), .sum, [axis])
        return try combine(
            .subtract, rest, apply(Pointwise(.logarithm), sum, isLast: false))
    }
}
