// SPDX-License-Identifier: MIT
//
// Numbers at places that are known only when a network runs: of imported models, whose detectors
// take the boxes of the best scores, and whose embeddings are rows of a table.

/// The numbers of the first input at the places that the second one names. Negative indices count
/// from the end.
struct Gathering: Layer {
    /// What an index names.
    enum Rule: String, CaseIterable {
        /// All that lies at an index of the axis, as NumPy's `take`.
        case parts
        /// A single number: the index takes the place of its own along the axis, as
        /// `take_along_axis`.
        case numbers
        /// A row of indices names a place along the axes from the given one on; those before it are
        /// shared.
        case nested
    }

    let rule: Rule
    let axis: Int

    /// - Throws: ``TensorError`` when the axis is negative.
    init(_ rule: Rule, axis: Int) throws {
        guard (0...64).contains(axis) else {
            throw TensorError(
                operation: "Gathering", argument: "axis", value: "\(axis)", expected: "from 0 to 64"
            )
        }
        (self.rule, self.axis) = (rule, axis)
    }

    func outputShape(for inputShapes: [[Int]]) throws -> [Int] {
        guard inputShapes.count == 2 else {
            throw TensorError(
                operation: "Gathering", argument: "inputs", value: "\(inputShapes.count)",
                expected: "2")
        }
        let shape = try IndexedPlaces.shape(
            of: rule, axis, data: inputShapes[0], indices: inputShapes[1], operation: "Gathering")
        _ = try Shape.elementCount(shape, operation: "Gathering", argument: "indices")
        return shape
    }

    func operationCount(for inputShapes: [[Int]]) throws -> Int { 0 }

    func predict(_ inputs: [Tensor], on kernels: any Kernels) throws -> Tensor {
        let shape = try outputShape(for: inputs.map(\.shape))
        let places = try IndexedPlaces(
            rule, axis, data: inputs[0].shape, indices: inputs[1], operation: "Gathering")
        var y = try Tensor(
            uninitialized: shape, scalarType: inputs[0].scalarType, operation: "Gathering")
        switch inputs[0].scalarType {
        case .float32: places.take(from: inputs[0], to: &y, Float.self)
        case .float64: places.take(from: inputs[0], to: &y, Double.self)
        }
        return y
    }

    func forward(_ inputs: [Tensor], in pass: Pass) throws -> Forward {
        let places = try IndexedPlaces(
            rule, axis, data: inputs[0].shape, indices: inputs[1], operation: "Gathering")
        let shapes = inputs.map(\.shape)
        return Forward(try predict(inputs, on: pass.kernels), inputs: 2) {
            outputGradient, wanted in
            let type = outputGradient.scalarType
            var sums = [Double](repeating: 0, count: wanted.inputs[0] ? shapes[0].reduce(1, *) : 0)
            if wanted.inputs[0] {
                let numbers = outputGradient.doubles
                for (row, place) in places.starts.enumerated() {
                    for offset in 0..<places.run {
                        sums[place + offset] += numbers[row * places.run + offset]
                    }
                }
            }
            return LayerGradients(inputs: [
                wanted.inputs[0]
                    ? try Tensor(shape: shapes[0], doubles: sums).converted(to: type) : nil,
                wanted.inputs[1] ? try Tensor(zeros: shapes[1], scalarType: type) : nil,
            ])
        }
    }
}

/// Where rows of numbers begin that indices name, in the order of the indices.
struct IndexedPlaces: Sendable {
    let starts: [Int]
    /// How many numbers lie behind each other at each place.
    let run: Int

    /// The shape of what indices name.
    static func shape(
        of rule: Gathering.Rule, _ axis: Int, data: [Int], indices: [Int], operation: String
    ) throws(TensorError) -> [Int] {
        let refusal = TensorError(
            operation: operation, argument: "indices", value: "\(indices)",
            expected: "a shape that names places of \(data) along axis \(axis)")
        switch rule {
        case .parts:
            guard data.indices.contains(axis) else { throw refusal }
            return data[..<axis] + indices + data[(axis + 1)...]
        case .numbers:
            guard data.indices.contains(axis), indices.count == data.count,
                data.indices.allSatisfy({ $0 == axis || indices[$0] <= data[$0] })
            else { throw refusal }
            return indices
        case .nested:
            guard let depth = indices.last, indices.count > axis,
                axis + depth <= data.count, data[..<axis] == indices[..<axis]
            else { throw refusal }
            return indices.dropLast() + data[(axis + depth)...]
        }
    }

    /// - Throws: ``TensorError`` where an index is no whole number or lies outside.
    init(
        _ rule: Gathering.Rule, _ axis: Int, data: [Int], indices: Tensor, operation: String
    ) throws {
        _ = try Self.shape(
            of: rule, axis, data: data, indices: indices.shape, operation: operation)
        let numbers = indices.doubles
        func index(_ place: Int, _ extent: Int) throws -> Int {
            guard let index = Int(exactly: numbers[place]), (-extent..<extent).contains(index)
            else {
                throw TensorError(
                    operation: operation, argument: "indices", value: "\(numbers[place])",
                    expected: "a whole number inside \(extent)")
            }
            return index < 0 ? index + extent : index
        }
        switch rule {
        case .parts:
            let inner = data[(axis + 1)...].reduce(1, *)
            run = inner
            let own = try numbers.indices.map { try index($0, data[axis]) }
            starts = (0..<data[..<axis].reduce(1, *)).flatMap { outer in
                own.map { (outer * data[axis] + $0) * inner }
            }
        case .numbers:
            run = 1
            var strides = Shape.strides(data)
            let stride = strides[axis]
            strides[axis] = 0
            let places = ONNXArithmetic.places(indices.shape, strides: strides, offset: 0)
            starts = try places.enumerated().map {
                $0.element + stride * (try index($0.offset, data[axis]))
            }
        case .nested:
            let depth = indices.shape[indices.shape.count - 1]
            let size = data[(axis + depth)...].reduce(1, *)
            run = size
            let batches = data[..<axis].reduce(1, *)
            let rows = numbers.count / depth
            starts = try (0..<rows).map { row in
                var place = row / (rows / batches)
                for level in 0..<depth {
                    let extent = data[axis + level]
                    place = place * extent + (try index(row * depth + level, extent))
                }
                return place * size
            }
        }
    }

    /// Writes what lies at the places, one behind the other.
    func take<Scalar: TensorScalar>(from x: Tensor, to y: inout Tensor, _ type: Scalar.Type) {
        x.withUnsafeScalars(of: type) { numbers in
            y.withUnsafeMutableScalars(of: type) { results in
                for (row, start) in starts.enumerated() {
                    for offset in 0..<run { results[row * run + offset] = numbers[start + offset] }
                }
            }
        }
    }
}

extension Gathering: DescribedLayer {
    static let typeName = "Gathering"

    var layerSettings: LayerSettings { ["rule": .text(rule.rawValue), "axis": .integer(axis)] }

    init(settings: LayerSettings, tensors: LayerTensors) throws {
        try settings.require(only: ["rule", "axis"])
        try tensors.require(only: [])
        try self.init(settings.choice("rule"), axis: settings.integer("axis", in: 0...64))
    }
}

extension Gathering: ONNXLayer {
    /// Indices are numbers here, and whole ones there: they are cast.
    func export(to graph: inout ONNXGraph, inputShape: [Int]) {
        let data = graph.inputs[0]
        graph.addIndices(graph.inputs[1])
        let indices = graph.value
        switch rule {
        case .parts: graph.add("Gather", on: data, [indices], [("axis", .int(axis))])
        case .numbers: graph.add("GatherElements", on: data, [indices], [("axis", .int(axis))])
        case .nested: graph.add("GatherND", on: data, [indices], [("batch_dims", .int(axis))])
        }
    }
}

extension ONNXGraph {
    /// Makes whole numbers of a value.
    mutating func addIndices(_ value: String) {
        add("Cast", on: value, step: "indices", [("to", .int(ONNXType.int64.rawValue))])
    }
}
