// SPDX-License-Identifier: MIT
//
// Numbers put at places that are known only when a network runs: of imported models.

/// The first input with numbers of the third at the places that the second one names.
struct Scattering: Layer {
    /// What becomes of the number that was there.
    enum Mode: String, CaseIterable {
        /// It goes; where several come, the last one stays.
        case replace
        /// It is added to.
        case add
    }

    /// What an index names: numbers or nested places.
    let rule: Gathering.Rule
    let axis: Int
    let mode: Mode

    /// - Throws: ``TensorError`` when the axis is negative, or indices would name whole parts.
    init(_ rule: Gathering.Rule, axis: Int, mode: Mode = .replace) throws {
        guard (0...64).contains(axis), rule != .parts, rule == .numbers || axis == 0 else {
            throw TensorError(
                operation: "Scattering", argument: "axis", value: "\(axis) of \(rule)",
                expected: "an axis of numbers from 0 to 64, or 0 of nested places")
        }
        (self.rule, self.axis, self.mode) = (rule, axis, mode)
    }

    func outputShape(for inputShapes: [[Int]]) throws -> [Int] {
        guard inputShapes.count == 3 else {
            throw TensorError(
                operation: "Scattering", argument: "inputs", value: "\(inputShapes.count)",
                expected: "3")
        }
        let shape = try IndexedPlaces.shape(
            of: rule, axis, data: inputShapes[0], indices: inputShapes[1], operation: "Scattering")
        guard inputShapes[2] == shape else {
            throw TensorError(
                operation: "Scattering", argument: "updates", value: "\(inputShapes[2])",
                expected: "\(shape)")
        }
        return inputShapes[0]
    }

    func predict(_ inputs: [Tensor], on kernels: any Kernels) throws -> Tensor {
        _ = try outputShape(for: inputs.map(\.shape))
        return try scattered(inputs, places(inputs))
    }

    func forward(_ inputs: [Tensor], in pass: Pass) throws -> Forward {
        _ = try outputShape(for: inputs.map(\.shape))
        let places = try places(inputs)
        let shapes = inputs.map(\.shape)
        return Forward(try scattered(inputs, places), inputs: 3) { [mode] outputGradient, wanted in
            var own = outputGradient.doubles
            var updates = [Double](repeating: 0, count: shapes[2].reduce(1, *))
            // From the last one back: it is the one that stayed.
            for (row, start) in places.starts.enumerated().reversed() {
                for offset in 0..<places.run {
                    updates[row * places.run + offset] = own[start + offset]
                    if mode == .replace { own[start + offset] = 0 }
                }
            }
            let type = outputGradient.scalarType
            return LayerGradients(inputs: [
                wanted.inputs[0]
                    ? try Tensor(shape: shapes[0], doubles: own).converted(to: type) : nil,
                wanted.inputs[1] ? try Tensor(zeros: shapes[1], scalarType: type) : nil,
                wanted.inputs[2]
                    ? try Tensor(shape: shapes[2], doubles: updates).converted(to: type) : nil,
            ])
        }
    }

    private func places(_ inputs: [Tensor]) throws -> IndexedPlaces {
        try IndexedPlaces(
            rule, axis, data: inputs[0].shape, indices: inputs[1], operation: "Scattering")
    }

    private func scattered(_ inputs: [Tensor], _ places: IndexedPlaces) throws -> Tensor {
        var y = inputs[0]
        try y.makeUnique(operation: "Scattering")
        switch y.scalarType {
        case .float32: write(inputs[2], to: &y, places, Float.self)
        case .float64: write(inputs[2], to: &y, places, Double.self)
        }
        return y
    }

    private func write<Scalar: TensorScalar>(
        _ updates: Tensor, to y: inout Tensor, _ places: IndexedPlaces, _ type: Scalar.Type
    ) {
        updates.withUnsafeScalars(of: type) { numbers in
            y.withUnsafeMutableScalars(of: type) { results in
                for (row, start) in places.starts.enumerated() {
                    for offset in 0..<places.run {
                        let number = numbers[row * places.run + offset]
                        results[start + offset] =
                            mode == .add ? results[start + offset] + number : number
                    }
                }
            }
        }
    }
}

extension Scattering: DescribedLayer {
    static let typeName = "Scattering"

    var layerSettings: LayerSettings {
        ["rule": .text(rule.rawValue), "axis": .integer(axis), "mode": .text(mode.rawValue)]
    }

    init(settings: LayerSettings, tensors: LayerTensors) throws {
        try settings.require(only: ["rule", "axis", "mode"])
        try tensors.require(only: [])
        try self.init(
            settings.choice("rule"), axis: settings.integer("axis", in: 0...64),
            mode: settings.choice("mode"))
    }
}

extension Scattering: ONNXLayer {
    func export(to graph: inout ONNXGraph, inputShape: [Int]) {
        let inputs = graph.inputs
        graph.addIndices(inputs[1])
        let others = [graph.value, inputs[2]]
        let reduction: (name: String, value: ONNXAttribute) = (
            "reduction", .text(mode == .add ? "add" : "none")
        )
        if rule == .numbers {
            graph.add(
                "ScatterElements", on: inputs[0], others, [("axis", .int(axis)), reduction])
        } else {
            graph.add("ScatterND", on: inputs[0], others, [reduction])
        }
    }
}
