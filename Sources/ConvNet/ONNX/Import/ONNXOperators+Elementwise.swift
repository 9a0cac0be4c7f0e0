// SPDX-License-Identifier: MIT
//
// Operators on single numbers, and on two values number by number.

extension ONNXOperators {
    /// Functions of one value.
    static let activations: [String: Entry] = [
        "Relu": activation { _ in Activation.relu },
        "Sigmoid": activation { _ in Activation.sigmoid },
        "Tanh": activation { _ in Activation.tanh },
        "Erf": activation { _ in Activation.erf },
        "Softplus": activation { _ in Activation.softplus },
        "Mish": activation { _ in Activation.mish },
        "HardSwish": activation { _ in Activation.hardSwish },
        "LeakyRelu": activation(["alpha"]) {
            Activation.leakyReLU(slope: try $0.float("alpha", 0.01))
        },
        "Elu": activation(["alpha"]) { Activation.elu(alpha: try $0.float("alpha", 1)) },
        "HardSigmoid": activation(["alpha", "beta"]) {
            Activation.hardSigmoid(
                alpha: try $0.float("alpha", 0.2), beta: try $0.float("beta", 0.5))
        },
        "Gelu": activation(["approximate"]) {
            switch try $0.text("approximate", "none") {
            case "none": return Activation.gelu
            case "tanh": return Activation.geluTanh
            case let other:
                throw ONNXRefusal("approximate", other, expected: "none or tanh")
            }
        },
        "Swish": activation(["alpha"]) {
            let alpha = try $0.float("alpha", 1)
            return alpha == 1 ? Activation.silu : Pointwise(.swish, a: alpha)
        },
        "Selu": activation(["alpha", "gamma"]) {
            Pointwise(
                .selu, a: try $0.float("alpha", 1.67326319217681884765625),
                b: try $0.float("gamma", 1.05070102214813232421875))
        },
        "Celu": activation(["alpha"]) { Pointwise(.celu, a: try $0.float("alpha", 1)) },
        "ThresholdedRelu": activation(["alpha"]) {
            Pointwise(.thresholdedReLU, a: try $0.float("alpha", 1))
        },
        "Sqrt": activation { _ in Pointwise(.squareRoot) },
        "Exp": activation { _ in Pointwise(.exponential) },
        "Log": activation { _ in Pointwise(.logarithm) },
        "Abs": activation { _ in Pointwise(.absolute) },
        "Reciprocal": activation { _ in Pointwise(.reciprocal) },
        "Floor": activation { _ in Pointwise(.floor) },
        "Ceil": activation { _ in Pointwise(.ceiling) },
        "Round": activation { _ in Pointwise(.round) },
        "Sign": activation { _ in Pointwise(.sign) },
        "Softsign": activation { _ in Pointwise(.softsign) },
        "Sin": activation { _ in Pointwise(.sine) },
        "Cos": activation { _ in Pointwise(.cosine) },
        "Tan": activation { _ in Pointwise(.tangent) },
        "Asin": activation { _ in Pointwise(.arcSine) },
        "Acos": activation { _ in Pointwise(.arcCosine) },
        "Atan": activation { _ in Pointwise(.arcTangent) },
        "Sinh": activation { _ in Pointwise(.hyperbolicSine) },
        "Cosh": activation { _ in Pointwise(.hyperbolicCosine) },
        "Asinh": activation { _ in Pointwise(.areaSine) },
        "Acosh": activation { _ in Pointwise(.areaCosine) },
        "Atanh": activation { _ in Pointwise(.areaTangent) },
        "Shrink": activation(["lambd", "bias"]) {
            Pointwise(
                .shrink, a: try $0.float("lambd", 0.5), b: try $0.float("bias", 0))
        },
        "IsNaN": truth { _ in Pointwise(.isNaN) },
        "IsInf": truth(["detect_negative", "detect_positive"]) {
            Pointwise(
                .isInfinite, a: try $0.flag("detect_negative", true) ? 1 : 0,
                b: try $0.flag("detect_positive", true) ? 1 : 0)
        },
        "Clip": Entry(["min", "max", "consumed_inputs"], clip),
        "Neg": Entry(["consumed_inputs"]) { node, importer in
            [try importer.combine(.multiply, node.input(0), importer.number(-1))]
        },
    ]

    private static func activation(
        _ attributes: Set<String> = [],
        _ layer: @escaping @Sendable (ONNXNodeView) throws -> any Layer
    ) -> Entry {
        // Old files note there that the result may be written over the input.
        Entry(attributes.union(["consumed_inputs"])) { node, importer in
            let layer = try layer(node)
            if let activation = layer as? Activation {
                try KernelChecks.activation(activation, operation: node.operation.type)
            }
            let x = try node.input(0)
            return [.running(try importer.emit(layer, importer.running(x)), importer.type(of: x))]
        }
    }

    /// A function whose results are truth values.
    private static func truth(
        _ attributes: Set<String> = [],
        _ layer: @escaping @Sendable (ONNXNodeView) throws -> Pointwise
    ) -> Entry {
        Entry(attributes) { node, importer in
            let x = try importer.running(node.input(0))
            return [.running(try importer.emit(layer(node), x), .bool)]
        }
    }

    private static func clip(
        _ node: ONNXNodeView, _ importer: inout ONNXImporter
    ) throws -> [ONNXImporter.Value] {
        func bound(_ index: Int, _ name: String) throws -> Double? {
            if node.version < 11 {
                return node.has(name) ? try node.float(name, 0) : nil
            }
            guard let value = node.optional(index) else { return nil }
            let numbers = try importer.constant(value, name).doubles
            guard numbers.count == 1 else {
                throw ONNXRefusal(name, "\(numbers.count) numbers", expected: "one")
            }
            return numbers[0]
        }
        let (from, to) = (try bound(1, "min"), try bound(2, "max"))
        let x = try node.input(0)
        let type = importer.type(of: x)
        guard let from = from ?? to.map({ _ in -.infinity }) else { return [x] }
        let upper = to ?? .infinity
        // Where the bounds cross, all is the upper one.
        guard from <= upper, from.isFinite, upper.isFinite else {
            var value = x
            if from > -.infinity {
                value = try importer.combine(
                    .maximum, value, importer.number(from), isLast: upper == .infinity)
            }
            if upper < .infinity {
                value = try importer.combine(.minimum, value, importer.number(upper))
            }
            return [value]
        }
        let layer = Activation.clip(from: from, to: upper)
        try KernelChecks.activation(layer, operation: "Clip")
        return [.running(try importer.emit(layer, importer.running(x)), type)]
    }

    /// Arithmetic on two and more values.
    static let arithmetic: [String: Entry] = [
        "Add": binary(.add), "Sub": binary(.subtract), "Mul": binary(.multiply),
        "Div": Entry(oldBroadcast) { node, importer in
            let b = try broadcastOperand(node, &importer)
            guard importer.type(of: b).isInteger else {
                return [try importer.combine(.divide, node.input(0), b)]
            }
            return [try importer.divided(node.input(0), b, .quotient)]
        },
        "Mod": Entry(["fmod"]) { node, importer in
            let isTruncated = try node.flag("fmod")
            return [
                try importer.divided(
                    node.input(0), node.input(1), isTruncated ? .remainder : .modulus)
            ]
        },
        "Pow": Entry(oldBroadcast) { node, importer in
            let b = try broadcastOperand(node, &importer)
            // A square is a product, exactly.
            if case .constant(let constant, _) = b, constant.count == 1, constant.doubles == [2],
                constant.shape.allSatisfy({ $0 == 1 }),
                try constant.shape.count <= importer.shape(of: node.input(0)).count
            {
                return [try importer.combine(.multiply, node.input(0), node.input(0))]
            }
            return [try importer.combine(.power, node.input(0), b)]
        },
        "PRelu": Entry(["consumed_inputs"]) { node, importer in
            let x = try node.input(0)
            var slope = try node.input(1)
            let (shape, own) = (try importer.shape(of: x), try importer.shape(of: slope))
            // Old files have a slope for each channel without the axes behind it.
            if node.version < 7, own.count == 1, own[0] > 1, shape.count > 2 {
                let axes = [own[0]] + shape.dropFirst(2).map { _ in 1 }
                slope = try importer.reshape(slope, to: axes, isLast: false)
            }
            guard try ONNXArithmetic.broadcast(shape, importer.shape(of: slope)) == shape else {
                throw ONNXRefusal(
                    "slope", "\(own)", expected: "a shape that broadcasts to \(shape)")
            }
            return [try importer.combine(.prelu, x, slope)]
        },
        "Sum": variadic(.add), "Max": variadic(.maximum), "Min": variadic(.minimum),
        "Mean": Entry(["consumed_inputs"]) { node, importer in
            let values = try node.allInputs()
            let sum = try fold(.add, values, &importer, isLast: false)
            return [
                try importer.combine(.divide, sum, importer.number(Double(values.count)))
            ]
        },
    ]

    /// What operators before version 7 say of broadcasting.
    private static let oldBroadcast: Set<String> = ["broadcast", "axis", "consumed_inputs"]

    private static func binary(_ operation: BinaryOperation) -> Entry {
        Entry(oldBroadcast) { node, importer in
            [try importer.combine(operation, node.input(0), broadcastOperand(node, &importer))]
        }
    }

    /// The second operand. Before version 7 it lies along the axes of the first from `axis` on.
    private static func broadcastOperand(
        _ node: ONNXNodeView, _ importer: inout ONNXImporter
    ) throws -> ONNXImporter.Value {
        let b = try node.input(1)
        guard node.version < 7, try node.flag("broadcast"), node.has("axis") else { return b }
        let (whole, own) = (try importer.shape(of: node.input(0)), try importer.shape(of: b))
        let axis = try ONNXNodeView.axis(node.int("axis", 0), rank: whole.count)
        guard axis + own.count <= whole.count else {
            throw ONNXRefusal("axis", "\(axis)", expected: "one with room for \(own) in \(whole)")
        }
        let behind = [Int](repeating: 1, count: whole.count - axis - own.count)
        return try importer.reshape(b, to: own + behind, isLast: false)
    }

    private static func variadic(_ operation: BinaryOperation) -> Entry {
        Entry(["consumed_inputs"]) { node, importer in
            [try fold(operation, node.allInputs(), &importer, isLast: true)]
        }
    }

    private static func fold(
        _ operation: BinaryOperation, _ values: [ONNXImporter.Value],
        _ importer: inout ONNXImporter, isLast: Bool
    ) throws -> ONNXImporter.Value {
        var result = values[0]
        for (place, value) in values.enumerated().dropFirst() {
            result = try importer.combine(
                operation, result, value, isLast: isLast && place == values.count - 1)
        }
        return result
    }
}

extension ONNXImporter {
    /// A quotient of whole numbers, or what is left.
    fileprivate mutating func divided(
        _ a: Value, _ b: Value, _ rule: Selection.Rule
    ) throws -> Value {
        let (x, y) = (try running(a), try running(b))
        return .running(try emit(Selection(rule), x, y), type(of: a))
    }
}
