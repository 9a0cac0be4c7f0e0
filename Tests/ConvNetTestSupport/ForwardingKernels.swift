// SPDX-License-Identifier: MIT
//
// Kernels that stand before others: what they do not do themselves, those do. Operations that are
// made of others, such as an affine layer, are left to be made of these.

package import ConvNetTensor

/// Kernels that leave to others what they do not do themselves.
package protocol ForwardingKernels: Kernels {
    associatedtype Right: Kernels
    /// The others.
    var right: Right { get }
    /// Is called for each operation that is forwarded, such as `addBias(_:to:)`; by default
    /// nothing comes of it.
    func willCall(_ requirement: String)
}

extension ForwardingKernels {
    package func willCall(_ requirement: String) {}

    package func gemm(
        alpha: Double, _ a: MatrixView, _ b: MatrixView, beta: Double, into c: inout Tensor,
        layout: MatrixLayout
    ) throws {
        willCall(#function)
        return try right.gemm(alpha: alpha, a, b, beta: beta, into: &c, layout: layout)
    }
    package func convolution(
        _ x: Tensor, weights: Tensor, prepacked: PrepackedFilters?,
        _ descriptor: ConvolutionDescriptor, epilogue: Epilogue, wantsArgmax: Bool
    ) throws -> (output: Tensor, argmax: IndexTensor?) {
        willCall(#function)
        return try right.convolution(
            x, weights: weights, prepacked: prepacked, descriptor, epilogue: epilogue,
            wantsArgmax: wantsArgmax)
    }
    package func convolutionInputGradient(
        _ outputGradient: Tensor, weights: Tensor, inputShape: [Int],
        _ descriptor: ConvolutionDescriptor
    ) throws -> Tensor {
        willCall(#function)
        return try right.convolutionInputGradient(
            outputGradient, weights: weights, inputShape: inputShape, descriptor)
    }
    package func convolutionWeightGradient(
        _ outputGradient: Tensor, input x: Tensor, _ descriptor: ConvolutionDescriptor,
        maxima: PooledMaxima?
    ) throws -> Tensor {
        willCall(#function)
        return try right.convolutionWeightGradient(
            outputGradient, input: x, descriptor, maxima: maxima)
    }
    package func biasGradient(_ outputGradient: Tensor) throws -> Tensor {
        willCall(#function)
        return try right.biasGradient(outputGradient)
    }
    package func im2col(_ x: Tensor, window: Window) throws -> Tensor {
        willCall(#function)
        return try right.im2col(x, window: window)
    }
    package func col2im(_ columns: Tensor, inputShape: [Int], window: Window) throws -> Tensor {
        willCall(#function)
        return try right.col2im(columns, inputShape: inputShape, window: window)
    }
    package func addBias(_ bias: Tensor, to x: inout Tensor) throws {
        willCall(#function)
        return try right.addBias(bias, to: &x)
    }
    package func maxPooling(_ x: Tensor, window: Window) throws -> Tensor {
        willCall(#function)
        return try right.maxPooling(x, window: window)
    }
    package func maxPoolingWithArgmax(_ x: Tensor, window: Window) throws -> MaxPoolingResult {
        willCall(#function)
        return try right.maxPoolingWithArgmax(x, window: window)
    }
    package func maxPoolingGradient(
        _ outputGradient: Tensor, argmax: IndexTensor, inputShape: [Int]
    ) throws -> Tensor {
        willCall(#function)
        return try right.maxPoolingGradient(outputGradient, argmax: argmax, inputShape: inputShape)
    }
    package func averagePooling(_ x: Tensor, window: Window, countIncludePad: Bool) throws -> Tensor
    {
        willCall(#function)
        return try right.averagePooling(x, window: window, countIncludePad: countIncludePad)
    }
    package func averagePoolingGradient(
        _ outputGradient: Tensor, inputShape: [Int], window: Window, countIncludePad: Bool
    ) throws -> Tensor {
        willCall(#function)
        return try right.averagePoolingGradient(
            outputGradient, inputShape: inputShape, window: window,
            countIncludePad: countIncludePad)
    }
    package func activation(_ x: Tensor, _ activation: Activation) throws -> Tensor {
        willCall(#function)
        return try right.activation(x, activation)
    }
    package func activationGradient(
        _ outputGradient: Tensor, from value: Tensor, _ activation: Activation
    ) throws -> Tensor {
        willCall(#function)
        return try right.activationGradient(outputGradient, from: value, activation)
    }
    package func softmax(_ x: Tensor, axis: Int) throws -> Tensor {
        willCall(#function)
        return try right.softmax(x, axis: axis)
    }
    package func softmaxCrossEntropy(_ logits: Tensor, labels: [Int]) throws -> LossAndGradient {
        willCall(#function)
        return try right.softmaxCrossEntropy(logits, labels: labels)
    }
    package func softmaxCrossEntropy(_ logits: Tensor, targets: Tensor) throws -> LossAndGradient {
        willCall(#function)
        return try right.softmaxCrossEntropy(logits, targets: targets)
    }
    package func sumOfSquares(_ x: Tensor) throws -> Double {
        willCall(#function)
        return try right.sumOfSquares(x)
    }
    package func sgdUpdate(
        _ parameter: inout Tensor, gradient: Tensor, learningRate: Double,
        adjustment: GradientAdjustment
    ) throws {
        willCall(#function)
        return try right.sgdUpdate(
            &parameter, gradient: gradient, learningRate: learningRate, adjustment: adjustment)
    }
    package func momentumUpdate(
        _ parameter: inout Tensor, velocity: inout Tensor, gradient: Tensor,
        settings: MomentumSettings, adjustment: GradientAdjustment
    ) throws {
        willCall(#function)
        return try right.momentumUpdate(
            &parameter, velocity: &velocity, gradient: gradient, settings: settings,
            adjustment: adjustment)
    }
    package func squaresUpdate(
        _ parameter: inout Tensor, squares: inout Tensor, gradient: Tensor,
        settings: SquaresSettings, adjustment: GradientAdjustment
    ) throws {
        willCall(#function)
        return try right.squaresUpdate(
            &parameter, squares: &squares, gradient: gradient, settings: settings,
            adjustment: adjustment)
    }
    package func adamUpdate(
        _ parameter: inout Tensor, firstMoment: inout Tensor, secondMoment: inout Tensor,
        gradient: Tensor, step: Int, settings: AdamSettings, adjustment: GradientAdjustment
    ) throws {
        willCall(#function)
        return try right.adamUpdate(
            &parameter, firstMoment: &firstMoment, secondMoment: &secondMoment, gradient: gradient,
            step: step, settings: settings, adjustment: adjustment)
    }
    package func localResponseNormalization(
        _ x: Tensor, settings: LocalResponseSettings
    ) throws -> Tensor {
        willCall(#function)
        return try right.localResponseNormalization(x, settings: settings)
    }
    package func localResponseNormalizationGradient(
        _ outputGradient: Tensor, input x: Tensor, settings: LocalResponseSettings
    ) throws -> Tensor {
        willCall(#function)
        return try right.localResponseNormalizationGradient(
            outputGradient, input: x, settings: settings)
    }
    package func dropout(_ x: Tensor, mask: DropoutMask) throws -> Tensor {
        willCall(#function)
        return try right.dropout(x, mask: mask)
    }
    package func batchStatistics(_ x: Tensor) throws -> BatchStatistics {
        willCall(#function)
        return try right.batchStatistics(x)
    }
    package func batchNormalization(
        _ x: Tensor, statistics: BatchStatistics, gamma: Tensor, beta: Tensor, epsilon: Double
    ) throws -> Tensor {
        willCall(#function)
        return try right.batchNormalization(
            x, statistics: statistics, gamma: gamma, beta: beta, epsilon: epsilon)
    }
    package func batchNormalizationGradient(
        _ outputGradient: Tensor, input x: Tensor, statistics: BatchStatistics, gamma: Tensor,
        epsilon: Double
    ) throws -> BatchNormalizationGradient {
        willCall(#function)
        return try right.batchNormalizationGradient(
            outputGradient, input: x, statistics: statistics, gamma: gamma, epsilon: epsilon)
    }
    package func copy(
        _ x: Tensor, from source: StridedView, into y: inout Tensor, at target: StridedView
    ) throws {
        willCall(#function)
        return try right.copy(x, from: source, into: &y, at: target)
    }
    package func resampled(
        _ x: Tensor, rows: ResamplingTaps, columns: ResamplingTaps
    ) throws -> Tensor {
        willCall(#function)
        return try right.resampled(x, rows: rows, columns: columns)
    }
    package func softmaxGradient(
        _ outputGradient: Tensor, output: Tensor, axis: Int
    ) throws -> Tensor {
        willCall(#function)
        return try right.softmaxGradient(outputGradient, output: output, axis: axis)
    }
    package func elementwise(
        _ operation: BinaryOperation, _ a: Tensor, _ b: Tensor
    ) throws -> Tensor {
        willCall(#function)
        return try right.elementwise(operation, a, b)
    }
    package func elementwiseGradient(
        _ outputGradient: Tensor, of operation: BinaryOperation, _ a: Tensor, _ b: Tensor,
        operand: BinaryOperation.Operand
    ) throws -> Tensor {
        willCall(#function)
        return try right.elementwiseGradient(outputGradient, of: operation, a, b, operand: operand)
    }
    package func reduced(
        _ x: Tensor, _ reduction: Reduction, axes: [Int], keepsAxes: Bool
    ) throws -> Tensor {
        willCall(#function)
        return try right.reduced(x, reduction, axes: axes, keepsAxes: keepsAxes)
    }
}
