// SPDX-License-Identifier: MIT
//
// The parametric rectifier: He et al., "Delving deep into rectifiers: surpassing human-level
// performance on ImageNet classification", 2015.

/// `x > 0 ? x : slope · x` for each number, with a slope for each channel, or one for all, that is
/// trained; PyTorch calls it `weight`. NaN stays NaN; the gradient at 0 is that of the slope.
public struct PReLU: UnaryLayer {
    /// The slope, `[C]` or `[1]`.
    public var parameters: [Tensor]
    private let slopes: Int

    /// A layer with equal slopes.
    ///
    /// - Parameters:
    ///   - channels: C; 1 for one slope of all channels.
    ///   - slope: what they begin at.
    /// - Throws: ``TensorError`` when there is no channel.
    public init(channels: Int = 1, slope: Double = 0.25) throws {
        _ = try Shape.elementCount([channels], operation: "PReLU", argument: "channels")
        try self.init(slope: Tensor(shape: [channels], repeating: slope))
    }

    /// A layer with given slopes.
    ///
    /// - Parameter slope: `[C]`, or `[1]` for all channels.
    /// - Throws: ``TensorError`` when it has another number of axes.
    public init(slope: Tensor) throws {
        guard slope.shape.count == 1 else {
            throw TensorError(
                operation: "PReLU", argument: "slope", value: "\(slope.shape)",
                expected: "[C] or [1]")
        }
        parameters = [slope]
        slopes = slope.shape[0]
    }

    /// `slope`.
    public var parameterNames: [String] { ["slope"] }

    /// The shape that comes out for a shape that goes in: the same.
    public func outputShape(for inputShape: [Int]) throws -> [Int] {
        guard slopes == 1 || (inputShape.count >= 2 && inputShape[1] == slopes) else {
            throw TensorError(
                operation: "PReLU", argument: "x", value: "\(inputShape)",
                expected: "[N, \(slopes)] or [N, \(slopes), …]")
        }
        return inputShape
    }

    /// The layer's output in prediction.
    public func predict(_ x: Tensor, on kernels: any Kernels) throws -> Tensor {
        try kernels.elementwise(.prelu, x, slope(for: x.shape))
    }

    /// The layer's output in training, and the way back.
    public func forward(_ x: Tensor, in pass: Pass) throws -> Forward {
        let slope = try slope(for: x.shape)
        let y = try pass.kernels.elementwise(.prelu, x, slope)
        return Forward(y) { [kernels = pass.kernels, slopes] outputGradient, wanted in
            func gradient(_ operand: BinaryOperation.Operand) throws -> Tensor {
                try kernels.elementwiseGradient(
                    outputGradient, of: .prelu, x, slope, operand: operand)
            }
            return LayerGradients(
                input: wanted.input ? try gradient(.a) : nil,
                parameters: wanted.parameters
                    ? [try kernels.summed(gradient(.b), to: slope.shape).reshaped(to: [slopes])]
                    : [])
        }
    }

    /// The slopes as they broadcast with `[N, C, …]`.
    private func slope(for inputShape: [Int]) throws -> Tensor {
        _ = try outputShape(for: inputShape)
        let inner = inputShape.dropFirst(2).map { _ in 1 }
        return try checkedParameters([[slopes]])[0].reshaped(to: [slopes] + inner)
    }
}

extension PReLU: DescribedLayer {
    /// What files call the type.
    public static let typeName = "PReLU"

    /// None: the channels are those of the slope.
    public var layerSettings: LayerSettings { [:] }

    /// The layer with the parameter `slope`.
    public init(settings: LayerSettings, tensors: LayerTensors) throws {
        try settings.require(only: [])
        try self.init(slope: tensors.require(only: ["slope"])[0])
    }
}

extension PReLU: ONNXLayer {
    func export(to graph: inout ONNXGraph, inputShape: [Int]) throws {
        let slope = try graph.add((name: "slope", value: slope(for: inputShape)))
        graph.add("PRelu", [slope])
    }
}
