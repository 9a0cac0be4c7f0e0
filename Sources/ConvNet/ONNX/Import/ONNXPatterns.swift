// SPDX-License-Identifier: MIT
//
// Functions that exporters write out, found again: a formula in seven operators is one layer, which
// is faster and has a name. Only what nothing else reads is replaced.

/// Finds written-out functions among the operators of a model.
struct ONNXPatterns {
    typealias Operator = ONNXProgram.Operator

    private var operators: [Operator?]
    private var producers: [String: Int] = [:]
    private var readers: [String: Int] = [:]
    private let constants: [String: ONNXConstant]

    /// The operators of a model with each function that was found in the place of its
    /// last operator.
    ///
    /// - Parameter outputs: the names of the model's outputs.
    static func rewritten(
        _ operators: [Operator], constants: [String: ONNXConstant], outputs: [String]
    ) -> [Operator] {
        var patterns = ONNXPatterns(operators, constants: constants, outputs: outputs)
        for place in operators.indices { patterns.rewrite(place) }
        return patterns.operators.compactMap { $0 }
    }

    private init(
        _ operators: [Operator], constants: [String: ONNXConstant], outputs: [String]
    ) {
        self.operators = operators
        var constants = constants
        for (place, operation) in operators.enumerated() {
            for name in operation.outputs { producers[name] = place }
            for name in operation.inputs { readers[name, default: 0] += 1 }
            if operation.type == "Constant", let name = operation.outputs.first,
                case .constant(let value)? = operation.attributes["value"]
            {
                constants[name] = value
            }
        }
        for name in outputs { readers[name, default: 0] += 1 }
        self.constants = constants
    }

    private mutating func rewrite(_ place: Int) {
        guard let last = operators[place], last.domain.isEmpty, last.inputs.count == 2,
            last.outputs.count == 1
        else { return }
        switch last.type {
        case "Mul":
            if let found = gate(last) ?? scaledGate(last) ?? gelu(last) { replace(place, found) }
        case "Div":
            if let found = scaledGate(last) { replace(place, found) }
        case "Add":
            if let found = layerNormalization(last) ?? bias(last) { replace(place, found) }
        default: break
        }
    }

    /// What takes the place of some operators.
    private struct Found {
        let type: String
        let inputs: [String]
        var attributes: [String: ONNXProgram.Attribute] = [:]
        /// The operators that go.
        let places: [Int]
    }

    private mutating func replace(_ place: Int, _ found: Found) {
        guard let last = operators[place] else { return }
        for place in found.places { operators[place] = nil }
        operators[place] = Operator(
            name: last.name, type: found.type, domain: "", inputs: found.inputs,
            outputs: last.outputs, attributes: found.attributes)
    }

    /// The operator of a type that a value comes from and that nothing else reads.
    private func single(_ name: String, _ types: String...) -> (place: Int, operation: Operator)? {
        guard readers[name] == 1, let place = producers[name], let operation = operators[place],
            types.contains(operation.type), operation.domain.isEmpty
        else { return nil }
        return (place, operation)
    }

    /// The number that a value is; nil where it is no single one that is known.
    private func number(_ name: String) -> Double? {
        guard let constant = constants[name], constant.count == 1,
            constant.shape.allSatisfy({ $0 == 1 }), constant.shape.count <= 1
        else { return nil }
        return constant.doubles.first
    }

    private func isNear(_ name: String, _ value: Double) -> Bool {
        guard let number = number(name) else { return false }
        return abs(number - value) <= 1e-5 * abs(value)
    }

    /// The input that stands beside a number, of an operation in which order does not matter.
    private func beside(_ value: Double, _ operation: Operator) -> String? {
        guard operation.inputs.count == 2 else { return nil }
        if isNear(operation.inputs[1], value) { return operation.inputs[0] }
        return isNear(operation.inputs[0], value) ? operation.inputs[1] : nil
    }

    private func attribute(_ operation: Operator, _ name: String, _ standard: Double) -> Double {
        guard case .float(let value)? = operation.attributes[name] else { return standard }
        return value
    }

    /// `min(max(x + 3, 0), 6)`: x and the places.
    private func clippedSum(_ name: String) -> (x: String, places: [Int])? {
        guard let clip = single(name, "Clip"), let input = clip.operation.inputs.first else {
            return nil
        }
        let bounds =
            clip.operation.inputs.count == 3
            ? isNear(clip.operation.inputs[2], 6) && number(clip.operation.inputs[1]) == 0
            : clip.operation.inputs.count == 1
                && attribute(clip.operation, "min", -1) == 0
                && attribute(clip.operation, "max", 0) == 6
        guard bounds, let sum = single(input, "Add"), let x = beside(3, sum.operation) else {
            return nil
        }
        return (x, [clip.place, sum.place])
    }

    /// `x · gate(x)`: silu, hard swish and mish.
    private func gate(_ last: Operator) -> Found? {
        for (x, name) in [
            (last.inputs[0], last.inputs[1]), (last.inputs[1], last.inputs[0]),
        ] {
            if let gate = single(name, "Sigmoid"), gate.operation.inputs == [x] {
                return Found(type: "Swish", inputs: [x], places: [gate.place])
            }
            if let gate = single(name, "HardSigmoid"), gate.operation.inputs == [x],
                abs(attribute(gate.operation, "alpha", 0.2) - 1.0 / 6) < 1e-6,
                attribute(gate.operation, "beta", 0.5) == 0.5
            {
                return Found(type: "HardSwish", inputs: [x], places: [gate.place])
            }
            if let tanh = single(name, "Tanh"),
                let softplus = single(tanh.operation.inputs[0], "Softplus"),
                softplus.operation.inputs == [x]
            {
                return Found(type: "Mish", inputs: [x], places: [tanh.place, softplus.place])
            }
            if let scaled = single(name, "Div", "Mul"), let inner = sixth(scaled.operation),
                let (own, places) = clippedSum(inner), own == x
            {
                return Found(
                    type: "HardSwish", inputs: [x], places: places + [scaled.place])
            }
        }
        return nil
    }

    /// What an operator divides by six.
    private func sixth(_ operation: Operator) -> String? {
        operation.type == "Div"
            ? isNear(operation.inputs[1], 6) ? operation.inputs[0] : nil
            : beside(1.0 / 6, operation)
    }

    /// `x · min(max(x + 3, 0), 6) / 6`
    private func scaledGate(_ last: Operator) -> Found? {
        guard let inner = sixth(last), let product = single(inner, "Mul") else { return nil }
        for (x, name) in zip(product.operation.inputs, product.operation.inputs.reversed()) {
            if let (own, places) = clippedSum(name), own == x {
                return Found(
                    type: "HardSwish", inputs: [x], places: places + [product.place])
            }
        }
        return nil
    }

    /// `1 + erf(x / √2)`: x and the places.
    private func errorTerm(_ name: String) -> (x: String, places: [Int])? {
        guard let sum = single(name, "Add"), let inner = beside(1, sum.operation),
            let erf = single(inner, "Erf"),
            let scaled = single(erf.operation.inputs[0], "Div", "Mul")
        else { return nil }
        let root = 2.0.squareRoot()
        let x =
            scaled.operation.type == "Div"
            ? isNear(scaled.operation.inputs[1], root) ? scaled.operation.inputs[0] : nil
            : beside(1 / root, scaled.operation)
        return x.map { ($0, [sum.place, erf.place, scaled.place]) }
    }

    /// GELU, whichever of its products comes last.
    private func gelu(_ last: Operator) -> Found? {
        // (x · (1 + erf)) · ½
        if let inner = beside(0.5, last), let product = single(inner, "Mul") {
            for (x, name) in zip(product.operation.inputs, product.operation.inputs.reversed()) {
                if let (own, places) = errorTerm(name), own == x {
                    return Found(type: "Gelu", inputs: [x], places: places + [product.place])
                }
            }
        }
        for (one, other) in zip(last.inputs, last.inputs.reversed()) {
            // (x · ½) · (1 + erf)
            if let half = single(one, "Mul"), let x = beside(0.5, half.operation),
                let (own, places) = errorTerm(other), own == x
            {
                return Found(type: "Gelu", inputs: [x], places: places + [half.place])
            }
            // x · (½ · (1 + erf))
            if let half = single(other, "Mul"), let term = beside(0.5, half.operation),
                let (own, places) = errorTerm(term), own == one
            {
                return Found(type: "Gelu", inputs: [one], places: places + [half.place])
            }
        }
        return nil
    }

    /// `(x − mean) / √(mean of squares + epsilon) · gamma + beta`
    private func layerNormalization(_ last: Operator) -> Found? {
        for (name, beta) in zip(last.inputs, last.inputs.reversed()) {
            guard constants[beta] != nil, let product = single(name, "Mul") else { continue }
            for (ratio, gamma) in zip(
                product.operation.inputs, product.operation.inputs.reversed())
            {
                guard let scale = constants[gamma], scale.shape == constants[beta]?.shape,
                    let quotient = single(ratio, "Div"), let found = normalized(quotient.operation)
                else { continue }
                return Found(
                    type: "LayerNormalization", inputs: [found.x, gamma, beta],
                    attributes: [
                        "axis": .int(found.axes[0]), "epsilon": .float(found.epsilon),
                        "axes": .ints(found.axes),
                    ], places: found.places + [product.place, quotient.place])
            }
        }
        return nil
    }

    private func normalized(
        _ quotient: Operator
    ) -> (x: String, axes: [Int], epsilon: Double, places: [Int])? {
        guard let rest = producers[quotient.inputs[0]].flatMap({ operators[$0] }),
            rest.type == "Sub", let root = single(quotient.inputs[1], "Sqrt"),
            let sum = single(root.operation.inputs[0], "Add"), sum.operation.inputs.count == 2,
            let epsilon = number(sum.operation.inputs[1]),
            let variance = single(sum.operation.inputs[0], "ReduceMean"),
            let square = single(variance.operation.inputs[0], "Pow"),
            isNear(square.operation.inputs[1], 2),
            let mean = single(rest.inputs[1], "ReduceMean"),
            mean.operation.inputs.first == rest.inputs[0],
            let axes = axes(mean.operation), axes == self.axes(variance.operation),
            // One difference for both, or one for each.
            square.operation.inputs[0] == rest.outputs[0], readers[rest.outputs[0]] == 2,
            let place = producers[rest.outputs[0]]
        else { return nil }
        return (
            rest.inputs[0], axes, epsilon,
            [root.place, sum.place, variance.place, square.place, mean.place, place]
        )
    }

    /// The axes of a mean that keeps them: one or more, each behind the other up to the last.
    private func axes(_ mean: Operator) -> [Int]? {
        if case .int(0)? = mean.attributes["keepdims"] { return nil }
        var axes: [Int]?
        if case .ints(let given)? = mean.attributes["axes"] { axes = given }
        if mean.inputs.count == 2 { axes = constants[mean.inputs[1]]?.integers }
        guard let axes, let first = axes.first,
            axes == Array(first..<first + axes.count), axes.count < 8
        else { return nil }
        return axes
    }

    /// A convolution without bias, and what is added to its channels.
    private func bias(_ last: Operator) -> Found? {
        for (name, bias) in zip(last.inputs, last.inputs.reversed()) {
            guard let convolution = single(name, "Conv", "ConvTranspose"),
                convolution.operation.inputs.count == 2, let addend = constants[bias],
                readers[bias] == 1, let weights = constants[convolution.operation.inputs[1]],
                weights.shape.count == 4, addend.tensor != nil,
                (3...4).contains(addend.shape.count),
                addend.shape.suffix(3).dropFirst().allSatisfy({ $0 == 1 }),
                addend.shape.count == 3 || addend.shape[0] == 1
            else { continue }
            var channels = weights.shape[0]
            if convolution.operation.type == "ConvTranspose" {
                guard
                    case .int(let groups) =
                        convolution.operation.attributes["group"] ?? .int(1), groups == 1
                else { continue }
                channels = weights.shape[1]
            }
            guard addend.count == channels else { continue }
            return Found(
                type: convolution.operation.type, inputs: convolution.operation.inputs + [bias],
                attributes: convolution.operation.attributes, places: [convolution.place])
        }
        return nil
    }
}
