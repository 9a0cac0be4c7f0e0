// SPDX-License-Identifier: MIT
//
// Comparisons, whose results are 1 and 0, the choice between two values by them, and division of
// whole numbers: of imported models.

/// A truth of two values, whole numbers of a division, or a choice between two values by the truth
/// of a third. Shapes broadcast as NumPy's do.
struct Selection: Layer {
    /// What is made of numbers that lie at the same place.
    enum Rule: String, CaseIterable {
        case equal, less, lessOrEqual, greater, greaterOrEqual, and, or, xor
        /// The first where the third is not 0, else the second.
        case byTruth
        /// How often the second goes into the first, rounded towards 0.
        case quotient
        /// What is left of the first then, of its sign.
        case remainder
        /// What is left of the first, of the second's sign.
        case modulus
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
        let whole = try inputs.map { try Self.repeated($0, shape, on: kernels) }
        let type = inputs[0].scalarType
        for input in inputs.dropFirst() {
            try KernelChecks.require(
                input, holds: type, operation: "Selection", argument: "inputs")
        }
        var y = try Tensor(uninitialized: shape, scalarType: type, operation: "Selection")
        switch type {
        case .float32: try write(whole, to: &y, on: kernels, Float.self)
        case .float64: try write(whole, to: &y, on: kernels, Double.self)
        }
        return y
    }

    private func write<Scalar: TensorScalar>(
        _ inputs: [Tensor], to y: inout Tensor, on kernels: any Kernels, _ type: Scalar.Type
    ) throws(TensorError) {
        let truths = inputs[inputs.count - 1]
        try inputs[0].withUnsafeScalars(of: type) { a throws(TensorError) in
            try inputs[1].withUnsafeScalars(of: type) { b throws(TensorError) in
                try truths.withUnsafeScalars(of: type) { truths throws(TensorError) in
                    try y.withUnsafeMutableScalars(of: type) { results throws(TensorError) in
                        try forEachBlock(of: results.count, on: kernels) { block in
                            for place in block {
                                results[place] =
                                    rule != .byTruth
                                    ? value(a[place], b[place])
                                    : truths[place] != 0 ? a[place] : b[place]
                            }
                        }
                    }
                }
            }
        }
    }

    func forward(_ inputs: [Tensor], in pass: Pass) throws -> Forward {
        let y = try predict(inputs, on: pass.kernels)
        return Forward(y, inputs: inputs.count) {
            [self, kernels = pass.kernels] outputGradient, wanted in
            let factors = try factors(inputs, outputGradient.shape, on: kernels)
            let gradients = try inputs.indices.map { input in
                guard wanted.inputs[input] else { return Tensor?.none }
                guard input < factors.count else {
                    return try Tensor(
                        zeros: inputs[input].shape, scalarType: outputGradient.scalarType)
                }
                let own = zip(outputGradient.doubles, factors[input]).map { $1 == 0 ? 0 : $0 * $1 }
                return try kernels.summed(
                    Tensor(shape: outputGradient.shape, doubles: own)
                        .converted(to: outputGradient.scalarType),
                    to: inputs[input].shape)
            }
            return LayerGradients(inputs: gradients)
        }
    }

    /// What the output's gradient is multiplied by for each of the first inputs; the others have
    /// none, as they decide in steps.
    private func factors(
        _ inputs: [Tensor], _ shape: [Int], on kernels: any Kernels
    ) throws -> [[Double]] {
        func numbers(_ input: Int) throws -> [Double] {
            try Self.repeated(inputs[input], shape, on: kernels).doubles
        }
        switch rule {
        case .byTruth:
            let truths = try numbers(2)
            return [truths.map { $0 != 0 ? 1 : 0 }, truths.map { $0 != 0 ? 0 : 1 }]
        case .remainder, .modulus:
            let (a, b) = (try numbers(0), try numbers(1))
            let quotients = zip(a, b).map { a, b in
                b == 0 ? 0 : (value(a, b) - a) / b
            }
            return [a.map { _ in 1 }, quotients]
        default: return []
        }
    }

    private func value<Scalar: BinaryFloatingPoint>(_ a: Scalar, _ b: Scalar) -> Scalar {
        let truth: Bool
        switch rule {
        case .equal: truth = a == b
        case .less: truth = a < b
        case .lessOrEqual: truth = a <= b
        case .greater: truth = a > b
        case .greaterOrEqual: truth = a >= b
        case .and: truth = a != 0 && b != 0
        case .or: truth = a != 0 || b != 0
        case .xor: truth = (a != 0) != (b != 0)
        case .byTruth: truth = false
        case .quotient: return (a - a.truncatingRemainder(dividingBy: b)) / b
        case .remainder: return a.truncatingRemainder(dividingBy: b)
        case .modulus:
            let rest = a.truncatingRemainder(dividingBy: b)
            return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest
        }
        return truth ? 1 : 0
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
        case .xor:
            let (a, b) = (truth(inputs[0], "a"), truth(inputs[1], "b"))
            graph.add("Xor", on: a, [b], step: "result")
        case .quotient:
            // The fraction is cut off.
            graph.add("Mod", on: inputs[0], [inputs[1]], step: "rest", [("fmod", .int(1))])
            graph.add("Sub", on: inputs[0], [graph.value], step: "whole")
            graph.add("Div", [inputs[1]])
            return
        case .remainder:
            graph.add("Mod", on: inputs[0], [inputs[1]], [("fmod", .int(1))])
            return
        case .modulus:
            // What is left, brought to the second's sign: (rest + b) has it, and is cut once more.
            graph.add("Mod", on: inputs[0], [inputs[1]], step: "rest", [("fmod", .int(1))])
            graph.add("Add", [inputs[1]], step: "shifted")
            graph.add("Mod", [inputs[1]], [("fmod", .int(1))])
            return
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
