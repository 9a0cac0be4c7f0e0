// SPDX-License-Identifier: MIT
//
// From the operators of a model to the layers of a graph, for given shapes of the inputs. What is
// known before any image comes is computed here: shapes, and all that follows from them.

import ConvNetSupport

/// Makes a graph of layers, operator by operator.
struct ONNXImporter {
    /// A value of the model.
    enum Value {
        /// Known now.
        case constant(ONNXConstant, name: String)
        /// Computed by the graph; the numbers are whole where the type says so.
        case running(Graph.Value, ONNXType)
        /// Several values in order.
        case sequence([Value])
        /// Left out by the model, or of an operator that can't be run.
        case failed
    }

    /// A layer's tensor.
    struct Home {
        let value: Graph.Value
        let key: String
        let tensor: Tensor
        let isBuffer: Bool
    }

    /// An input whose numbers an operator has to know.
    struct NeedsInput: Error {
        let name: String
    }

    /// For what a graph is made.
    struct Case: Hashable, Sendable {
        /// The shape of each input, as the model calls them.
        var shapes: [String: [Int]]
        /// The inputs whose numbers are known: those that steer shapes.
        var known: [String: Tensor] = [:]
        /// Which names the inputs had whose numbers are known.
        static func == (left: Case, right: Case) -> Bool {
            left.shapes == right.shapes && left.known.count == right.known.count
                && left.known.allSatisfy { right.known[$0.key]?.hasBits(of: $0.value) == true }
        }
        func hash(into hasher: inout Hasher) { hasher.combine(shapes) }
    }

    let program: ONNXProgram
    let example: Case
    /// Where the network's tensors are, once there is one: by the name of the initializer.
    let weights: [String: Tensor]
    var graph = Graph()
    var values: [String: Value] = [:]
    private(set) var reasons: [ONNXError.Reason] = []
    /// The nodes that hold tensors which operators take as values, by the tensor's name.
    var stored: [String: Graph.Value] = [:]
    /// The names of initializers and of their copies: what training may change.
    var weightNames: Set<String>
    /// Where each tensor of a name is: those of other layers with the name are tied to it.
    var homes: [String: Home] = [:]
    /// How many numbers the model may still make of shapes alone.
    var room = 200_000_000
    /// The operator that is being imported.
    var current: ONNXProgram.Operator?
    var steps = 0

    /// The graph of a program.
    ///
    /// - Parameters:
    ///   - program: the model.
    ///   - example: the shapes of the inputs, and the numbers of those that steer.
    ///   - weights: tensors that take the place of initializers, by name.
    /// - Throws: ``ONNXError`` with all that can't be run, and `NeedsInput`.
    init(_ program: ONNXProgram, for example: Case, weights: [String: Tensor] = [:]) throws {
        self.program = program
        self.example = example
        self.weights = weights
        weightNames = program.initializerNames
        try addInputs()
        for operation in program.operators { try add(operation) }
        guard reasons.isEmpty else { throw ONNXError(file: program.name, reasons: reasons) }
        try addOutputs()
        guard reasons.isEmpty else { throw ONNXError(file: program.name, reasons: reasons) }
        graph = try graph.withoutUnreadNodes()
    }

    private mutating func addInputs() throws {
        for input in program.inputs {
            guard let type = ONNXType(rawValue: input.elementType), !input.isNoTensor,
                type == .float || type == .double || type.isInteger
            else {
                let name = input.isNoTensor ? "no tensor" : ONNXType.name(input.elementType)
                fail(
                    input.name, "Input",
                    ONNXRefusal("type", name, expected: "FLOAT, DOUBLE or whole numbers"))
                values[input.name] = .failed
                continue
            }
            // An input of no numbers says that there are none.
            if input.shape == [.fixed(0)] {
                values[input.name] = .constant(
                    type.isInteger
                        ? ONNXConstant(shape: [0], type: type, integers: [])
                        : ONNXConstant(emptyOfShape: [0]), name: "")
                continue
            }
            if let tensor = example.known[input.name] {
                values[input.name] = .constant(
                    type.isInteger
                        ? ONNXConstant(
                            shape: tensor.shape, type: type,
                            integers: tensor.doubles.map(Int.init(clamping:)))
                        : ONNXConstant(tensor), name: input.name)
                // It stays an input of the network, which it is given.
                _ = try graph.input(input.name, wholeShape: tensor.shape)
                continue
            }
            guard let shape = example.shapes[input.name] else {
                throw FileError(file: program.name, problem: "input \(input.name) has no shape")
            }
            values[input.name] = .running(try graph.input(input.name, wholeShape: shape), type)
        }
    }

    private mutating func addOutputs() throws {
        for output in program.outputs {
            guard let value = values[output.name] ?? initializer(output.name) else {
                throw FileError(
                    file: program.name, problem: "output \(output.name) comes from nowhere",
                    expected: "the output of an operator")
            }
            current = ONNXProgram.Operator(
                name: output.name, type: "Output", domain: "", inputs: [], outputs: [],
                attributes: [:])
            steps = 0
            do {
                var result = try running(value)
                // A network has at least one layer.
                if graph.nodes.isEmpty {
                    result = try emit(WholeReshape(to: graph.wholeShape(of: result)), result)
                }
                try graph.output(result, output.name)
            } catch let refusal as ONNXRefusal {
                fail(output.name, "Output", refusal)
            }
        }
    }

    /// The constant of an initializer; nil where there is none of the name.
    func initializer(_ name: String) -> Value? {
        if let tensor = weights[name] { return .constant(ONNXConstant(tensor), name: name) }
        return program.constants[name].map { .constant($0, name: name) }
    }

    mutating func add(_ operation: ONNXProgram.Operator) throws {
        current = operation
        steps = 0
        do {
            guard operation.domain.isEmpty else {
                throw ONNXRefusal(
                    "domain", operation.domain, expected: "an operator of ONNX itself")
            }
            guard let entry = ONNXOperators.all[operation.type] else {
                let isQuantized = ONNXOperators.isQuantized(operation.type)
                throw ONNXRefusal(
                    "", isQuantized ? "quantized" : "not supported",
                    expected: isQuantized
                        ? "a model of floating-point numbers" : "an operator that is")
            }
            var inputs: [Value?] = []
            for name in operation.inputs {
                guard !name.isEmpty else {
                    inputs.append(nil)
                    continue
                }
                guard let value = values[name] ?? initializer(name) else {
                    throw FileError(
                        file: program.name,
                        problem: "\(operation.name) (\(operation.type)) takes \(name)",
                        expected: "an input, an initializer or an output of an earlier operator")
                }
                inputs.append(value)
            }
            // What follows from an operator that can't be run has no reason of its own.
            let hasFailed = inputs.contains {
                if case .failed? = $0 { true } else { false }
            }
            guard !hasFailed else { return setFailed(operation) }
            let node = ONNXNodeView(operation, inputs: inputs, version: program.operatorVersion)
            if let unknown = operation.attributes.keys.filter({ !entry.attributes.contains($0) })
                .min()
            {
                throw ONNXRefusal(
                    unknown, "given",
                    expected: entry.attributes.isEmpty
                        ? "no attributes"
                        : "only \(entry.attributes.sorted().joined(separator: ", "))")
            }
            let results = try folded(node) ?? evaluated(node, entry) ?? entry.add(node, &self)
            guard results.count >= operation.outputs.filter({ !$0.isEmpty }).count else {
                throw ONNXRefusal(
                    "outputs", "\(operation.outputs.count)", expected: "at most \(results.count)")
            }
            for (name, value) in zip(operation.outputs, results) where !name.isEmpty {
                values[name] = value
            }
        } catch let refusal as ONNXRefusal {
            fail(operation.name, operation.type, refusal)
            setFailed(operation)
        } catch let error as TensorError {
            fail(
                operation.name, operation.type,
                ONNXRefusal(error.argument, error.value, expected: error.expected))
            setFailed(operation)
        }
    }

    /// The result of an operator of constants that are no weights, computed now; nil where
    /// the graph has to.
    private func folded(_ node: ONNXNodeView) throws -> [Value]? {
        let constants = node.inputs.compactMap { $0.flatMap(foldable) }
        guard constants.count == node.inputs.count, !constants.isEmpty,
            let result = try ONNXArithmetic.evaluate(node, constants)
        else { return nil }
        return [.constant(result, name: "")]
    }

    private mutating func setFailed(_ operation: ONNXProgram.Operator) {
        for name in operation.outputs where !name.isEmpty { values[name] = .failed }
    }

    private mutating func fail(_ node: String, _ operation: String, _ refusal: ONNXRefusal) {
        reasons.append(
            ONNXError.Reason(
                node: node, operation: operation, attribute: refusal.attribute,
                value: refusal.value, expected: refusal.expected))
    }
}

extension ONNXConstant {
    /// The numbers as the graph computes with them.
    func asTensor() throws -> Tensor {
        switch numbers {
        case .floats(let tensor): return tensor
        case .none: throw ONNXRefusal("shape", "\(shape)", expected: "no empty axis")
        case .integers(let integers):
            guard !shape.contains(0) else {
                throw ONNXRefusal("shape", "\(shape)", expected: "no empty axis")
            }
            let numbers = integers.map { Float($0) }
            guard zip(numbers, integers).allSatisfy({ Int(exactly: $0) == $1 }) else {
                throw ONNXRefusal(
                    "", "whole numbers that float32 can't hold", expected: "smaller ones")
            }
            return try Tensor(shape: shape, scalars: numbers)
        }
    }
}

extension Tensor {
    /// Whether shapes and all bits of the numbers are equal.
    func hasBits(of other: Tensor) -> Bool {
        guard shape == other.shape, scalarType == other.scalarType else { return false }
        return zip(doubles, other.doubles).allSatisfy { $0.bitPattern == $1.bitPattern }
    }
}

extension Int {
    /// The whole number of a `Double`, or the nearest that there is.
    fileprivate init(clamping number: Double) {
        self =
            Int(exactly: number.rounded(.towardZero)) ?? (number > 0 ? .max : number < 0 ? .min : 0)
    }
}
