// SPDX-License-Identifier: MIT
//
// The argument checks of convolutions, and of products with what comes behind them.

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
        try require(weights, holds: x.scalarType, operation: "affine", argument: "weights")
        try require(bias, holds: x.scalarType, operation: "affine", argument: "bias")
        _ = try Shape.elementCount([x.shape[0], n], operation: "affine", argument: "x")
        return (x.shape[0], n, k)
    }

    /// Sizes of a convolution of images with filters.
    package static func convolution(
        inputShape: [Int], weightsShape: [Int], _ descriptor: ConvolutionDescriptor,
        operation: String, inputArgument: String = "x"
    ) throws(TensorError) -> ConvolutionSizes {
        let sizes = try windowed(
            inputShape: inputShape, window: descriptor.window, operation: operation,
            argument: inputArgument)
        guard weightsShape.count == 4 else {
            throw TensorError(
                operation: operation, argument: "weights", value: "\(weightsShape)",
                expected: "[F, C/groups, KH, KW]")
        }
        let (filters, groups) = (weightsShape[0], descriptor.groups)
        try requireGroups(groups, sizes, filters: filters, operation: operation)
        let result = ConvolutionSizes(windowed: sizes, filters: filters, groups: groups)
        guard weightsShape == result.weightsShape else {
            throw TensorError(
                operation: operation, argument: "weights", value: "\(weightsShape)",
                expected: "\(result.weightsShape) for images \(inputShape) and this window")
        }
        _ = try Shape.elementCount(result.outputShape, operation: operation, argument: "window")
        return result
    }

    /// Where some channels of images lie.
    package static func channels(
        _ channels: Range<Int>, of x: Tensor
    ) throws(TensorError) -> StridedView {
        guard x.shape.count == 4 else {
            throw TensorError(
                operation: "convolution", argument: "x", value: "\(x.shape)",
                expected: "[N, C, H, W]")
        }
        guard !channels.isEmpty, channels.lowerBound >= 0, channels.upperBound <= x.shape[1] else {
            throw TensorError(
                operation: "convolution", argument: "channels", value: "\(channels)",
                expected: "a range within the \(x.shape[1]) that x has")
        }
        return try StridedView(shape: x.shape)
            .slice(axis: 1, from: channels.lowerBound, count: channels.count)
    }

    /// Where some channels of images lie that are to become others.
    ///
    /// - Parameter shape: that of what they become.
    package static func channels(
        from first: Int, of output: Tensor, hold shape: [Int], _ scalarType: ScalarType
    ) throws(TensorError) -> StridedView {
        let operation = "convolution"
        var alike = output.shape
        if alike.count == shape.count { alike[1] = shape[1] }
        guard alike == shape else {
            throw TensorError(
                operation: operation, argument: "output", value: "\(output.shape)",
                expected: "\(shape), except for the number of channels")
        }
        try require(output, holds: scalarType, operation: operation, argument: "output")
        guard first >= 0, first <= output.shape[1] - shape[1] else {
            throw TensorError(
                operation: operation, argument: "first", value: "\(first)",
                expected: "at least 0, with room for \(shape[1]) of \(output.shape[1]) channels "
                    + "from there")
        }
        return try StridedView(shape: output.shape).slice(axis: 1, from: first, count: shape[1])
    }

    /// Sizes of the gradient of a convolution with respect to its filters.
    package static func convolutionWeightGradient(
        _ outputGradient: Tensor, input x: Tensor, _ descriptor: ConvolutionDescriptor
    ) throws(TensorError) -> ConvolutionSizes {
        let result = try weightGradientSizes(outputGradient, input: x, descriptor)
        try require(
            outputGradient, hasShape: result.outputShape, operation: "convolutionWeightGradient",
            argument: "outputGradient")
        return result
    }

    /// Sizes of the gradient of a max-pooled convolution with respect to its filters.
    package static func pooledConvolutionWeightGradient(
        _ pooledGradient: Tensor, maxima: PooledMaxima, input x: Tensor,
        _ descriptor: ConvolutionDescriptor
    ) throws(TensorError) -> (convolution: ConvolutionSizes, pooling: WindowedSizes) {
        let operation = "convolutionWeightGradient"
        let convolution = try weightGradientSizes(pooledGradient, input: x, descriptor)
        let pooled = try maxPooling(
            inputShape: convolution.outputShape, window: maxima.window, operation: operation)
        try require(
            pooledGradient, hasShape: pooled.pooledShape, operation: operation,
            argument: "outputGradient")
        _ = try maxPoolingGradient(
            pooledGradient, argmax: maxima.argmax, inputShape: convolution.outputShape)
        return (convolution, pooled)
    }

    /// Sizes of a convolution of images whose number of filters follows from the gradient
    /// of the output.
    package static func weightGradientSizes(
        _ outputGradient: Tensor, input x: Tensor, _ descriptor: ConvolutionDescriptor
    ) throws(TensorError) -> ConvolutionSizes {
        let operation = "convolutionWeightGradient"
        let sizes = try windowed(
            inputShape: x.shape, window: descriptor.window, operation: operation)
        guard outputGradient.shape.count == 4 else {
            throw TensorError(
                operation: operation, argument: "outputGradient",
                value: "\(outputGradient.shape)", expected: "[N, F, OH, OW]")
        }
        let (filters, groups) = (outputGradient.shape[1], descriptor.groups)
        try requireGroups(groups, sizes, filters: filters, operation: operation)
        let result = ConvolutionSizes(windowed: sizes, filters: filters, groups: groups)
        _ = try Shape.elementCount(result.weightsShape, operation: operation, argument: "window")
        return result
    }

    private static func requireGroups(
        _ groups: Int, _ sizes: WindowedSizes, filters: Int, operation: String
    ) throws(TensorError) {
        guard groups >= 1, sizes.channels % groups == 0, filters % groups == 0 else {
            throw TensorError(
                operation: operation, argument: "groups", value: "\(groups)",
                expected: "a divisor of \(sizes.channels) channels and \(filters) filters")
        }
    }

    /// Fails unless an epilogue suits the convolution's output.
    package static func epilogue(
        _ epilogue: Epilogue, of sizes: ConvolutionSizes, scalarType: ScalarType
    ) throws(TensorError) {
        let operation = "convolution"
        func check(_ tensor: Tensor?, _ argument: String) throws(TensorError) {
            guard let tensor else { return }
            try require(
                tensor, hasShape: [sizes.filters], operation: operation, argument: argument)
            try require(tensor, holds: scalarType, operation: operation, argument: argument)
        }
        try check(epilogue.bias, "bias")
        if let normalization = epilogue.normalization {
            try check(normalization.statistics.mean, "mean")
            try check(normalization.statistics.variance, "variance")
            try check(normalization.gamma, "gamma")
            try check(normalization.beta, "beta")
            try checkEpsilon(normalization.epsilon, operation: operation)
        }
        if let addend = epilogue.addend {
            try require(
                addend, hasShape: sizes.outputShape, operation: operation, argument: "addend")
            try require(addend, holds: scalarType, operation: operation, argument: "addend")
        }
        if let activation = epilogue.activation {
            try self.activation(activation, operation: operation)
        }
    }

    /// Fails unless an addend is like the sums that it is added to.
    static func requireAddend(_ addend: Tensor, of sums: Tensor) throws(TensorError) {
        try require(addend, matches: sums, operation: "convolution", argument: "addend")
    }
}
