// SPDX-License-Identifier: MIT
//
// A convolution, perhaps with what stands behind it: what lies between need not go to memory. The
// layer by itself and a plan's fused step are the same function.

/// A convolution with its filters, and what is done to its output at once.
struct ConvolutionOperation: Sendable {
    /// `[F, C/groups, KH, KW]`
    let weights: Tensor
    let descriptor: ConvolutionDescriptor
    /// What is done to the output; in training a bias, a max pooling, and an activation whose
    /// gradient takes the output.
    var epilogue: Epilogue

    /// The output in prediction.
    func predict(_ x: Tensor, on kernels: any Kernels) throws -> Tensor {
        try kernels.convolution(
            x, weights: weights, prepacked: nil, descriptor, epilogue: epilogue,
            wantsArgmax: false
        ).output
    }

    /// The same for kernels that are told of several at once.
    func stage(_ prepacked: PrepackedFilters) -> ConvolutionStage {
        ConvolutionStage(weights: weights, prepacked: prepacked, descriptor, epilogue: epilogue)
    }

    /// The output in training, and the way back.
    func forward(_ x: Tensor, on kernels: any Kernels) throws -> Forward {
        let (pooling, activation) = (epilogue.pooling, epilogue.activation)
        let (output, argmax) = try kernels.convolution(
            x, weights: weights, prepacked: nil, descriptor, epilogue: epilogue,
            wantsArgmax: pooling != nil)
        var maxima: PooledMaxima?
        if let pooling {
            guard let argmax else {
                throw TensorError(
                    operation: "convolution", argument: "argmax", value: "nil",
                    expected: "an index where wantsArgmax is true")
            }
            maxima = PooledMaxima(window: pooling, argmax: argmax)
        }
        return Forward(output) {
            [maxima, y = activation == nil ? nil : output] outputGradient, wanted in
            let gradient = try kernels.gradient(
                consume outputGradient, of: activation, output: y)
            return try gradients(gradient, input: x, maxima, wanted, on: kernels)
        }
    }

    /// The gradients from that of the sums, or of their maxima.
    private func gradients(
        _ gradient: Tensor, input x: Tensor, _ maxima: PooledMaxima?, _ wanted: WantedGradients,
        on kernels: any Kernels
    ) throws -> LayerGradients {
        // Only the gradient with respect to images needs that of all sums, not of the maxima alone.
        if let maxima, wanted.input {
            let sums = try kernels.spread(gradient, maxima, input: x, descriptor)
            return try gradients(sums, input: x, nil, wanted, on: kernels)
        }
        var gradients = LayerGradients(input: nil)
        if wanted.parameters {
            gradients.parameters = [
                try kernels.convolutionWeightGradient(
                    gradient, input: x, descriptor, maxima: maxima)
            ]
            // The maxima's gradients all went somewhere.
            if epilogue.bias != nil {
                gradients.parameters.append(try kernels.biasGradient(gradient))
            }
        }
        if wanted.input {
            gradients.inputs = [
                try kernels.convolutionInputGradient(
                    gradient, weights: weights, inputShape: x.shape, descriptor)
            ]
        }
        return gradients
    }
}
