// SPDX-License-Identifier: MIT
//
// Layer normalization: Ba et al., "Layer normalization", 2016; axes and defaults as PyTorch's.

/// The numbers of the last axes brought to mean 0 and variance 1, then scaled and shifted each by
/// its own gamma and beta: `y = (x − mean) / √(variance + epsilon) · gamma + beta`.
///
/// Mean and (biased) variance are those of the last axes at each place of the others, in training
/// and in prediction.
public struct LayerNormalization: UnaryLayer {
    /// What keeps the divisor from 0.
    public let epsilon: Double
    /// Gamma and beta, each of the last axes' shape.
    public var parameters: [Tensor]
    private let shape: [Int]

    /// A layer with gamma 1 and beta 0.
    ///
    /// - Parameters:
    ///   - shape: the extents of the last axes, those that are normalized together.
    ///   - epsilon: what keeps the divisor from 0.
    /// - Throws: ``TensorError`` when there is no axis or an empty one, or epsilon is not above 0.
    public init(shape: [Int], epsilon: Double = 1e-5) throws {
        _ = try Shape.elementCount(shape, operation: "LayerNormalization")
        try self.init(
            gamma: Tensor(shape: shape, repeating: 1), beta: Tensor(zeros: shape), epsilon: epsilon)
    }

    /// A layer with given parameters, of the shape of the last axes.
    ///
    /// - Throws: ``TensorError`` when the shapes differ or have no axis, or epsilon is not above 0.
    public init(gamma: Tensor, beta: Tensor, epsilon: Double = 1e-5) throws {
        let operation = "LayerNormalization"
        guard !gamma.shape.isEmpty else {
            throw TensorError(
                operation: operation, argument: "shape", value: "[]",
                expected: "the extents of the last axes, one or more")
        }
        try KernelChecks.require(beta, matches: gamma, operation: operation, argument: "beta")
        try KernelChecks.checkEpsilon(epsilon, operation: operation)
        parameters = [gamma, beta]
        shape = gamma.shape
        self.epsilon = epsilon
    }

    /// `gamma` and `beta`.
    public var parameterNames: [String] { ["gamma", "beta"] }

    /// The shape that comes out for a shape that goes in: the same.
    public func outputShape(for inputShape: [Int]) throws -> [Int] {
        _ = try Shape.elementCount(inputShape, operation: "LayerNormalization", argument: "x")
        guard inputShape.count > shape.count, inputShape.suffix(shape.count) == shape[...] else {
            let axes = shape.map(String.init).joined(separator: ", ")
            throw TensorError(
                operation: "LayerNormalization", argument: "x", value: "\(inputShape)",
                expected: "[N, …, \(axes)]")
        }
        return inputShape
    }

    /// The layer's output in prediction.
    public func predict(_ x: Tensor, on kernels: any Kernels) throws -> Tensor {
        let rows = try rows(of: x)
        return try scaled(rows, statistics: kernels.batchStatistics(rows), on: kernels)
            .reshaped(to: x.shape)
    }

    /// The layer's output in training, and the way back.
    public func forward(_ x: Tensor, in pass: Pass) throws -> Forward {
        let (rows, kernels) = (try rows(of: x), pass.kernels)
        let statistics = try kernels.batchStatistics(rows)
        let output = try scaled(rows, statistics: statistics, on: kernels).reshaped(to: x.shape)
        return Forward(output) { [self, inputShape = x.shape] outputGradient, wanted in
            let dy = try outputGradient.reshaped(to: rows.shape)
            return LayerGradients(
                input: wanted.input
                    ? try self.inputGradient(dy, rows, statistics, on: kernels)
                        .reshaped(to: inputShape) : nil,
                parameters: wanted.parameters
                    ? try self.parameterGradients(dy, rows, statistics, on: kernels) : [])
        }
    }

    /// The input as `[1, rows, numbers of a row]`: rows are what batch normalization calls
    /// channels.
    private func rows(of x: Tensor) throws -> Tensor {
        _ = try outputShape(for: x.shape)
        let length = shape.reduce(1, *)
        return try x.reshaped(to: [1, x.count / length, length])
    }

    /// Gamma and beta, each as a row.
    private func rowParameters() throws -> [Tensor] {
        try checkedParameters([shape, shape]).map { try $0.reshaped(to: [$0.count]) }
    }

    private func scaled(
        _ rows: Tensor, statistics: BatchStatistics, on kernels: any Kernels
    ) throws -> Tensor {
        let parameters = try rowParameters()
        let normalized = try kernels.normalized(rows, by: statistics, epsilon: epsilon)
        return try kernels.elementwise(
            .add, kernels.elementwise(.multiply, normalized, parameters[0]), parameters[1])
    }

    private func inputGradient(
        _ outputGradient: Tensor, _ rows: Tensor, _ statistics: BatchStatistics,
        on kernels: any Kernels
    ) throws -> Tensor {
        let scaled = try kernels.elementwise(.multiply, outputGradient, rowParameters()[0])
        return try kernels.normalizationGradient(
            scaled, input: rows, statistics: statistics, epsilon: epsilon)
    }

    private func parameterGradients(
        _ outputGradient: Tensor, _ rows: Tensor, _ statistics: BatchStatistics,
        on kernels: any Kernels
    ) throws -> [Tensor] {
        let normalized = try kernels.normalized(rows, by: statistics, epsilon: epsilon)
        return try [
            kernels.elementwise(.multiply, outputGradient, normalized), outputGradient,
        ].map { try kernels.reduced($0, .sum, axes: [0, 1], keepsAxes: false).reshaped(to: shape) }
    }
}

extension Kernels {
    /// Each channel of `[N, C, …]` brought to mean 0 and variance 1 by the given statistics.
    func normalized(
        _ x: Tensor, by statistics: BatchStatistics, epsilon: Double
    ) throws -> Tensor {
        let (shape, type) = (statistics.mean.shape, x.scalarType)
        return try batchNormalization(
            x, statistics: statistics, gamma: Tensor(shape: shape, repeating: 1, scalarType: type),
            beta: Tensor(zeros: shape, scalarType: type), epsilon: epsilon)
    }

    /// The gradient of that, the statistics being those of `x`.
    func normalizationGradient(
        _ outputGradient: Tensor, input x: Tensor, statistics: BatchStatistics, epsilon: Double
    ) throws -> Tensor {
        let ones = try Tensor(
            shape: statistics.mean.shape, repeating: 1, scalarType: x.scalarType)
        return try batchNormalizationGradient(
            outputGradient, input: x, statistics: statistics, gamma: ones, epsilon: epsilon
        ).input
    }
}

extension LayerNormalization: DescribedLayer {
    /// What files call the type.
    public static let typeName = "LayerNormalization"

    /// Epsilon; the shape is that of gamma.
    public var layerSettings: LayerSettings { ["epsilon": .number(epsilon)] }

    /// The layer with its parameters `gamma` and `beta`.
    public init(settings: LayerSettings, tensors: LayerTensors) throws {
        try settings.require(only: ["epsilon"])
        let tensors = try tensors.require(only: ["gamma", "beta"])
        try self.init(
            gamma: tensors[0], beta: tensors[1], epsilon: settings.number("epsilon"))
    }
}

extension LayerNormalization: ONNXLayer {
    func export(to graph: inout ONNXGraph, inputShape: [Int]) throws {
        let tensors = try namedParameters.map { try graph.add($0) }
        graph.add(
            "LayerNormalization", tensors,
            [("axis", .int(-shape.count)), ("epsilon", .float(epsilon))])
    }
}
