// SPDX-License-Identifier: MIT
//
// The operators that are imported, by name. Each entry says which attributes it understands: with
// any other one the operator would be another function.

/// The operators that are imported.
enum ONNXOperators {
    /// What an importer gives: a value for each output, as many as it can.
    typealias Importer =
        @Sendable (_ node: ONNXNodeView, _ importer: inout ONNXImporter) throws
        -> [ONNXImporter.Value]

    /// An operator.
    struct Entry: Sendable {
        /// The attributes that are understood, or make no difference.
        let attributes: Set<String>
        let add: Importer

        init(_ attributes: Set<String> = [], _ add: @escaping Importer) {
            (self.attributes, self.add) = (attributes, add)
        }
    }

    /// All of them.
    static let all: [String: Entry] = [
        activations, arithmetic, comparisons, views, constants, convolutions, normalizations,
        products, reductions, selections, sums, indexing, branches, patches, sequences, attention,
    ].reduce(into: [:]) { all, group in all.merge(group) { $1 } }

    /// Whether an operator computes with numbers of 8 bits.
    static func isQuantized(_ operation: String) -> Bool {
        operation.contains("uantize") || operation.contains("Integer")
            || operation.hasPrefix("QLinear")
    }
}

extension ONNXImporter {
    /// The result of a layer without parameters.
    mutating func apply(
        _ layer: any Layer, _ value: Value, isLast: Bool = true
    ) throws -> Value {
        .running(try emit(layer, running(value), isLast: isLast), .float)
    }

    /// The result of an operation on two values, which broadcast as NumPy's.
    mutating func combine(
        _ operation: BinaryOperation, _ a: Value, _ b: Value, isLast: Bool = true
    ) throws -> Value {
        let (x, y) = (try running(a), try running(b))
        let isSum =
            try operation == .add && graph.wholeShape(of: x) == graph.wholeShape(of: y)
        let layer: any Layer =
            isSum ? Addition() : Elementwise(operation, alignsLastAxes: true)
        return .running(try emit(layer, x, y, isLast: isLast), type(of: a))
    }

    /// A number as a value.
    func number(_ value: Double) throws -> Value {
        .constant(ONNXConstant(try Tensor(shape: [], repeating: value)), name: "")
    }

    /// A value in another shape.
    ///
    /// - Parameter open: the same with -1 for what is left over, where the model says so.
    mutating func reshape(
        _ value: Value, to shape: [Int], open: [Int]? = nil, isLast: Bool = true
    ) throws -> Value {
        let from = try self.shape(of: value)
        guard from != shape else { return value }
        try ONNXOperators.checkExtents(shape, "shape")
        if case .constant(let constant, let name) = value, name.isEmpty || constant.tensor == nil {
            return .constant(try constant.reshaped(to: shape), name: "")
        }
        let keepsSamples =
            !from.isEmpty && !shape.isEmpty && from[0] == shape[0] && !shape.contains(0)
        let layer: any Layer =
            keepsSamples
            ? try Reshape(to: Array(shape.dropFirst())) : try WholeReshape(to: open ?? shape)
        return .running(
            try emit(layer, running(value), isLast: isLast), type(of: value))
    }
}

extension ONNXConstant {
    /// The same numbers in another shape.
    func reshaped(to shape: [Int]) throws -> ONNXConstant {
        let count = shape.reduce(1) { $0.multipliedReportingOverflow(by: $1).partialValue }
        guard count == self.count else {
            throw ONNXRefusal(
                "shape", "\(shape)", expected: "one of \(self.count) numbers, as \(self.shape)")
        }
        switch numbers {
        case .floats(let tensor): return ONNXConstant(try tensor.reshaped(to: shape))
        case .integers(let integers):
            return ONNXConstant(shape: shape, type: type, integers: integers)
        case .none: return ONNXConstant(emptyOfShape: shape)
        }
    }
}
