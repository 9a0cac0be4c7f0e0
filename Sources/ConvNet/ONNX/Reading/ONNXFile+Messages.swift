// SPDX-License-Identifier: MIT
//
// The smaller messages of an ONNX file: nodes, their attributes, and what the graph's values are.

import ConvNetSupport

extension ONNXFile.Node {
    /// NodeProto
    ///
    /// - Parameter depth: how many nodes it lies in.
    init(_ reader: ProtobufReader, depth: Int) throws {
        var reader = reader
        let source = reader.source
        while let (number, value) = try reader.next() {
            guard let range = value.range else { continue }
            switch number {
            case 1: inputs.append(try source.text(range))
            case 2: outputs.append(try source.text(range))
            case 3: name = try source.text(range)
            case 4: operation = try source.text(range)
            case 5:
                let (name, value) = try ONNXFile.Attribute.read(
                    ProtobufReader(source, range), depth: depth)
                attributes[name] = value
            case 7: domain = try source.text(range)
            default: break
            }
        }
        if domain == "ai.onnx" { domain = "" }
    }
}

extension ONNXFile.Branch {
    /// GraphProto
    init(_ reader: ProtobufReader, depth: Int) throws {
        guard depth <= ONNXFile.deepestBranch else {
            throw FileError(
                file: reader.source.name,
                problem: "has graphs inside graphs beyond \(ONNXFile.deepestBranch)",
                expected: "fewer levels")
        }
        var reader = reader
        while let (number, value) = try reader.next() {
            guard let range = value.range else { continue }
            let message = ProtobufReader(reader.source, range)
            switch number {
            case 1: nodes.append(try ONNXFile.Node(message, depth: depth))
            case 5: initializers.append(try TensorRecord(message))
            case 12: outputs.append(try ONNXFile.ValueInfo(message))
            default: break
            }
        }
    }
}

extension ONNXFile.Attribute {
    /// The most numbers or texts that an attribute may have.
    private static let mostNumbers = 1 << 20

    /// What is found of an attribute before its type is known.
    private struct Draft {
        var name = ""
        var type = 0
        var float: Float = 0
        var int = 0
        var text = ""
        var tensor: TensorRecord?
        var graph: ONNXFile.Branch?
        var floats: [Float] = []
        var ints: [Int] = []
        var texts: [String] = []
        /// The attribute of a function that this one is.
        var reference = ""
        /// The number of the field that came last.
        var lastField = 0
    }

    /// AttributeProto: the name and the value.
    static func read(
        _ reader: ProtobufReader, depth: Int
    ) throws -> (name: String, value: ONNXFile.Attribute) {
        var (reader, draft) = (reader, Draft())
        let source = reader.source
        while let (number, value) = try reader.next() {
            switch (number, value) {
            case (1, .bytes(let range)): draft.name = try source.text(range)
            case (2, .bits32(let bits)): draft.float = Float(bitPattern: bits)
            case (3, .varint): draft.int = value.integer ?? 0
            case (4, .bytes(let range)): draft.text = try source.text(range)
            case (5, .bytes(let range)):
                draft.tensor = try TensorRecord(ProtobufReader(source, range))
            case (6, .bytes(let range)):
                draft.graph = try ONNXFile.Branch(
                    ProtobufReader(source, range), depth: depth + 1)
            case (7, .bits32(let bits)): draft.floats.append(Float(bitPattern: bits))
            case (7, .bytes(let range)):
                var numbers = ProtobufReader(source, range)
                while !numbers.isAtEnd {
                    let bits = UInt32(truncatingIfNeeded: try numbers.bits(4))
                    draft.floats.append(Float(bitPattern: bits))
                    try check(draft.floats.count, source)
                }
            case (8, .varint): draft.ints.append(value.integer ?? 0)
            case (8, .bytes(let range)):
                var numbers = ProtobufReader(source, range)
                while !numbers.isAtEnd {
                    draft.ints.append(Int(truncatingIfNeeded: try numbers.varint()))
                    try check(draft.ints.count, source)
                }
            case (9, .bytes(let range)): draft.texts.append(try source.text(range))
            case (20, .varint): draft.type = value.integer ?? 0
            case (21, .bytes(let range)): draft.reference = try source.text(range)
            default: break
            }
            try check(max(draft.floats.count, draft.ints.count, draft.texts.count), source)
            if (2...11).contains(number) { draft.lastField = number }
        }
        return (draft.name, value(of: draft))
    }

    private static func check(_ count: Int, _ source: ByteSource) throws(FileError) {
        guard count <= mostNumbers else {
            throw FileError(
                file: source.name, problem: "an attribute has more than \(mostNumbers) numbers",
                expected: "at most that many")
        }
    }

    private static func value(of draft: Draft) -> ONNXFile.Attribute {
        guard draft.reference.isEmpty else { return .reference(draft.reference) }
        // Old files do not give the type: it is that of the field that is there.
        let fields = [2: 1, 3: 2, 4: 3, 5: 4, 6: 5, 7: 6, 8: 7, 9: 8]
        let type = draft.type != 0 ? draft.type : fields[draft.lastField] ?? 0
        switch type {
        case 1: return .float(draft.float)
        case 2: return .int(draft.int)
        case 3: return .text(draft.text)
        case 4: return draft.tensor.map { .tensor($0) } ?? .other("an empty tensor")
        case 6: return .floats(draft.floats)
        case 7: return .ints(draft.ints)
        case 8: return .texts(draft.texts)
        case 5: return draft.graph.map { .graph($0) } ?? .other("an empty graph")
        default: return .other("an attribute of type \(type)")
        }
    }
}

extension ONNXFile.ValueInfo {
    /// ValueInfoProto
    init(_ reader: ProtobufReader) throws {
        var reader = reader
        while let (number, value) = try reader.next() {
            guard let range = value.range else { continue }
            switch number {
            case 1: name = try reader.source.text(range)
            case 2: try readType(ProtobufReader(reader.source, range))
            default: break
            }
        }
    }

    /// TypeProto
    private mutating func readType(_ reader: ProtobufReader) throws {
        var reader = reader
        while let (number, value) = try reader.next() {
            guard let range = value.range else { continue }
            switch number {
            case 1: try readTensorType(ProtobufReader(reader.source, range))
            case 4, 5, 7, 8, 9: isNoTensor = true
            default: break
            }
        }
    }

    /// TypeProto.Tensor
    private mutating func readTensorType(_ reader: ProtobufReader) throws {
        var reader = reader
        while let (number, value) = try reader.next() {
            switch (number, value) {
            case (1, .varint): elementType = value.integer ?? 0
            case (2, .bytes(let range)):
                var (axes, extents) = (ProtobufReader(reader.source, range), [ONNXFile.Extent]())
                while let (number, value) = try axes.next() {
                    guard number == 1, let range = value.range else { continue }
                    extents.append(try Self.extent(ProtobufReader(reader.source, range)))
                    guard extents.count <= TensorRecord.mostAxes else {
                        throw FileError(
                            file: reader.source.name, problem: "\(name) has too many axes",
                            expected: "at most \(TensorRecord.mostAxes)")
                    }
                }
                shape = extents
            default: break
            }
        }
        // A row of no numbers; of other shapes a 0 stands for what is open.
        if shape == [.open(Self.zero)] { shape = [.fixed(0)] }
    }

    /// What an extent of 0 is called while a shape is read.
    private static let zero = "0"

    /// TensorShapeProto.Dimension; one of neither value nor name is open.
    private static func extent(_ reader: ProtobufReader) throws -> ONNXFile.Extent {
        var (reader, extent) = (reader, ONNXFile.Extent.open(""))
        while let (number, value) = try reader.next() {
            switch (number, value) {
            // A few programs write 0 or -1 for what is open.
            case (1, .varint):
                if let count = value.integer {
                    extent = count > 0 ? .fixed(count) : .open(count == 0 ? zero : "")
                }
            case (2, .bytes(let range)): extent = .open(try reader.source.text(range))
            default: break
            }
        }
        return extent
    }
}
