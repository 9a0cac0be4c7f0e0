// SPDX-License-Identifier: MIT
//
// Kernels that stand before others: what they do not do themselves, those do. Operations that are
// made of others, such as an affine layer, are left to be made of these.

import ConvNet

@testable import Benchmarks

/// Kernels that leave to others what they do not do themselves.
protocol ForwardingKernels: Kernels {
    associatedtype Right: Kernels
    var right: Right { get }
}

extension ForwardingKernels where Right: ChoosingKernels {
    func convolutionAlgorithm(
        inputShape: [Int], weightsShape: [Int], window: Window, groups: Int, pass: ConvolutionPass
    ) throws(TensorError) -> ConvolutionAlgorithm {
        try right.convolutionAlgorithm(
            inputShape: inputShape, weightsShape: weightsShape, window: window, groups: groups,
            pass: pass)
    }
}

extension ForwardingKernels {
    func gemm(
        alpha: Double, _ a: MatrixView, _ b: MatrixView, beta: Double, into c: inout Tensor,
        layout: MatrixLayout
    ) throws {
        try right.gemm(alpha: alpha, a, b, beta: beta, into: &c, layout: layout)
    }
    func convolution(
        _ x: Tensor, weights: Tensor, bias: Tensor?, window: Window, groups: Int
    ) throws -> Tensor {
        try right.convolution(x, weights: weights, bias: bias, window: window, groups: groups)
    }
    func convolutionInputGradient(
        _ outputGradient: Tensor, weights: Tensor, inputShape: [Int], window: Window, groups: Int
    ) throws -> Tensor {
        try right.convolutionInputGradient(
            outputGradient, weights: weights, inputShape: inputShape, window: window,
            groups: groups)
    }
    func convolutionWeightGradient(
        _ outputGradient: Tensor, input x: Tensor, window: Window, groups: Int
    ) throws -> Tensor {
        try right.convolutionWeightGradient(
            outputGradient, input: x, window: window, groups: groups)
    }
    func biasGradient(_ outputGradient: Tensor) throws -> Tensor {
        try right.biasGradient(outputGradient)
    }
    func im2col(_ x: Tensor, window: Window) throws -> Tensor {
        try right.im2col(x, window: window)
    }
    func col2im(_ columns: Tensor, inputShape: [Int], window: Window) throws -> Tensor {
        try right.col2im(columns, inputShape: inputShape, window: window)
    }
    func addBias(_ bias: Tensor, to x: inout Tensor) throws { try right.addBias(bias, to: &x) }
    func maxPooling(_ x: Tensor, window: Window) throws -> Tensor {
        try right.maxPooling(x, window: window)
    }
    func maxPoolingWithArgmax(_ x: Tensor, window: Window) throws -> MaxPoolingResult {
        try right.maxPoolingWithArgmax(x, window: window)
    }
    func maxPoolingGradient(
        _ outputGradient: Tensor, argmax: IndexTensor, inputShape: [Int]
    ) throws -> Tensor {
        try right.maxPoolingGradient(outputGradient, argmax: argmax, inputShape: inputShape)
    }
    func averagePooling(_ x: Tensor, window: Window, countIncludePad: Bool) throws -> Tensor {
        try right.averagePooling(x, window: window, countIncludePad: countIncludePad)
    }
    func averagePoolingGradient(
        _ outputGradient: Tensor, inputShape: [Int], window: Window, countIncludePad: Bool
    ) throws -> Tensor {
        try right.averagePoolingGradient(
            outputGradient, inputShape: inputShape, window: window,
            countIncludePad: countIncludePad)
    }
    func relu(_ x: Tensor) throws -> Tensor { try right.relu(x) }
    func reluGradient(_ outputGradient: Tensor, output: Tensor) throws -> Tensor {
        try right.reluGradient(outputGradient, output: output)
    }
    func sigmoid(_ x: Tensor) throws -> Tensor { try right.sigmoid(x) }
    func sigmoidGradient(_ outputGradient: Tensor, output: Tensor) throws -> Tensor {
        try right.sigmoidGradient(outputGradient, output: output)
    }
    func softmax(_ logits: Tensor) throws -> Tensor { try right.softmax(logits) }
    func softmaxCrossEntropy(_ logits: Tensor, labels: [Int]) throws -> SoftmaxCrossEntropy {
        try right.softmaxCrossEntropy(logits, labels: labels)
    }
    func softmaxCrossEntropy(_ logits: Tensor, targets: Tensor) throws -> SoftmaxCrossEntropy {
        try right.softmaxCrossEntropy(logits, targets: targets)
    }
    func sumOfSquares(_ x: Tensor) throws -> Double { try right.sumOfSquares(x) }
    func sgdUpdate(
        _ parameter: inout Tensor, gradient: Tensor, learningRate: Double,
        adjustment: GradientAdjustment
    ) throws {
        try right.sgdUpdate(
            &parameter, gradient: gradient, learningRate: learningRate, adjustment: adjustment)
    }
    func momentumUpdate(
        _ parameter: inout Tensor, velocity: inout Tensor, gradient: Tensor,
        settings: MomentumSettings, adjustment: GradientAdjustment
    ) throws {
        try right.momentumUpdate(
            &parameter, velocity: &velocity, gradient: gradient, settings: settings,
            adjustment: adjustment)
    }
    func squaresUpdate(
        _ parameter: inout Tensor, squares: inout Tensor, gradient: Tensor,
        settings: SquaresSettings, adjustment: GradientAdjustment
    ) throws {
        try right.squaresUpdate(
            &parameter, squares: &squares, gradient: gradient, settings: settings,
            adjustment: adjustment)
    }
    func adamUpdate(
        _ parameter: inout Tensor, firstMoment: inout Tensor, secondMoment: inout Tensor,
        gradient: Tensor, step: Int, settings: AdamSettings, adjustment: GradientAdjustment
    ) throws {
        try right.adamUpdate(
            &parameter, firstMoment: &firstMoment, secondMoment: &secondMoment, gradient: gradient,
            step: step, settings: settings, adjustment: adjustment)
    }
    func localResponseNormalization(
        _ x: Tensor, settings: LocalResponseSettings
    ) throws -> Tensor { try right.localResponseNormalization(x, settings: settings) }
    func localResponseNormalizationGradient(
        _ outputGradient: Tensor, input x: Tensor, settings: LocalResponseSettings
    ) throws -> Tensor {
        try right.localResponseNormalizationGradient(outputGradient, input: x, settings: settings)
    }
    func dropout(_ x: Tensor, mask: DropoutMask) throws -> Tensor {
        try right.dropout(x, mask: mask)
    }
    func batchStatistics(_ x: Tensor) throws -> BatchStatistics { try right.batchStatistics(x) }
    func batchNormalization(
        _ x: Tensor, statistics: BatchStatistics, gamma: Tensor, beta: Tensor, epsilon: Double
    ) throws -> Tensor {
        try right.batchNormalization(
            x, statistics: statistics, gamma: gamma, beta: beta, epsilon: epsilon)
    }
    func batchNormalizationGradient(
        _ outputGradient: Tensor, input x: Tensor, statistics: BatchStatistics, gamma: Tensor,
        epsilon: Double
    ) throws -> BatchNormalizationGradient {
        try right.batchNormalizationGradient(
            outputGradient, input: x, statistics: statistics, gamma: gamma, epsilon: epsilon)
    }
    func tanh(_ x: Tensor) throws -> Tensor { try right.tanh(x) }
    func tanhGradient(_ outputGradient: Tensor, output: Tensor) throws -> Tensor {
        try right.tanhGradient(outputGradient, output: output)
    }
    func leakyReLU(_ x: Tensor, negativeSlope: Double) throws -> Tensor {
        try right.leakyReLU(x, negativeSlope: negativeSlope)
    }
    func leakyReLUGradient(
        _ outputGradient: Tensor, input x: Tensor, negativeSlope: Double
    ) throws -> Tensor {
        try right.leakyReLUGradient(outputGradient, input: x, negativeSlope: negativeSlope)
    }
    func softmaxGradient(_ outputGradient: Tensor, output: Tensor) throws -> Tensor {
        try right.softmaxGradient(outputGradient, output: output)
    }
}
