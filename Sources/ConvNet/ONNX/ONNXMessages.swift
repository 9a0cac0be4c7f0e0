// SPDX-License-Identifier: MIT
//
// The messages of an ONNX file that a network needs, with the field numbers of onnx.proto
// (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).

/// What an operator is given besides its inputs (AttributeProto).
enum ONNXAttribute {
    case float(Double)
    case int(Int)
    case ints([Int])
    case text(String)

    func message(name: String) -> ProtobufMessage {
        var message = ProtobufMessage()
        message.add(1, name)
        switch self {
        case .float(let value):
            message.add(2, Float(value))
            message.add(20, 1)
        case .int(let value):
            message.add(3, value)
            message.add(20, 2)
        case .ints(let values):
            for value in values { message.add(8, value) }
            message.add(20, 7)
        case .text(let value):
            message.add(4, value)
            message.add(20, 3)
        }
        return message
    }
}

/// An operator with its inputs and outputs, of which one is used (NodeProto).
struct ONNXNode {
    let name: String
    let operation: String
    var inputs: [String]
    var output: String
    let attributes: [(name: String, value: ONNXAttribute)]
    /// What the outputs behind the first are called, of an operator that has several.
    var furtherOutputs: [String] = []

    var message: ProtobufMessage {
        var message = ProtobufMessage()
        for input in inputs { message.add(1, input) }
        message.add(2, output)
        for output in furtherOutputs { message.add(2, output) }
        message.add(3, name)
        message.add(4, operation)
        for (name, value) in attributes { message.add(5, value.message(name: name)) }
        return message
    }
}

extension ProtobufMessage {
    /// The numbers of a tensor of `float32`, and their shape (TensorProto).
    init(onnx tensor: Tensor, name: String) {
        for extent in tensor.shape { add(1, extent) }
        add(2, 1)
        add(8, name)
        add(9, numbersOf: tensor)
    }

    /// Whole numbers in a row (TensorProto).
    init(onnxIntegers values: [Int], name: String) {
        add(1, values.count)
        add(2, 7)
        for value in values { add(7, value) }
        add(8, name)
    }
}

/// An input or output of the graph, whose first axis counts samples (ValueInfoProto).
struct ONNXValue {
    let name: String
    /// The shape of one sample.
    let sampleShape: [Int]

    /// How long the first axis is, where it does not count samples; nil where it does.
    var first: Int?
    /// Whether there are no axes.
    var isNumber = false

    init(name: String, sampleShape: [Int]) {
        (self.name, self.sampleShape) = (name, sampleShape)
    }

    /// A value of a graph that was made for one sample: where the first axis is longer, it
    /// is another one.
    init(name: String, wholeShape: [Int]) {
        self.init(name: name, sampleShape: Array(wholeShape.dropFirst()))
        isNumber = wholeShape.isEmpty
        first = wholeShape.first == 1 ? nil : wholeShape.first
    }

    /// What the axis of samples is called; any number of them goes.
    static let sampleAxis = "N"

    var message: ProtobufMessage {
        var shape = ProtobufMessage()
        var samples = ProtobufMessage()
        if let first { samples.add(1, first) } else { samples.add(2, Self.sampleAxis) }
        if !isNumber { shape.add(1, samples) }
        for extent in sampleShape {
            var dimension = ProtobufMessage()
            dimension.add(1, extent)
            shape.add(1, dimension)
        }
        var (tensor, type, value) = (ProtobufMessage(), ProtobufMessage(), ProtobufMessage())
        tensor.add(1, 1)  // FLOAT
        tensor.add(2, shape)
        type.add(1, tensor)
        value.add(1, name)
        value.add(2, type)
        return value
    }
}

/// Everything in the file (ModelProto with its GraphProto).
struct ONNXModel {
    /// The version of the file format, that of ONNX 1.13.
    static let fileVersion = 8
    /// The version of the operators. 17 is what ONNX Runtime reads from its release 1.13 on.
    static let operatorVersion = 17

    let name: String
    let nodes: [ONNXNode]
    /// TensorProto messages.
    let constants: [ProtobufMessage]
    let inputs: [ONNXValue]
    let outputs: [ONNXValue]

    var message: ProtobufMessage {
        var graph = ProtobufMessage()
        for node in nodes { graph.add(1, node.message) }
        graph.add(2, name)
        for constant in constants { graph.add(5, constant) }
        for input in inputs { graph.add(11, input.message) }
        for output in outputs { graph.add(12, output.message) }

        var operators = ProtobufMessage()
        operators.add(1, "")
        operators.add(2, Self.operatorVersion)

        var model = ProtobufMessage()
        model.add(1, Self.fileVersion)
        model.add(2, "swift-convnet")
        model.add(7, graph)
        model.add(8, operators)
        return model
    }
}
