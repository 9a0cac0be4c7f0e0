// SPDX-License-Identifier: MIT
//
// The native kernels, wrong in one layer.

import ConvNet
import ConvNetTestSupport

@testable import Benchmarks

extension ForwardingKernels where Right: ChoosingKernels {
    func convolutionAlgorithm(
        inputShape: [Int], weightsShape: [Int], window: Window, groups: Int, pass: ConvolutionPass
    ) throws(TensorError) -> ConvolutionAlgorithm {
        try right.convolutionAlgorithm(
            inputShape: inputShape, weightsShape: weightsShape, window: window, groups: groups,
            pass: pass)
    }
}

struct PlantedKernels: ForwardingKernels, ChoosingKernels {
    let name = "planted"
    let right: NativeKernels
    let fault: PlantedFault?

    private func forward(_ weights: Tensor) throws -> Tensor {
        try fault?.spoilt(weights, scaled: .weight, exchanged: .tap) ?? weights
    }

    private func backward(_ weights: Tensor) throws -> Tensor {
        try fault?.spoilt(weights, scaled: .weightBackward, exchanged: .tapBackward) ?? weights
    }

    private func gradient(_ gradient: Tensor) throws -> Tensor {
        // There is no second kind.
        try fault?.spoilt(gradient, scaled: .gradient, exchanged: .gradient) ?? gradient
    }

    private func isWithoutBias(_ weights: Tensor) -> Bool {
        fault?.kind == .bias && fault?.weightsShape == weights.shape
    }

    func affine(_ x: Tensor, weights: Tensor, bias: Tensor, rectified: Bool) throws -> Tensor {
        try right.affine(
            x, weights: forward(weights),
            bias: isWithoutBias(weights) ? Tensor(zeros: bias.shape) : bias, rectified: rectified)
    }
    func convolution(
        _ x: Tensor, weights: Tensor, prepacked: PrepackedFilters?,
        _ descriptor: ConvolutionDescriptor, epilogue: Epilogue, wantsArgmax: Bool
    ) throws -> (output: Tensor, argmax: IndexTensor?) {
        var epilogue = epilogue
        if isWithoutBias(weights) { epilogue.bias = nil }
        return try right.convolution(
            x, weights: forward(weights), prepacked: prepacked, descriptor, epilogue: epilogue,
            wantsArgmax: wantsArgmax)
    }
    func gemm(
        alpha: Double, _ a: MatrixView, _ b: MatrixView, beta: Double, into c: inout Tensor,
        layout: MatrixLayout
    ) throws {
        // An affine layer's input gradient is a product with its weights, transposed.
        var b = b
        if b.isTransposed {
            b = try MatrixView(backward(b.tensor), layout: b.layout).transposed
        }
        try right.gemm(alpha: alpha, a, b, beta: beta, into: &c, layout: layout)
        c = try gradient(c)
    }
    func convolutionInputGradient(
        _ outputGradient: Tensor, weights: Tensor, inputShape: [Int],
        _ descriptor: ConvolutionDescriptor
    ) throws -> Tensor {
        try right.convolutionInputGradient(
            outputGradient, weights: backward(weights), inputShape: inputShape, descriptor)
    }
    func convolutionWeightGradient(
        _ outputGradient: Tensor, input x: Tensor, _ descriptor: ConvolutionDescriptor,
        maxima: PooledMaxima?
    ) throws -> Tensor {
        try gradient(
            right.convolutionWeightGradient(
                outputGradient, input: x, descriptor, maxima: maxima))
    }
    func biasGradient(_ outputGradient: Tensor) throws -> Tensor {
        let result = try right.biasGradient(outputGradient)
        guard let fault, fault.kind == .biasGradient,
            result.count
                == (fault.weightsShape.count == 4 ? fault.weightsShape[0] : fault.weightsShape[1])
        else { return result }
        return try Tensor(zeros: result.shape)
    }
}
