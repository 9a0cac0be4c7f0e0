// SPDX-License-Identifier: MIT
//
// The argument checks of `FusedKernels`.

extension KernelChecks {
    /// Sizes of an affine layer's product.
    @discardableResult
    package static func affine(
        _ x: Tensor, weights: Tensor, bias: Tensor
    ) throws(TensorError) -> (m: Int, n: Int, k: Int) {
        guard weights.shape.count == 2 else {
            throw TensorError(
                operation: "affine", argument: "weights", value: "\(weights.shape)",
                expected: "[in, out]")
        }
        let (k, n) = (weights.shape[0], weights.shape[1])
        guard x.shape.count == 2, x.shape[1] == k else {
            throw TensorError(
                operation: "affine", argument: "x", value: "\(x.shape)", expected: "[N, \(k)]")
        }
        try require(bias, hasShape: [n], operation: "affine", argument: "bias")
        for (argument, tensor) in [("weights", weights), ("bias", bias)] {
            try require(tensor, holds: x.scalarType, operation: "affine", argument: argument)
        }
        _ = try Shape.elementCount([x.shape[0], n], operation: "affine", argument: "x")
        return (x.shape[0], n, k)
    }

    /// Sizes of the gradient of a max-pooled convolution with respect to its filters.
    package static func convolutionMaxPoolingWeightGradient(
        _ pooledGradient: Tensor, argmax: IndexTensor, input x: Tensor, window: Window,
        groups: Int, pooling: Window
    ) throws(TensorError) -> (convolution: ConvolutionSizes, pooling: WindowedSizes) {
        let operation = "convolutionMaxPoolingWeightGradient"
        let windowed = try windowed(inputShape: x.shape, window: window, operation: operation)
        guard pooledGradient.shape.count == 4 else {
            throw TensorError(
                operation: operation, argument: "pooledGradient",
                value: "\(pooledGradient.shape)", expected: "[N, F, OH, OW]")
        }
        let filters = pooledGradient.shape[1]
        guard groups >= 1, windowed.channels % groups == 0, filters % groups == 0 else {
            throw TensorError(
                operation: operation, argument: "groups", value: "\(groups)",
                expected: "a divisor of \(windowed.channels) channels and \(filters) filters")
        }
        let convolution = ConvolutionSizes(windowed: windowed, filters: filters, groups: groups)
        _ = try Shape.elementCount(
            convolution.weightsShape, operation: operation, argument: "window")
        let pooled = try maxPooling(
            inputShape: convolution.outputShape, window: pooling, operation: operation)
        try require(
            pooledGradient, hasShape: pooled.pooledShape, operation: operation,
            argument: "pooledGradient")
        _ = try maxPoolingGradient(
            pooledGradient, argmax: argmax, inputShape: convolution.outputShape)
        return (convolution, pooled)
    }
}
