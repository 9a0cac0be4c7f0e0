// SPDX-License-Identifier: MIT
//
// Comparisons, whose results are 1 and 0, and the choice between two values by them: of imported models.

/// A truth of two values, or a choice between two by the truth of a third. Shapes broadcast as NumPy's do.
struct Selection: Layer {
    /// What is told of numbers that lie at the same place.
    enum Rule: String, CaseIterable {
        case equal, less, lessOrEqual, greater, greaterOrEqual, and, or
        /// The first where the third is not 0, else the second.
        case byTruth
    }

    let rule: Rule

    init(_ rule: Rule) { self.rule = rule }

    private var inputCount: Int { rule == .byTruth ? 3 : 2 }

    func outputShape(for inputShapes: [[Int]]) throws -> [Int] {
        guard inputShapes.count == inputCount else {
            throw TensorError(
                operation: "Selection", argument: "inputs", value: "\(inputShapes.count)",
                expected: "\(inputCount)")
        }
        return try inputShapes.dropFirst().reduce(inputShapes[0]) {
            try KernelChecks.broadcast($0, $1, operation: "Selection", argument: "inputs")
        }
    }

    func predict(_ inputs: [Tensor], on kernels: any Kernels) throws -> Tensor {
        let shape = try outputShape(for: inputs.map(\.shape))
        let whole = try inputs.map { try Self.repeated($0, shape, on: kernels).doubles }
        let numbers = (0..<whole[0].count).map { place in
            rule == .byTruth
                ? whole[2][place] != 0 ? whole[0][place] : whole[1][place]
                : holds(whole[0][place], whole[1][place]) ? 1 : 0
        }
        return try Tensor(shape: shape, doubles: numbers).converted(to: inputs[0].scalarType)
    }

    func forward(_ inputs: [Tensor], in pass: Pass) throws -> Forward {
        let y = try predict(inputs, on: pass.kernels)
        return Forward(y, inputs: inputs.count) {
            [rule, kernels = pass.kernels] outputGradient, wanted in
            let shape = outputGradient.shape
            let truths =
                rule == .byTruth ? try Self.repeated(inputs[2], shape, on: kernels).doubles : []
            let numbers = outputGradient.doubles
            let gradients = try inputs.indices.map { input in
                guard wanted.inputs[input] else { return Tensor?.none }
                guard rule == .byTruth, input < 2 else {
                    return try Tensor(
                        zeros: inputs[input].shape, scalarType: outputGradient.scalarType)
                }
                let own = zip(numbers, truths).map { ($1 != 0) == (input == 0) ? $0 : 0 }
                return try kernels.summed(
                    Tensor(shape: shape, doubles: own).converted(to: outputGradient.scalarType),
                    to: inputs[input].shape)
            }
            return LayerGradients(inputs: gradients)
        }
    }

    private func holds(_ a: Double, _ b: Double) -> Bool {
        switch rule {
        case .equal: a == b
        case .less: a < b
        case .lessOrEqual: a <= b
        case .greater: a > b
        case .greaterOrEqual: a >= b
        case .and: a != 0 && b != 0
        case .or: a != 0 || b != 0
        case .byTruth: false
        }
    }

    /// A tensor with its numbers repeated along axes of extent 1.
    private static func repeated(
        _ x: Tensor, _ shape: [Int], on kernels: any Kernels
    ) throws -> Tensor {
        guard x.shape != shape else { return x }
        let strides = Shape.strides(Shape.aligned(x.shape, to: shape.count))
        return try kernels.copied(x, as: StridedView(shape: shape, strides: strides))
    }
}

extension Selection: DescribedLayer {
    static let typeName = "Selection"

    var layerSettings: LayerSettings { ["rule": .text(rule.rawValue)] }

    init(settings: LayerSettings, tensors: LayerTensors) throws {
        try settings.require(only: ["rule"])
        try tensors.require(only: [])
        self.init(try settings.choice("rule"))
    }
}

extension Selection: ONNXLayer {
    func export(to graph: inout ONNXGraph, inputShape: [Int]) {
        let inputs = graph.inputs
        func truth(_ input: String, _ step: String) -> String {
            graph.add(
                "Cast", on: input, step: step, [("to", .int(ONNXType.bool.rawValue))])
            return graph.value
        }
        switch rule {
        case .byTruth:
            let condition = truth(inputs[2], "truth")
            graph.add("Where", on: condition, [inputs[0], inputs[1]])
            return
        case .and, .or:
            let (a, b) = (truth(inputs[0], "a"), truth(inputs[1], "b"))
            graph.add(rule == .and ? "And" : "Or", on: a, [b], step: "result")
        case .equal: graph.add("Equal", on: inputs[0], [inputs[1]], step: "result")
        case .less: graph.add("Less", on: inputs[0], [inputs[1]], step: "result")
        case .lessOrEqual: graph.add("LessOrEqual", on: inputs[0], [inputs[1]], step: "result")
        case .greater: graph.add("Greater", on: inputs[0], [inputs[1]], step: "result")
        case .greaterOrEqual:
            graph.add("GreaterOrEqual", on: inputs[0], [inputs[1]], step: "result")
        }
        graph.add("Cast", [], [("to", .int(ONNXType.float.rawValue))])
    }
}
