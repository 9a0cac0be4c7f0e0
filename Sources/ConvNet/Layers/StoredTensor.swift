// SPDX-License-Identifier: MIT
//
// A tensor as a node of its own: what several layers read, or an operation takes as its operand.

/// A tensor that a graph holds, as a value without inputs: a parameter or a constant.
///
/// Its shape is the whole value's, the first axis included: of extent 1 it broadcasts with any
/// number of samples.
///
/// ```swift
/// let ones = try Tensor(shape: [1, 8, 1, 1], repeating: 1)
/// let scale = try graph.add(StoredTensor(ones, isTrained: true))
/// let y = try graph.add(Elementwise(.multiply), x, scale)
/// ```
public struct StoredTensor: Layer {
    /// The tensor, where it is trained.
    public var parameters: [Tensor]
    /// The tensor, where it is not.
    public var buffers: [Tensor]
    private let shape: [Int]

    static let parameterKey = "value"
    static let bufferKey = "constant"

    /// A node that holds a tensor.
    ///
    /// - Parameters:
    ///   - tensor: the value.
    ///   - isTrained: whether it is a parameter; otherwise it is saved, and never changed.
    public init(_ tensor: Tensor, isTrained: Bool) {
        parameters = isTrained ? [tensor] : []
        buffers = isTrained ? [] : [tensor]
        shape = tensor.shape
        self.isTrained = isTrained
    }

    /// Whether the tensor is a parameter.
    public let isTrained: Bool

    /// `value` where it is trained.
    public var parameterNames: [String] { isTrained ? [Self.parameterKey] : [] }

    /// `constant` where it is not.
    public var bufferNames: [String] { isTrained ? [] : [Self.bufferKey] }

    /// The tensor's shape.
    public func outputShape(for inputShapes: [[Int]]) throws -> [Int] {
        guard inputShapes.isEmpty else {
            throw TensorError(
                operation: "StoredTensor", argument: "inputs", value: "\(inputShapes.count)",
                expected: "0")
        }
        return shape
    }

    /// None: nothing is computed.
    public func operationCount(for inputShapes: [[Int]]) throws -> Int { 0 }

    /// The tensor.
    public func predict(_ inputs: [Tensor], on kernels: any Kernels) throws -> Tensor {
        _ = try outputShape(for: inputs.map(\.shape))
        if isTrained { return try checkedParameters([shape])[0] }
        try Self.check(buffers, named: bufferNames, [shape])
        return buffers[0]
    }

    /// The tensor, whose gradient is that of the output.
    public func forward(_ inputs: [Tensor], in pass: Pass) throws -> Forward {
        Forward(try predict(inputs, on: pass.kernels), inputs: 0) {
            [isTrained] outputGradient, wanted in
            LayerGradients(
                inputs: [],
                parameters: isTrained && wanted.parameters ? [outputGradient] : [])
        }
    }
}

extension StoredTensor: DescribedLayer {
    /// What files call the type.
    public static let typeName = "StoredTensor"

    /// None: the tensor's key says whether it is trained.
    public var layerSettings: LayerSettings { [:] }

    /// The layer with the parameter `value` or the buffer `constant`.
    public init(settings: LayerSettings, tensors: LayerTensors) throws {
        try settings.require(only: [])
        let isTrained = tensors.has(Self.parameterKey)
        let key = isTrained ? Self.parameterKey : Self.bufferKey
        self.init(try tensors.require(only: [key])[0], isTrained: isTrained)
    }
}

extension StoredTensor: ONNXLayer {
    func export(to graph: inout ONNXGraph, inputShape: [Int]) throws {
        let tensor = try graph.add((namedParameters + namedBuffers)[0])
        graph.add("Identity", on: tensor)
    }
}
