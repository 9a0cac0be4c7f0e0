// SPDX-License-Identifier: MIT
//
// Instance normalization: Ulyanov et al., "Instance normalization: the missing ingredient for fast
// stylization", 2016; a group normalization whose groups have one channel each.

/// Each channel of each sample of `[N, C, …]` brought to mean beta and deviation gamma:
/// `y = (x − mean) / √(variance + epsilon) · gamma + beta`.
///
/// Mean and (biased) variance are those of one channel of one sample, in training and in
/// prediction.
public struct InstanceNormalization: UnaryLayer {
    private var normalization: GroupNormalization

    /// A layer with gamma 1 and beta 0.
    ///
    /// - Parameters:
    ///   - channels: C.
    ///   - epsilon: what keeps the divisor from 0.
    /// - Throws: ``TensorError`` when there is no channel, or epsilon is not above 0.
    public init(channels: Int, epsilon: Double = 1e-5) throws {
        _ = try Shape.elementCount(
            [channels], operation: "InstanceNormalization", argument: "channels")
        try self.init(
            gamma: Tensor(shape: [channels], repeating: 1), beta: Tensor(zeros: [channels]),
            epsilon: epsilon)
    }

    /// A layer with given parameters, each `[C]`.
    ///
    /// - Throws: ``TensorError`` when the shapes differ, or epsilon is not above 0.
    public init(gamma: Tensor, beta: Tensor, epsilon: Double = 1e-5) throws {
        normalization = try GroupNormalization(
            "InstanceNormalization", groups: gamma.count, gamma: gamma, beta: beta,
            epsilon: epsilon)
    }

    /// What keeps the divisor from 0.
    public var epsilon: Double { normalization.epsilon }

    /// Gamma and beta, each `[C]`.
    public var parameters: [Tensor] {
        get { normalization.parameters }
        _modify { yield &normalization.parameters }
    }

    /// `gamma` and `beta`.
    public var parameterNames: [String] { normalization.parameterNames }

    /// The shape that comes out for a shape that goes in: the same.
    public func outputShape(for inputShape: [Int]) throws -> [Int] {
        try normalization.outputShape(for: inputShape)
    }

    /// The layer's output in prediction.
    public func predict(_ x: Tensor, on kernels: any Kernels) throws -> Tensor {
        try normalization.predict(x, on: kernels)
    }

    /// The layer's output in training, and the way back.
    public func forward(_ x: Tensor, in pass: Pass) throws -> Forward {
        try normalization.forward(x, in: pass)
    }
}

extension InstanceNormalization: DescribedLayer {
    /// What files call the type.
    public static let typeName = "InstanceNormalization"

    /// Epsilon.
    public var layerSettings: LayerSettings { ["epsilon": .number(epsilon)] }

    /// The layer with its parameters `gamma` and `beta`.
    public init(settings: LayerSettings, tensors: LayerTensors) throws {
        try settings.require(only: ["epsilon"])
        let tensors = try tensors.require(only: ["gamma", "beta"])
        try self.init(
            gamma: tensors[0], beta: tensors[1], epsilon: settings.number("epsilon"))
    }
}

extension InstanceNormalization: ONNXLayer {
    /// ONNX's has an axis behind the channels.
    func export(to graph: inout ONNXGraph, inputShape: [Int]) throws {
        guard inputShape.count > 2 else {
            return try normalization.export(to: &graph, inputShape: inputShape)
        }
        let tensors = try namedParameters.map { try graph.add($0) }
        graph.add("InstanceNormalization", tensors, [("epsilon", .float(epsilon))])
    }
}
