// SPDX-License-Identifier: MIT
//
// A convolution, perhaps with what stands behind it: what lies between need not go to memory. The layer
// by itself and a plan's fused step are the same function.

/// A convolution with its filters, and what is done to its output at once.
struct ConvolutionOperation: Sendable {
    /// `[F, C/groups, KH, KW]`
    let weights: Tensor
    /// `[F]`
    let bias: Tensor?
    let descriptor: ConvolutionDescriptor
    /// In prediction, a normalization of the output.
    var normalization: ChannelNormalization?
    /// A max pooling of the output.
    var pooling: Window?
    /// An activation of what comes out of the others; in training one whose gradient takes the output.
    var activation: Activation?

    /// The output in prediction.
    ///
    /// - Parameters:
    ///   - addend: what is added to the normalized output.
    ///   - prepacked: where kernels keep what they make of the filters for the next call.
    func predict(
        _ x: Tensor, addend: Tensor? = nil, prepacked: PrepackedFilters? = nil,
        on kernels: any Kernels
    ) throws -> Tensor {
        let epilogue = Epilogue(
            bias: bias, normalization: normalization, addend: addend, pooling: pooling,
            activation: activation)
        return try kernels.convolution(
            x, weights: weights, prepacked: prepacked, descriptor, epilogue: epilogue,
            wantsArgmax: false
        ).output
    }

    /// The output in prediction, as some channels of a larger tensor.
    ///
    /// - Parameter begun: the tensor, which is taken; nil where nothing of it is written yet.
    func predict(
        _ x: Tensor, into begun: inout Tensor?, _ destination: Plan.Destination,
        prepacked: PrepackedFilters?, on kernels: any Kernels
    ) throws -> Tensor {
        var shape = try KernelChecks.convolution(
            inputShape: x.shape, weightsShape: weights.shape, descriptor, operation: "convolution"
        ).outputShape
        shape[1] = destination.total
        // Taken out: a tensor that is held twice would be copied.
        var output =
            try begun.take()
            ?? Tensor(uninitialized: shape, scalarType: x.scalarType, operation: "Concatenation")
        try kernels.convolution(
            x, weights: weights, prepacked: prepacked, descriptor,
            epilogue: Epilogue(
                bias: bias, normalization: normalization, activation: activation),
            into: &output, fromChannel: destination.channels.lowerBound)
        return output
    }

    /// The output in training, and the way back.
    func forward(_ x: Tensor, on kernels: any Kernels) throws -> Forward {
        let epilogue = Epilogue(bias: bias, pooling: pooling, activation: activation)
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
            let gradient = try kernels.gradient(outputGradient, of: activation, output: y)
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
            if bias != nil { gradients.parameters.append(try kernels.biasGradient(gradient)) }
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
