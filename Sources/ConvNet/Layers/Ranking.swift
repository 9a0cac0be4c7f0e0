// SPDX-License-Identifier: MIT
//
// The largest or smallest numbers along an axis, or where they are: of imported models.

/// The first `count` numbers along an axis in descending or ascending order, or their indices.
struct Ranking: UnaryLayer {
    let axis: Int
    let count: Int
    /// Whether the largest come first.
    let isDescending: Bool
    /// Whether the indices are given rather than the numbers.
    let givesIndices: Bool
    /// Whether of equal numbers the one behind comes first.
    let prefersLast: Bool

    /// - Throws: ``TensorError`` when a number is out of range.
    init(
        axis: Int, count: Int, isDescending: Bool, givesIndices: Bool, prefersLast: Bool = false
    ) throws {
        guard axis >= 0, (1...Shape.largestExtent).contains(count) else {
            throw TensorError(
                operation: "Ranking", argument: "count", value: "\(count)",
                expected: "from 1 to \(Shape.largestExtent), along an axis from 0")
        }
        self.axis = axis
        self.count = count
        self.isDescending = isDescending
        self.givesIndices = givesIndices
        self.prefersLast = prefersLast
    }

    func outputShape(for inputShape: [Int]) throws -> [Int] {
        guard inputShape.indices.contains(axis), count <= inputShape[axis] else {
            throw TensorError(
                operation: "Ranking", argument: "x", value: "\(inputShape)",
                expected: "at least \(count) along axis \(axis)")
        }
        var shape = inputShape
        shape[axis] = count
        return shape
    }

    func predict(_ x: Tensor, on kernels: any Kernels) throws -> Tensor {
        let shape = try outputShape(for: x.shape)
        let numbers = x.doubles
        let inner = x.shape[(axis + 1)...].reduce(1, *)
        let result = try places(of: x, in: numbers, on: kernels).map {
            givesIndices ? Double($0 / inner % x.shape[axis]) : numbers[$0]
        }
        return try Tensor(shape: shape, doubles: result).converted(to: x.scalarType)
    }

    func forward(_ x: Tensor, in pass: Pass) throws -> Forward {
        Forward(try predict(x, on: pass.kernels)) {
            [self, kernels = pass.kernels] outputGradient, wanted in
            guard wanted.input else { return LayerGradients(input: nil) }
            var sums = [Double](repeating: 0, count: x.count)
            if !givesIndices {
                for (place, gradient) in zip(
                    try places(of: x, in: x.doubles, on: kernels), outputGradient.doubles)
                {
                    sums[place] += gradient
                }
            }
            return LayerGradients(
                input: try Tensor(shape: x.shape, doubles: sums).converted(to: x.scalarType))
        }
    }

    /// The places in the input of the numbers that come out, in their order.
    private func places(
        of x: Tensor, in numbers: [Double], on kernels: any Kernels
    ) throws -> [Int] {
        let inner = x.shape[(axis + 1)...].reduce(1, *)
        let outer = x.shape[..<axis].reduce(1, *)
        let extent = x.shape[axis]
        var places = [Int](repeating: 0, count: outer * count * inner)
        try places.withUnsafeMutableBufferPointer { places throws(TensorError) in
            try forEachBlock(of: outer * inner, numbers: extent, on: kernels) { rows in
                for number in rows {
                    let (block, offset) = number.quotientAndRemainder(dividingBy: inner)
                    let first = block * extent * inner + offset
                    let row = (0..<extent).map { first + $0 * inner }
                    let order = ranked(row, in: numbers)
                    for rank in 0..<count {
                        places[(block * count + rank) * inner + offset] = order[rank]
                    }
                }
            }
        }
        return places
    }

    private func ranked(_ row: [Int], in numbers: [Double]) -> [Int] {
        func comes(_ one: Int, before other: Int) -> Bool {
            let (a, b) = (numbers[one], numbers[other])
            if a == b { return prefersLast ? one > other : one < other }
            return isDescending ? a > b : a < b
        }
        guard count == 1 else { return row.sorted(by: comes) }
        return [row.dropFirst().reduce(row[0]) { comes($1, before: $0) ? $1 : $0 }]
    }
}

extension Ranking: DescribedLayer {
    static let typeName = "Ranking"

    var layerSettings: LayerSettings {
        [
            "axis": .integer(axis), "count": .integer(count), "descending": .flag(isDescending),
            "gives_indices": .flag(givesIndices), "prefers_last": .flag(prefersLast),
        ]
    }

    init(settings: LayerSettings, tensors: LayerTensors) throws {
        try settings.require(
            only: ["axis", "count", "descending", "gives_indices", "prefers_last"])
        try tensors.require(only: [])
        try self.init(
            axis: settings.integer("axis", in: 0...64),
            count: settings.integer("count", in: 1...Shape.largestExtent),
            isDescending: settings.flag("descending"),
            givesIndices: settings.flag("gives_indices"),
            prefersLast: settings.flag("prefers_last"))
    }
}

extension Ranking: ONNXLayer {
    /// Numbers of ONNX's indices are whole, ours are not: they are cast.
    func export(to graph: inout ONNXGraph, inputShape: [Int]) throws {
        if count == 1, givesIndices {
            graph.add(
                isDescending ? "ArgMax" : "ArgMin", step: "index",
                [
                    ("axis", .int(axis)), ("keepdims", .int(1)),
                    ("select_last_index", .int(prefersLast ? 1 : 0)),
                ])
            return graph.add("Cast", [], [("to", .int(ONNXType.float.rawValue))])
        }
        guard !prefersLast else {
            throw TensorError(
                operation: "exportONNX", argument: "Ranking", value: "the last of equal numbers",
                expected: "the first, or one index")
        }
        graph.add(
            "TopK", [graph.addIntegers("count", [count])], step: givesIndices ? "ranked" : nil,
            [("axis", .int(axis)), ("largest", .int(isDescending ? 1 : 0))])
        let indices = graph.addSecondOutput()
        if givesIndices {
            graph.add("Cast", on: indices, [], [("to", .int(ONNXType.float.rawValue))])
        }
    }
}
