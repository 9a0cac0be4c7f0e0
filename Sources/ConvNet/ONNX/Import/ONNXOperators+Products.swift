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
            if let result = try importer.affine(node) { return [result] }
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
        "ReduceL1": reduction(
            .sum,
            of: { x, importer in
                try importer.apply(Pointwise(.absolute), x, isLast: false)
            }),
        "ReduceSumSquare": reduction(
            .sum,
            of: { x, importer in
                try importer.combine(.multiply, x, x, isLast: false)
            }),
        "ReduceLogSum": reduction(.sum, of: nil) { sum, importer in
            try importer.apply(Pointwise(.logarithm), sum)
        },
        "ReduceLogSumExp": Entry(reductionAttributes, logarithmOfExponentials),
        "ReduceProd": Entry(reductionAttributes, reducedProduct),
    ]

    private static let reductionAttributes: Set<String> = [
        "axes", "keepdims", "noop_with_empty_axes",
    ]

    /// The axes that are reduced; none where the numbers stay as they are.
    private static func reducedAxes(
        _ node: ONNXNodeView, _ importer: inout ONNXImporter
    ) throws -> [Int] {
        let x = try node.input(0)
        let rank = try importer.shape(of: x).count
        let given = try axes(node, &importer, input: 1) ?? []
        if given.isEmpty, try node.flag("noop_with_empty_axes") { return [] }
        guard importer.type(of: x) != .bool else {
            throw ONNXRefusal("data", "BOOL", expected: "numbers")
        }
        return try given.isEmpty
            ? Array(0..<rank)
            : Set(given.map { try ONNXNodeView.axis($0, rank: rank, "axes") }).sorted()
    }

    /// What is done to numbers before they are reduced, or to the result.
    private typealias Step =
        @Sendable (ONNXImporter.Value, inout ONNXImporter) throws -> ONNXImporter.Value

    private static func reduction(
        _ reduction: Reduction, of before: Step? = nil, then after: Step? = nil
    ) -> Entry {
        Entry(reductionAttributes) { node, importer in
            var x = try node.input(0)
            let axes = try reducedAxes(node, &importer)
            let keeps = try node.flag("keepdims", true)
            if let before { x = try before(x, &importer) }
            if !axes.isEmpty {
                x = try importer.reduced(
                    x, reduction, axes, keepsAxes: keeps, isLast: after == nil)
            } else if reduction == .l2 {
                // Of one number the root of its square is its size.
                x = try importer.apply(Pointwise(.absolute), x)
            }
            return [try after.map { try $0(x, &importer) } ?? x]
        }
    }

    /// Without the largest number, no exponential overflows.
    private static func logarithmOfExponentials(
        _ node: ONNXNodeView, _ importer: inout ONNXImporter
    ) throws -> [ONNXImporter.Value] {
        let x = try node.input(0)
        let axes = try reducedAxes(node, &importer)
        guard !axes.isEmpty else { return [x] }
        let largest = try importer.reduced(x, .maximum, axes)
        let rest = try importer.combine(.subtract, x, largest, isLast: false)
        let sum = try importer.reduced(
            importer.apply(Pointwise(.exponential), rest, isLast: false), .sum, axes)
        let result = try importer.combine(
            .add, importer.apply(Pointwise(.logarithm), sum, isLast: false), largest)
        return [try importer.withoutAxes(result, axes, unless: node.flag("keepdims", true))]
    }

    /// A product of the numbers one after the other.
    private static func reducedProduct(
        _ node: ONNXNodeView, _ importer: inout ONNXImporter
    ) throws -> [ONNXImporter.Value] {
        var result = try node.input(0)
        let axes = try reducedAxes(node, &importer)
        for axis in axes {
            let extent = try importer.shape(of: result)[axis]
            guard (1...256).contains(extent) else {
                throw ONNXRefusal("axes", "an axis of \(extent)", expected: "up to 256 numbers")
            }
            var product = try importer.selected(result, axis, [0], isLast: false)
            for index in 1..<max(extent, 1) {
                product = try importer.combine(
                    .multiply, product, importer.selected(result, axis, [index], isLast: false),
                    isLast: false)
            }
            result = product
        }
        return [try importer.withoutAxes(result, axes, unless: node.flag("keepdims", true))]
    }
}

extension ONNXImporter {
    /// A product of rows with weights as ``Affine`` has them, and a bias; nil where it is another
    /// one.
    fileprivate mutating func affine(_ node: ONNXNodeView) throws -> Value? {
        guard try !node.flag("transA"), try !node.flag("transB"), try node.float("alpha", 1) == 1,
            try node.float("beta", 1) == 1, try shape(of: node.input(0)).count == 2,
            case .constant(let weights, let name) = try node.input(1), isWeight(name),
            case .constant(let bias, let biasName)? = node.optional(2), isWeight(biasName),
            let matrix = weights.tensor, matrix.shape.count == 2, let row = bias.tensor,
            row.count == matrix.shape[1], row.shape.last == row.count
        else { return nil }
        let layer = try Affine(weights: matrix, bias: row.reshaped(to: [row.count]))
        return .running(
            try emit(
                layer, running(node.input(0)), tensorNames: ["W": name, "b": biasName]), .float)
    }

    /// A value without axes of extent 1, unless they are kept.
    fileprivate mutating func withoutAxes(
        _ value: Value, _ axes: [Int], unless keeps: Bool
    ) throws -> Value {
        guard !keeps else { return value }
        let shape = try self.shape(of: value)
        let kept = shape.indices.filter { !axes.contains($0) }.map { shape[$0] }
        return try reshape(value, to: kept, isLast: false)
    }

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
