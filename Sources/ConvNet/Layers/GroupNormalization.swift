// SPDX-License-Identifier: MIT
//
// Group normalization: Wu and He, "Group normalization", 2018; defaults as PyTorch's.

/// Groups of channels of each sample brought to mean 0 and variance 1, then each channel of
/// `[N, C]` or `[N, C, …]` scaled and shifted:
/// `y = (x − mean) / √(variance + epsilon) · gamma + beta`.
///
/// Mean and (biased) variance are those of C/groups channels of one sample, in training and in
/// prediction.
public struct GroupNormalization: UnaryLayer {
    /// How many groups the channels fall into.
    public let groups: Int
    /// What keeps the divisor from 0.
    public let epsilon: Double
    /// Gamma and beta, each `[C]`.
    public var parameters: [Tensor]
    private let channels: Int
    /// What errors call the layer.
    private let name: String

    /// A layer with gamma 1 and beta 0.
    ///
    /// - Parameters:
    ///   - groups: how many groups the channels fall into.
    ///   - channels: C.
    ///   - epsilon: what keeps the divisor from 0.
    /// - Throws: ``TensorError`` when there is no channel, the groups do not divide them, or
    ///   epsilon is not above 0.
    public init(groups: Int, channels: Int, epsilon: Double = 1e-5) throws {
        _ = try Shape.elementCount(
            [channels], operation: "GroupNormalization", argument: "channels")
        try self.init(
            groups: groups, gamma: Tensor(shape: [channels], repeating: 1),
            beta: Tensor(zeros: [channels]), epsilon: epsilon)
    }

    /// A layer with given parameters, each `[C]`.
    ///
    /// - Throws: ``TensorError`` when the shapes differ, the groups do not divide the channels, or
    ///   epsilon is not above 0.
    public init(groups: Int, gamma: Tensor, beta: Tensor, epsilon: Double = 1e-5) throws {
        try self.init(
            "GroupNormalization", groups: groups, gamma: gamma, beta: beta, epsilon: epsilon)
    }

    /// A layer that errors call by a name.
    init(
        _ operation: String, groups: Int, gamma: Tensor, beta: Tensor, epsilon: Double
    ) throws(TensorError) {
        guard gamma.shape.count == 1 else {
            throw TensorError(
                operation: operation, argument: "gamma", value: "\(gamma.shape)", expected: "[C]")
        }
        guard groups >= 1, gamma.count % groups == 0 else {
            throw TensorError(
                operation: operation, argument: "groups", value: "\(groups)",
                expected: "a divisor of \(gamma.count) channels")
        }
        try KernelChecks.require(beta, matches: gamma, operation: operation, argument: "beta")
        try KernelChecks.checkEpsilon(epsilon, operation: operation)
        parameters = [gamma, beta]
        channels = gamma.count
        self.groups = groups
        self.epsilon = epsilon
        name = operation
    }

    /// `gamma` and `beta`.
    public var parameterNames: [String] { ["gamma", "beta"] }

    /// The shape that comes out for a shape that goes in: the same.
    public func outputShape(for inputShape: [Int]) throws -> [Int] {
        let sizes = try KernelChecks.channels(
            inShape: inputShape, operation: name, argument: "x")
        guard sizes.channels == channels else {
            throw TensorError(
                operation: name, argument: "x", value: "\(inputShape)",
                expected: "[N, \(channels)] or [N, \(channels), …]")
        }
        return inputShape
    }

    /// The layer's output in prediction.
    public func predict(_ x: Tensor, on kernels: any Kernels) throws -> Tensor {
        try operation(x, on: kernels).output()
    }

    /// The layer's output in training, and the way back.
    public func forward(_ x: Tensor, in pass: Pass) throws -> Forward {
        let operation = try operation(x, on: pass.kernels)
        return Forward(try operation.output()) { outputGradient, wanted in
            LayerGradients(
                input: wanted.input ? try operation.inputGradient(outputGradient) : nil,
                parameters: wanted.parameters
                    ? try operation.parameterGradients(outputGradient) : [])
        }
    }

    private func operation(_ x: Tensor, on kernels: any Kernels) throws -> GroupOperation {
        _ = try outputShape(for: x.shape)
        let parameters = try checkedParameters([[channels], [channels]])
        return try GroupOperation(
            x, groups: groups, gamma: parameters[0], beta: parameters[1], epsilon: epsilon,
            on: kernels)
    }
}

/// One pass of a group normalization, made of batch normalizations. What these call channels are
/// here the groups of all samples, `[1, N·groups, C/groups · …]`, or, where gamma and beta matter,
/// the channels of all samples, `[1, N·C, …]`, with the statistics of their groups.
private struct GroupOperation: Sendable {
    private let x: Tensor
    private let (samples, channels, plane): (Int, Int, Int)
    private let groups: Int
    private let gamma: Tensor
    private let beta: Tensor
    private let epsilon: Double
    private let kernels: any Kernels
    /// Those of each group.
    private let statistics: BatchStatistics

    init(
        _ x: Tensor, groups: Int, gamma: Tensor, beta: Tensor, epsilon: Double,
        on kernels: any Kernels
    ) throws {
        (samples, channels, plane) = try KernelChecks.channels(
            of: x, operation: "GroupNormalization", argument: "x")
        self.x = x
        self.groups = groups
        self.gamma = gamma
        self.beta = beta
        self.epsilon = epsilon
        self.kernels = kernels
        statistics = try kernels.batchStatistics(
            x.reshaped(to: [1, samples * groups, channels / groups * plane]))
    }

    func output() throws -> Tensor {
        try kernels.batchNormalization(
            byChannel(x), statistics: channelStatistics(), gamma: forEachSample(gamma),
            beta: forEachSample(beta), epsilon: epsilon
        ).reshaped(to: x.shape)
    }

    func inputGradient(_ outputGradient: Tensor) throws -> Tensor {
        let scaled = try kernels.elementwise(
            .multiply, outputGradient.reshaped(to: [samples, channels, plane]),
            gamma.reshaped(to: [channels, 1]))
        return try kernels.normalizationGradient(
            byGroup(scaled), input: byGroup(x), statistics: statistics, epsilon: epsilon
        ).reshaped(to: x.shape)
    }

    /// With z the normalized numbers, `Σ dy z` and `Σ dy` of each channel: those of each sample are
    /// what batch normalization gives, and are added up.
    func parameterGradients(_ outputGradient: Tensor) throws -> [Tensor] {
        let ofSamples = try kernels.batchNormalizationGradient(
            byChannel(outputGradient), input: byChannel(x), statistics: channelStatistics(),
            gamma: forEachSample(gamma), epsilon: epsilon)
        return try [ofSamples.gamma, ofSamples.beta].map {
            try kernels.reduced(
                $0.reshaped(to: [samples, channels]), .sum, axes: [0], keepsAxes: false)
        }
    }

    private func byGroup(_ x: Tensor) throws -> Tensor {
        try x.reshaped(to: [1, samples * groups, channels / groups * plane])
    }

    private func byChannel(_ x: Tensor) throws -> Tensor {
        try x.reshaped(to: [1, samples * channels, plane])
    }

    /// `[C]` as `[N·C]`.
    private func forEachSample(_ parameter: Tensor) throws -> Tensor {
        try repeated(parameter, over: [samples, channels])
    }

    private func channelStatistics() throws -> BatchStatistics {
        func ofChannels(_ ofGroups: Tensor) throws -> Tensor {
            try repeated(
                ofGroups.reshaped(to: [samples * groups, 1]),
                over: [samples * groups, channels / groups])
        }
        return BatchStatistics(
            mean: try ofChannels(statistics.mean), variance: try ofChannels(statistics.variance))
    }

    /// A tensor that broadcasts to a shape as a row of its numbers there.
    private func repeated(_ tensor: Tensor, over shape: [Int]) throws -> Tensor {
        let zeros = try Tensor(zeros: shape, scalarType: tensor.scalarType)
        return try kernels.elementwise(.add, tensor, zeros).reshaped(to: [samples * channels])
    }
}

extension GroupNormalization: DescribedLayer {
    /// What files call the type.
    public static let typeName = "GroupNormalization"

    /// The groups and epsilon.
    public var layerSettings: LayerSettings {
        ["groups": .integer(groups), "epsilon": .number(epsilon)]
    }

    /// The layer with its parameters `gamma` and `beta`.
    public init(settings: LayerSettings, tensors: LayerTensors) throws {
        try settings.require(only: ["groups", "epsilon"])
        let tensors = try tensors.require(only: ["gamma", "beta"])
        try self.init(
            groups: settings.integer("groups", in: 1...Shape.largestExtent), gamma: tensors[0],
            beta: tensors[1], epsilon: settings.number("epsilon"))
    }
}

extension GroupNormalization: ONNXLayer {
    /// GroupNormalization came with version 18 of the operators. Groups seen as the channels of an
    /// InstanceNormalization are normalized alike.
    func export(to graph: inout ONNXGraph, inputShape: [Int]) throws {
        // 0 stands for the extent that is there: the samples'.
        let grouped = graph.addIntegers("grouped", [0, groups, -1])
        let ones = try graph.addConstant("ones", Tensor(shape: [groups], repeating: 1))
        let zeros = try graph.addConstant("zeros", Tensor(zeros: [groups]))
        let shape = graph.addIntegers("shape", [0] + inputShape.dropFirst())
        let inner = inputShape.dropFirst(2).map { _ in 1 }
        let tensors = try namedParameters.map {
            try graph.add((name: $0.name, value: $0.value.reshaped(to: [channels] + inner)))
        }
        graph.add("Reshape", [grouped], step: "groups")
        graph.add(
            "InstanceNormalization", [ones, zeros], step: "normalized",
            [("epsilon", .float(epsilon))])
        graph.add("Reshape", [shape], step: "channels")
        graph.add("Mul", [tensors[0]], step: "scaled")
        graph.add("Add", [tensors[1]])
    }
}
