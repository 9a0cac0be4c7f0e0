// SPDX-License-Identifier: MIT
//
// An operator as its importer sees it: inputs by number, attributes by name and type.

/// An operator with its inputs looked up.
struct ONNXNodeView {
    let operation: ONNXProgram.Operator
    let inputs: [ONNXImporter.Value?]
    /// The version of the operators that the model is written for.
    let version: Int

    init(_ operation: ONNXProgram.Operator, inputs: [ONNXImporter.Value?], version: Int) {
        (self.operation, self.inputs, self.version) = (operation, inputs, version)
    }

    /// An input; nil where it is left out.
    func optional(_ index: Int) -> ONNXImporter.Value? {
        inputs.indices.contains(index) ? inputs[index] : nil
    }

    /// An input that has to be there.
    func input(_ index: Int) throws -> ONNXImporter.Value {
        guard let value = optional(index) else {
            throw ONNXRefusal("input \(index)", "missing", expected: "a value")
        }
        return value
    }

    /// All inputs, each of which has to be there.
    func allInputs() throws -> [ONNXImporter.Value] {
        guard !inputs.isEmpty else {
            throw ONNXRefusal("inputs", "none", expected: "at least one")
        }
        return try inputs.indices.map(input)
    }

    /// Whether an attribute is given.
    func has(_ name: String) -> Bool { operation.attributes[name] != nil }

    /// How many outputs are asked for: those behind have no reader.
    var outputCount: Int { (operation.outputs.lastIndex { !$0.isEmpty } ?? -1) + 1 }

    func int(_ name: String, _ standard: Int) throws -> Int {
        guard let attribute = operation.attributes[name] else { return standard }
        guard case .int(let value) = attribute else { throw wrongType(name, "a whole number") }
        return value
    }

    func flag(_ name: String, _ standard: Bool = false) throws -> Bool {
        try int(name, standard ? 1 : 0) != 0
    }

    func float(_ name: String, _ standard: Double) throws -> Double {
        switch operation.attributes[name] {
        case nil: return standard
        case .float(let value)?: return value
        case .int(let value)?: return Double(value)
        default: throw wrongType(name, "a number")
        }
    }

    func text(_ name: String, _ standard: String) throws -> String {
        guard let attribute = operation.attributes[name] else { return standard }
        guard case .text(let value) = attribute else { throw wrongType(name, "a text") }
        return value
    }

    func ints(_ name: String) throws -> [Int]? {
        switch operation.attributes[name] {
        case nil: return nil
        case .ints(let values)?: return values
        case .int(let value)?: return [value]
        // An empty list does not say its type.
        case .floats(let values)? where values.isEmpty: return []
        default: throw wrongType(name, "whole numbers")
        }
    }

    func floats(_ name: String) throws -> [Double]? {
        guard let attribute = operation.attributes[name] else { return nil }
        guard case .floats(let values) = attribute else { throw wrongType(name, "numbers") }
        return values
    }

    private func wrongType(_ name: String, _ expected: String) -> ONNXRefusal {
        ONNXRefusal(name, "of another type", expected: expected)
    }

    /// An axis of a shape, counted from the first.
    static func axis(_ axis: Int, rank: Int, _ name: String = "axis") throws -> Int {
        guard axis >= -rank, axis < rank else {
            throw ONNXRefusal(name, "\(axis)", expected: "one of \(rank) axes")
        }
        return axis < 0 ? axis + rank : axis
    }
}
