// SPDX-License-Identifier: MIT
// Scaffolding: operations whose native implementation has not landed yet.
import ConvNetTensor

extension NativeKernels {
    public func im2col(_ x: Tensor, window: Window) throws -> Tensor {
        throw TensorError(
            operation: "im2col", argument: "kernel", value: "missing", expected: "an implementation"
        )
    }
    public func col2im(_ columns: Tensor, inputShape: [Int], window: Window) throws -> Tensor {
        throw TensorError(
            operation: "col2im", argument: "kernel", value: "missing", expected: "an implementation"
        )
    }
    public func addBias(_ bias: Tensor, to x: inout Tensor) throws {
        throw TensorError(
            operation: "addBias", argument: "kernel", value: "missing",
            expected: "an implementation")
    }
    public func biasGradient(_ outputGradient: Tensor) throws -> Tensor {
        throw TensorError(
            operation: "biasGradient", argument: "kernel", value: "missing",
            expected: "an implementation")
    }
    public func maxPooling(_ x: Tensor, window: Window) throws -> Tensor {
        throw TensorError(
            operation: "maxPooling", argument: "kernel", value: "missing",
            expected: "an implementation")
    }
    public func maxPoolingWithArgmax(_ x: Tensor, window: Window) throws -> MaxPoolingResult {
        throw TensorError(
            operation: "maxPoolingWithArgmax", argument: "kernel", value: "missing",
            expected: "an implementation")
    }
    public func maxPoolingGradient(_ outputGradient: Tensor, argmax: IndexTensor, inputShape: [Int])
        throws -> Tensor
    {
        throw TensorError(
            operation: "maxPoolingGradient", argument: "kernel", value: "missing",
            expected: "an implementation")
    }
    public func averagePooling(_ x: Tensor, window: Window, countIncludePad: Bool) throws -> Tensor
    {
        throw TensorError(
            operation: "averagePooling", argument: "kernel", value: "missing",
            expected: "an implementation")
    }
    public func averagePoolingGradient(
        _ outputGradient: Tensor, inputShape: [Int], window: Window, countIncludePad: Bool
    ) throws -> Tensor {
        throw TensorError(
            operation: "averagePoolingGradient", argument: "kernel", value: "missing",
            expected: "an implementation")
    }
    public func relu(_ x: Tensor) throws -> Tensor {
        throw TensorError(
            operation: "relu", argument: "kernel", value: "missing", expected: "an implementation")
    }
    public func reluGradient(_ outputGradient: Tensor, output: Tensor) throws -> Tensor {
        throw TensorError(
            operation: "reluGradient", argument: "kernel", value: "missing",
            expected: "an implementation")
    }
    public func sigmoid(_ x: Tensor) throws -> Tensor {
        throw TensorError(
            operation: "sigmoid", argument: "kernel", value: "missing",
            expected: "an implementation")
    }
    public func sigmoidGradient(_ outputGradient: Tensor, output: Tensor) throws -> Tensor {
        throw TensorError(
            operation: "sigmoidGradient", argument: "kernel", value: "missing",
            expected: "an implementation")
    }
    public func softmax(_ logits: Tensor) throws -> Tensor {
        throw TensorError(
            operation: "softmax", argument: "kernel", value: "missing",
            expected: "an implementation")
    }
    public func softmaxCrossEntropy(_ logits: Tensor, labels: [Int]) throws -> SoftmaxCrossEntropy {
        throw TensorError(
            operation: "softmaxCrossEntropy", argument: "kernel", value: "missing",
            expected: "an implementation")
    }
    public func softmaxCrossEntropy(_ logits: Tensor, targets: Tensor) throws -> SoftmaxCrossEntropy
    {
        throw TensorError(
            operation: "softmaxCrossEntropy", argument: "kernel", value: "missing",
            expected: "an implementation")
    }
    public func sgdUpdate(_ parameter: inout Tensor, gradient: Tensor, learningRate: Double) throws
    {
        throw TensorError(
            operation: "sgdUpdate", argument: "kernel", value: "missing",
            expected: "an implementation")
    }
    public func momentumUpdate(
        _ parameter: inout Tensor, velocity: inout Tensor, gradient: Tensor, learningRate: Double,
        momentum: Double
    ) throws {
        throw TensorError(
            operation: "momentumUpdate", argument: "kernel", value: "missing",
            expected: "an implementation")
    }
    public func adamUpdate(
        _ parameter: inout Tensor, firstMoment: inout Tensor, secondMoment: inout Tensor,
        gradient: Tensor, step: Int, settings: AdamSettings
    ) throws {
        throw TensorError(
            operation: "adamUpdate", argument: "kernel", value: "missing",
            expected: "an implementation")
    }
}
