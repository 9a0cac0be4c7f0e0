// SPDX-License-Identifier: MIT
//
// What an ONNX file holds, as it stands there: nodes, initializers, inputs and outputs. Files are
// not trusted: every figure is checked before it is used, and weights stay where they are until
// they are asked for. Field numbers are those of onnx.proto.

import ConvNetSupport
import Foundation

/// A model as its file describes it.
struct ONNXFile {
    /// An operator with its inputs and outputs.
    struct Node {
        var name = ""
        var operation = ""
        var domain = ""
        /// Names of values; an empty one stands for an input that is left out.
        var inputs: [String] = []
        var outputs: [String] = []
        var attributes: [String: Attribute] = [:]
    }

    /// What an operator is given besides its inputs.
    enum Attribute {
        case float(Float)
        case int(Int)
        case text(String)
        case tensor(TensorRecord)
        case floats([Float])
        case ints([Int])
        case texts([String])
        /// What an operator may do instead of another one.
        case graph(Branch)
        /// That of the function's use which the node is part of, by its name.
        case reference(String)
        /// What no operator here takes.
        case other(String)
    }

    /// A graph inside a node, which sees the values around it.
    struct Branch {
        var nodes: [Node] = []
        var initializers: [TensorRecord] = []
        var outputs: [ValueInfo] = []
    }

    /// An input or output of the graph.
    struct ValueInfo {
        var name = ""
        /// The type of its numbers; 0 where it is not given or the value is not a tensor.
        var elementType = 0
        /// The extents, nil where they are open; nil where not even their number is given.
        var shape: [Extent]?
        /// Whether it is a sequence, a map or another thing that is no tensor.
        var isNoTensor = false
    }

    /// The extent of an axis.
    enum Extent: Hashable, Sendable {
        case fixed(Int)
        /// Open, with the name that the file gives it.
        case open(String)
    }

    /// The version of the operators, of ONNX's own domain.
    private(set) var operatorVersion = 0
    /// Which program wrote the file.
    private(set) var producer = ""
    private(set) var nodes: [Node] = []
    private(set) var initializers: [TensorRecord] = []
    private(set) var inputs: [ValueInfo] = []
    private(set) var outputs: [ValueInfo] = []
    /// Operators of the model's own.
    private(set) var functions: [Function] = []
    /// What errors call the file.
    let name: String
    /// The folder in which tensors may lie that are not in the file; nil for none.
    let folder: URL?

    /// The largest file that is read: what the format can count.
    static let largestByteCount = 1 << 31
    /// The most nodes, initializers, inputs and outputs of each.
    static let mostItems = 1_000_000
    /// How deep graphs may lie in nodes of graphs.
    static let deepestBranch = 16
    /// The longest name, in bytes.
    static let longestName = 1 << 16

    /// A model in a file.
    ///
    /// - Throws: ``FileError`` when it can't be read or is no ONNX file.
    init(_ url: URL) throws {
        let file = try RegularFile(url.path, limit: Self.largestByteCount)
        try self.init(ByteSource(file), folder: url.deletingLastPathComponent())
    }

    /// A model in memory.
    ///
    /// - Throws: ``FileError`` when the bytes are no ONNX file.
    init(_ bytes: [UInt8], name: String = "model") throws {
        guard bytes.count <= Self.largestByteCount else {
            throw FileError(
                file: name, problem: "has \(bytes.count) bytes",
                expected: "at most \(Self.largestByteCount)")
        }
        try self.init(ByteSource(bytes, name: name), folder: nil)
    }

    private init(_ source: ByteSource, folder: URL?) throws {
        name = source.name
        self.folder = folder
        var reader = ProtobufReader(source)
        var graph: Range<Int>?
        while let (number, value) = try reader.next() {
            switch (number, value) {
            case (2, .bytes(let range)): producer = try source.text(range)
            case (7, .bytes(let range)):
                guard graph == nil else {
                    throw FileError(file: name, problem: "has two graphs", expected: "one")
                }
                graph = range
            case (8, .bytes(let range)):
                let (domain, version) = try Self.operators(ProtobufReader(source, range))
                if domain.isEmpty { operatorVersion = version }
            case (25, .bytes(let range)):
                functions.append(try Function(ProtobufReader(source, range)))
                try check(functions.count, "functions")
            default: break
            }
        }
        guard let graph else {
            throw FileError(file: name, problem: "has no graph", expected: "an ONNX model")
        }
        guard (1...1000).contains(operatorVersion) else {
            throw FileError(
                file: name, problem: "names no version of ONNX's operators",
                expected: "an ONNX model")
        }
        try readGraph(ProtobufReader(source, graph))
    }

    /// An operator set and its version (OperatorSetIdProto).
    static func operators(
        _ reader: ProtobufReader
    ) throws(FileError) -> (domain: String, version: Int) {
        var (reader, domain, version) = (reader, "", 0)
        while let (number, value) = try reader.next() {
            switch (number, value) {
            case (1, .bytes(let range)): domain = try reader.source.text(range)
            case (2, .varint): version = value.integer ?? 0
            default: break
            }
        }
        return (domain == "ai.onnx" ? "" : domain, version)
    }

    /// GraphProto
    private mutating func readGraph(_ reader: ProtobufReader) throws {
        var reader = reader
        let source = reader.source
        while let (number, value) = try reader.next() {
            guard let range = value.range else { continue }
            let message = ProtobufReader(source, range)
            switch number {
            case 1:
                nodes.append(try Node(message, depth: 0))
                try check(nodes.count, "nodes")
            case 5:
                initializers.append(try TensorRecord(message))
                try check(initializers.count, "initializers")
            case 11:
                inputs.append(try ValueInfo(message))
                try check(inputs.count, "inputs")
            case 12:
                outputs.append(try ValueInfo(message))
                try check(outputs.count, "outputs")
            case 15:
                throw FileError(
                    file: name, problem: "has a sparse initializer", expected: "dense ones")
            default: break
            }
        }
    }

    private func check(_ count: Int, _ what: String) throws(FileError) {
        guard count <= Self.mostItems else {
            throw FileError(
                file: name, problem: "has more than \(Self.mostItems) \(what)",
                expected: "at most that many")
        }
    }
}

extension ByteSource {
    /// The text of a range, as a name.
    func text(_ range: Range<Int>) throws(FileError) -> String {
        guard range.count <= ONNXFile.longestName else {
            throw FileError(
                file: name, problem: "a name of \(range.count) bytes at byte \(range.lowerBound)",
                expected: "at most \(ONNXFile.longestName)")
        }
        return String(decoding: try bytes(in: range), as: UTF8.self)
    }
}
