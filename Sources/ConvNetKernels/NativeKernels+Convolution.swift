// SPDX-License-Identifier: MIT
//
// Convolution and its gradients. No column matrix exists at any time: patches are packed from the
// images a block at a time.

internal import CConvKernels
import ConvNetTensor

extension NativeKernels {
    /// Convolution of `[N, C, H, W]` with filters `[F, C/groups, KH, KW]`, on `float32`.
    ///
    /// Each output is a sum of K = C/groups·KH·KW products. At worst, to first order,
    /// `|error| ≤ (K + 2) · 2⁻²⁴ · (Σ|x·w| + |bias|)`. Rounding errors that are independent of one
    /// another and of mean 0 rarely add up (Higham and Mary, 2019): but with a probability of
    /// `2·exp(−λ²/2)`, `|error| ≤ λ · √(K + 2) · 2⁻²⁴ · (Σ|x·w| + |bias|)`.
    ///
    /// Where Winograd's algorithm is taken (see ``winograd``), the bounds are made of all numbers r
    /// that are rounded on the way: those of the tile's transformed pixels, of the transformed
    /// filters, of the sums of their products, and of the transform back. With h(r) half a unit in
    /// the last place of r, at worst `|error| ≤ Σ|∂y/∂r|·h(r)`, and but with a probability of
    /// `2·exp(−λ²/2)`, `|error| ≤ λ · √Σ(∂y/∂r · h(r))²`. With λ = 5 the largest error of a hundred
    /// to some thousand outputs, drawn or made to be hard on rounding, was 0.25 to 1 of that bound.
    ///
    /// The epilogue is done to a block of outputs while it is in the cache: the same bits as one
    /// operation after the other, and the convolution's error. A max pooling goes along, some rows
    /// at a time, where the convolution is direct.
    ///
    /// - Returns: `[N, F, OH, OW]`, and where the maxima were.
    /// - Throws: ``TensorError`` when shapes, groups or the window disagree, or a tensor is not of
    ///   `float32`.
    public func convolution(
        _ x: Tensor, weights: Tensor, prepacked: PrepackedFilters?,
        _ descriptor: ConvolutionDescriptor, epilogue: Epilogue, wantsArgmax: Bool
    ) throws -> (output: Tensor, argmax: IndexTensor?) {
        let operation = "convolution"
        let execution = try execution
        let sizes = try KernelChecks.convolution(
            inputShape: x.shape, weightsShape: weights.shape, descriptor, operation: operation)
        try Self.requireFloat32(("x", x), ("weights", weights), operation: operation)
        try KernelChecks.epilogue(epilogue, of: sizes, scalarType: .float32)
        var plan = convk_conv2d_plan(sizes, CONVK_FORWARD, execution)
        let filters = prepacked?.filters(of: weights, for: &plan)
        guard let pooling = epilogue.pooling else {
            let output = try convolution(x, weights, filters, sizes, epilogue, &plan)
            return (output, nil)
        }
        let isPlain = epilogue.normalization == nil && epilogue.addend == nil
        guard isPlain, convk_conv2d_pool_max_pays(&plan) else {
            let bias = Epilogue(bias: epilogue.bias)
            return try finish(
                convolution(x, weights, filters, sizes, bias, &plan), epilogue,
                wantsArgmax: wantsArgmax)
        }
        return try pooledConvolution(
            x, weights, filters, sizes, epilogue, pooling, &plan, wantsArgmax: wantsArgmax)
    }

    /// A convolution that reads channels where they lie among others, and whose output is written
    /// where it is to lie among others; with a pooling or an addend both are copied. The same bits
    /// as `convolution(_:weights:prepacked:_:epilogue:wantsArgmax:)`.
    ///
    /// - Throws: ``TensorError`` when shapes, groups or the window disagree, or a tensor is not of
    ///   `float32`.
    public func convolution(
        _ x: Tensor, channels: Range<Int>, weights: Tensor, prepacked: PrepackedFilters?,
        _ descriptor: ConvolutionDescriptor, epilogue: Epilogue, into output: inout Tensor,
        fromChannel first: Int
    ) throws {
        let operation = "convolution"
        let execution = try execution
        let source = try KernelChecks.channels(channels, of: x)
        let sizes = try KernelChecks.convolution(
            inputShape: source.shape, weightsShape: weights.shape, descriptor, operation: operation)
        try Self.requireFloat32(("x", x), ("weights", weights), operation: operation)
        try KernelChecks.epilogue(epilogue, of: sizes, scalarType: .float32)
        guard epilogue.pooling == nil, epilogue.addend == nil else {
            return try copyConvolution(
                x, channels: channels, weights: weights, prepacked: prepacked, descriptor,
                epilogue: epilogue, into: &output, fromChannel: first)
        }
        let target = try KernelChecks.channels(
            from: first, of: output, hold: sizes.outputShape, .float32)
        var plan = convk_conv2d_plan(
            sizes, CONVK_FORWARD, execution, inputStride: source.strides[0],
            outputStride: target.strides[0])
        let filters = prepacked?.filters(of: weights, for: &plan)
        try Self.withWorkspace(floats: plan.workspace_floats, operation: operation) { workspace in
            try Self.withEpilogue(epilogue) { epilogue in
                try output.withMutablePointer(operation: operation) { y in
                    x.withPointer { x in
                        weights.withPointer { weights in
                            filters.withPointer { filters in
                                convk_conv2d_forward(
                                    y + target.offset, x + source.offset, weights, filters,
                                    epilogue, &plan, workspace)
                            }
                        }
                    }
                }
            }
        }
    }

    /// A convolution and all of its epilogue but a pooling.
    private func convolution(
        _ x: Tensor, _ weights: Tensor, _ filters: Tensor?, _ sizes: ConvolutionSizes,
        _ epilogue: Epilogue, _ plan: inout convk_conv2d_plan
    ) throws -> Tensor {
        let operation = "convolution"
        return try Self.withWorkspace(floats: plan.workspace_floats, operation: operation) {
            workspace in
            try Self.withEpilogue(epilogue) { epilogue in
                try Self.makeTensor(sizes.outputShape, operation: operation, from: x, weights) {
                    y, x, weights in
                    filters.withPointer { filters in
                        convk_conv2d_forward(y, x, weights, filters, epilogue, &plan, workspace)
                    }
                }
            }
        }
    }

    /// A convolution, the max pooling of its output and an activation of that: some rows at a time,
    /// which never leave the cache.
    private func pooledConvolution(
        _ x: Tensor, _ weights: Tensor, _ filters: Tensor?, _ sizes: ConvolutionSizes,
        _ epilogue: Epilogue, _ pooling: Window, _ plan: inout convk_conv2d_plan, wantsArgmax: Bool
    ) throws -> (output: Tensor, argmax: IndexTensor?) {
        let operation = "convolution"
        let pooled = try KernelChecks.maxPooling(
            inputShape: sizes.outputShape, window: pooling, operation: "maxPooling")
        var pool = convk_window(pooled)
        var argmax =
            wantsArgmax
            ? try IndexTensor(uninitialized: pooled.pooledShape, operation: "maxPooling") : nil
        let floats = convk_conv2d_pool_max_workspace(&plan, &pool)
        let output = try Self.withWorkspace(floats: floats, operation: operation) { workspace in
            try Self.withEpilogue(epilogue) { epilogue in
                try Self.makeTensor(pooled.pooledShape, operation: operation, from: x, weights) {
                    y, x, weights in
                    filters.withPointer { filters in
                        argmax.withMutableIndices { argmax in
                            convk_conv2d_pool_max(
                                y, argmax, x, weights, filters, epilogue.pointee.bias,
                                epilogue.pointee.activation, &plan, &pool, workspace)
                        }
                    }
                }
            }
        }
        return (output, argmax)
    }

    /// The gradient of a convolution with respect to its images, on `float32`.
    ///
    /// Each number is a sum of at most K = F/groups·KH·KW products:
    /// `|error| ≤ (K + 2) · 2⁻²⁴ · Σ|dy·w|`, to first order. The bound by probability, and those of
    /// Winograd's algorithm, are those of a convolution: this is one, of the gradient with flipped
    /// filters.
    ///
    /// - Returns: `[N, C, H, W]`; pixels that no window covers are exactly 0.
    /// - Throws: ``TensorError`` when shapes, groups or the window disagree, or a tensor is not of
    ///   `float32`.
    public func convolutionInputGradient(
        _ outputGradient: Tensor, weights: Tensor, inputShape: [Int],
        _ descriptor: ConvolutionDescriptor
    ) throws -> Tensor {
        let operation = "convolutionInputGradient"
        let execution = try execution
        let sizes = try KernelChecks.convolution(
            inputShape: inputShape, weightsShape: weights.shape, descriptor, operation: operation,
            inputArgument: "inputShape")
        try KernelChecks.require(
            outputGradient, hasShape: sizes.outputShape, operation: operation,
            argument: "outputGradient")
        try Self.requireFloat32(
            ("outputGradient", outputGradient), ("weights", weights), operation: operation)
        var plan = convk_conv2d_plan(sizes, CONVK_BACKWARD_DATA, execution)
        return try Self.withWorkspace(floats: plan.workspace_floats, operation: operation) {
            workspace in
            try Self.makeTensor(
                inputShape, operation: operation, from: outputGradient, weights
            ) { dx, dy, weights in
                convk_conv2d_backward_data(dx, dy, weights, &plan, workspace)
            }
        }
    }

    /// The gradient of a convolution with respect to its filters, on `float32`.
    ///
    /// Each number is a sum of K = N·OH·OW products: `|error| ≤ (K + 2) · 2⁻²⁴ · Σ|dy·x|`, to first
    /// order. The bound by probability, and those of Winograd's algorithm, are made as the
    /// convolution's are: here the sums at each point run over the tiles of all images, and the
    /// taps are what is transformed back.
    ///
    /// For filters 3, 5, 7 or 11 wide of a max-pooled convolution, the gradient of the
    /// convolution's output is made in the cache: the same bits as `maxPoolingGradient` and this
    /// operation in turn.
    ///
    /// - Returns: `[F, C/groups, KH, KW]`.
    /// - Throws: ``TensorError`` when shapes, groups or windows disagree, an index lies outside its
    ///   plane, or a tensor is not of `float32`.
    public func convolutionWeightGradient(
        _ outputGradient: Tensor, input x: Tensor, _ descriptor: ConvolutionDescriptor,
        maxima: PooledMaxima?
    ) throws -> Tensor {
        if let maxima { return try weightGradient(outputGradient, x, descriptor, maxima) }
        let operation = "convolutionWeightGradient"
        let execution = try execution
        let sizes = try KernelChecks.convolutionWeightGradient(
            outputGradient, input: x, descriptor)
        try Self.requireFloat32(
            ("outputGradient", outputGradient), ("x", x), operation: operation)
        var plan = convk_conv2d_plan(sizes, CONVK_BACKWARD_WEIGHTS, execution)
        let floats = plan.workspace_floats
        // The kernel counts places in a thread's part of an image in 32 bits.
        guard floats <= Int(Int32.max) else {
            let size = descriptor.window.size
            throw TensorError(
                operation: operation, argument: "window",
                value: "\(size.height)×\(size.width) on \(x.shape)",
                expected: "a band of the image under 2³¹ numbers")
        }
        return try Self.withWorkspace(floats: floats, operation: operation) { workspace in
            try Self.makeTensor(
                sizes.weightsShape, operation: operation, from: outputGradient, x
            ) { dw, dy, x in
                convk_conv2d_backward_weights(dw, dy, x, &plan, workspace)
            }
        }
    }

    private func weightGradient(
        _ pooledGradient: Tensor, _ x: Tensor, _ descriptor: ConvolutionDescriptor,
        _ maxima: PooledMaxima
    ) throws -> Tensor {
        let operation = "convolutionWeightGradient"
        let execution = try execution
        let sizes = try KernelChecks.pooledConvolutionWeightGradient(
            pooledGradient, maxima: maxima, input: x, descriptor)
        try Self.requireFloat32(
            ("outputGradient", pooledGradient), ("x", x), operation: operation)
        var plan = convk_conv2d_plan(sizes.convolution, CONVK_BACKWARD_WEIGHTS, execution)
        var pool = convk_window(sizes.pooling)
        guard convk_conv2d_pool_max_backward_weights_pays(&plan) else {
            let outputGradient = try spread(pooledGradient, maxima, input: x, descriptor)
            return try convolutionWeightGradient(
                outputGradient, input: x, descriptor, maxima: nil)
        }
        return try Self.withWorkspace(floats: plan.workspace_floats, operation: operation) {
            workspace in
            try Self.makeTensor(
                sizes.convolution.weightsShape, operation: operation, from: pooledGradient, x
            ) { dw, dy, x in
                maxima.argmax.withUnsafeIndices {
                    convk_conv2d_pool_max_backward_weights(
                        dw, dy, $0.baseAddress, x, &plan, &pool, workspace)
                }
            }
        }
    }
}
