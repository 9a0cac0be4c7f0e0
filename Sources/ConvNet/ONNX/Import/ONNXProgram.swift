// SPDX-License-Identifier: MIT
//
// A model that was read: its operators and the tensors that are known, with nothing left to look up
// in the file. Layers are made of it for each shape of the inputs.

import ConvNetSupport
import Foundation

/// The operators of a model and the constants that they take.
final class ONNXProgram: Sendable {
    /// What an operator is given besides its inputs.
    enum Attribute: Sendable {
        case float(Double)
        case int(Int)
        case text(String)
        case constant(ONNXConstant)
        /// A constant that the network keeps among its tensors, by the name of the output.
        case kept
        case floats([Double])
        case ints([Int])
        case texts([String])
        case branch(Branch)
        case other(String)
    }

    /// Operators that may be run instead of others, and what they know.
    final class Branch: Sendable {
        let operators: [Operator]
        let constants: [(name: String, value: ONNXConstant)]
        /// The names of what they give.
        let outputs: [String]

        fileprivate init(_ branch: ONNXFile.Branch, folder: URL?) throws {
            operators = try branch.nodes.map { try Operator($0, folder: folder) }
            constants = try branch.initializers.map { ($0.name, try $0.constant(in: folder)) }
            outputs = branch.outputs.map(\.name)
        }
    }

    /// An operator with its inputs and outputs.
    struct Operator: Sendable {
        /// The name in the file, or that of the first output.
        let name: String
        let type: String
        let domain: String
        let inputs: [String]
        let outputs: [String]
        let attributes: [String: Attribute]
    }

    /// What errors call the model.
    let name: String
    /// The version of the operators.
    let operatorVersion: Int
    /// The program that wrote the file.
    let producer: String
    let operators: [Operator]
    /// The graph's inputs that are no initializers.
    let inputs: [ONNXFile.ValueInfo]
    let outputs: [ONNXFile.ValueInfo]
    /// Initializers that no network keeps among its tensors.
    let constants: [String: ONNXConstant]
    /// The names of all initializers.
    let initializerNames: Set<String>

    /// The same program without the tensors that a network keeps: held twice, each would be copied
    /// when it is trained.
    init(_ other: ONNXProgram, without names: Set<String>) {
        name = other.name
        operatorVersion = other.operatorVersion
        producer = other.producer
        inputs = other.inputs
        outputs = other.outputs
        initializerNames = other.initializerNames
        constants = other.constants.filter { !names.contains($0.key) }
        operators = other.operators.map { operation in
            guard operation.type == "Constant", operation.outputs.count == 1,
                names.contains(operation.outputs[0])
            else { return operation }
            return Operator(
                name: operation.name, type: operation.type, domain: operation.domain, inputs: [],
                outputs: operation.outputs, attributes: ["value": .kept])
        }
    }

    /// The program of a file, with all initializers read.
    ///
    /// - Throws: ``FileError`` when one is broken, or two have one name.
    init(_ file: ONNXFile) throws {
        name = file.name
        operatorVersion = file.operatorVersion
        producer = file.producer
        outputs = file.outputs
        var constants: [String: ONNXConstant] = [:]
        for record in file.initializers {
            guard constants[record.name] == nil else {
                throw FileError(
                    file: file.name, problem: "has two initializers named \(record.name)",
                    expected: "names that differ")
            }
            constants[record.name] = try record.constant(in: file.folder)
        }
        self.constants = constants
        initializerNames = Set(constants.keys)
        inputs = file.inputs.filter { constants[$0.name] == nil }
        operators = ONNXPatterns.rewritten(
            try file.expandedNodes().map { try Operator($0, folder: file.folder) },
            constants: constants,
            outputs: file.outputs.map(\.name))
    }
}

extension ONNXProgram.Operator {
    fileprivate init(_ node: ONNXFile.Node, folder: URL?) throws {
        type = node.operation
        domain = node.domain
        inputs = node.inputs
        outputs = node.outputs
        name = node.name.isEmpty ? node.outputs.first { !$0.isEmpty } ?? type : node.name
        attributes = try node.attributes.mapValues { value in
            switch value {
            case .float(let number): .float(Double(number))
            case .int(let number): .int(number)
            case .text(let text): .text(text)
            case .tensor(let record): .constant(try record.constant(in: folder))
            case .floats(let numbers): .floats(numbers.map(Double.init))
            case .ints(let numbers): .ints(numbers)
            case .texts(let texts): .texts(texts)
            case .reference(let outer): .other("the attribute \(outer) of no function")
            case .graph(let graph): .branch(try ONNXProgram.Branch(graph, folder: folder))
            case .other(let text): .other(text)
            }
        }
    }
}
