// SPDX-License-Identifier: MIT
//
// The part of `Kernels` that convolves: one operation for each direction. What networks do right
// behind a convolution is an epilogue of it, so that what lies between need not go to memory.

/// Convolution and its gradients; a part of ``Kernels``.
public protocol ConvolutionKernels: Sendable {
    /// Cross-correlation of images with filters, as every deep-learning library means by
    /// convolution, `Σ x[n,c,i·s+u·d−p,j·s+v·d−p] · weights[f,c,u,v]`, and its epilogue. The
    /// numbers are those of one operation after the other.
    ///
    /// - Parameters:
    ///   - x: images `[N, C, H, W]`.
    ///   - weights: filters `[F, C/groups, KH, KW]`, KH×KW being the window's size.
    ///   - prepacked: where what is made of the filters is kept for the next call, or nil.
    ///   - descriptor: the window and the groups.
    ///   - epilogue: what is done to the sums.
    ///   - wantsArgmax: whether the places of the maxima are asked for, where the epilogue pools.
    /// - Returns: `[N, F, OH, OW]`, and where the maxima were in the convolution's output.
    /// - Throws: ``TensorError`` when a shape does not suit the others or a window is larger than
    ///   its padded image.
    func convolution(
        _ x: Tensor, weights: Tensor, prepacked: PrepackedFilters?,
        _ descriptor: ConvolutionDescriptor, epilogue: Epilogue, wantsArgmax: Bool
    ) throws -> (output: Tensor, argmax: IndexTensor?)

    /// A convolution of some channels of a tensor, whose output becomes some channels of another:
    /// what else would be copied by a slice and by a concatenation. The numbers are those of the
    /// operation above.
    ///
    /// By default both are copied.
    ///
    /// - Parameters:
    ///   - x: images `[N, K, H, W]`.
    ///   - channels: which C channels of them are convolved.
    ///   - weights: filters `[F, C/groups, KH, KW]`.
    ///   - prepacked: where what is made of the filters is kept for the next call, or nil.
    ///   - descriptor: the window and the groups.
    ///   - epilogue: what is done to the sums, without a pooling's maxima being asked for.
    ///   - output: `[N, K, OH, OW]`, of which channels `first` to below `first + F` change.
    ///   - first: the first of these channels, from 0.
    /// - Throws: ``TensorError`` when a shape does not suit the others or a window is larger than
    ///   its padded image.
    func convolution(
        _ x: Tensor, channels: Range<Int>, weights: Tensor, prepacked: PrepackedFilters?,
        _ descriptor: ConvolutionDescriptor, epilogue: Epilogue, into output: inout Tensor,
        fromChannel first: Int
    ) throws

    /// A convolution, and one of its output, which nothing else reads. The numbers are those of one
    /// after the other, which is what is done by default.
    ///
    /// - Parameters:
    ///   - x: images `[N, C, H, W]`.
    ///   - first: the convolution of them.
    ///   - second: the convolution of what it gives.
    /// - Returns: `[N, F, OH, OW]` of the second.
    /// - Throws: ``TensorError`` when a shape does not suit the others or a window is larger than
    ///   its padded image.
    func convolution(
        _ x: Tensor, _ first: ConvolutionStage, then second: ConvolutionStage
    ) throws -> Tensor

    /// The gradient of a convolution with respect to its images.
    ///
    /// - Parameters:
    ///   - outputGradient: that of the sums, `[N, F, OH, OW]`.
    ///   - weights: `[F, C/groups, KH, KW]`.
    ///   - inputShape: the images' `[N, C, H, W]`.
    ///   - descriptor: the forward pass's.
    /// - Returns: `[N, C, H, W]`; pixels that no window covers are exactly 0.
    /// - Throws: ``TensorError`` when a shape is not that of the forward pass.
    func convolutionInputGradient(
        _ outputGradient: Tensor, weights: Tensor, inputShape: [Int],
        _ descriptor: ConvolutionDescriptor
    ) throws -> Tensor

    /// The gradient of a convolution with respect to its filters.
    ///
    /// - Parameters:
    ///   - outputGradient: that of the sums, `[N, F, OH, OW]`, or of what the maxima are of them.
    ///   - x: the images `[N, C, H, W]` of the forward pass.
    ///   - descriptor: the forward pass's.
    ///   - maxima: how the sums were pooled, where `outputGradient` is that of the maxima.
    /// - Returns: `[F, C/groups, KH, KW]`.
    /// - Throws: ``TensorError`` when a shape is not that of the forward pass.
    func convolutionWeightGradient(
        _ outputGradient: Tensor, input x: Tensor, _ descriptor: ConvolutionDescriptor,
        maxima: PooledMaxima?
    ) throws -> Tensor
}

/// One of several convolutions in a row: all that ``ConvolutionKernels`` is told of it.
public struct ConvolutionStage: Sendable {
    /// Filters `[F, C/groups, KH, KW]`.
    public var weights: Tensor
    /// Where what is made of the filters is kept for the next call, or nil.
    public var prepacked: PrepackedFilters?
    /// The window and the groups.
    public var descriptor: ConvolutionDescriptor
    /// What is done to the sums, without a pooling's maxima being asked for.
    public var epilogue: Epilogue

    /// Puts them together.
    public init(
        weights: Tensor, prepacked: PrepackedFilters? = nil, _ descriptor: ConvolutionDescriptor,
        epilogue: Epilogue = Epilogue()
    ) {
        (self.weights, self.prepacked) = (weights, prepacked)
        (self.descriptor, self.epilogue) = (descriptor, epilogue)
    }
}

extension ConvolutionKernels {
    /// A convolution that is a stage by itself.
    public func convolution(_ x: Tensor, _ stage: ConvolutionStage) throws -> Tensor {
        try convolution(
            x, weights: stage.weights, prepacked: stage.prepacked, stage.descriptor,
            epilogue: stage.epilogue, wantsArgmax: false
        ).output
    }

    /// One after the other.
    public func convolution(
        _ x: Tensor, _ first: ConvolutionStage, then second: ConvolutionStage
    ) throws -> Tensor {
        try convolution(convolution(x, first), second)
    }
}

/// What a convolution is, beside its filters.
public struct ConvolutionDescriptor: Sendable, Hashable {
    /// KH×KW taps, with its stride s, padding p and dilation d.
    public var window: Window
    /// How many blocks the channels and filters fall into; block g of the filters sees block g of
    /// the channels only.
    public var groups: Int

    /// A window, and groups.
    public init(_ window: Window, groups: Int = 1) {
        self.window = window
        self.groups = groups
    }
}

/// What is done to a convolution's sums before they are written, in the order of the properties.
public struct Epilogue: Sendable {
    /// `[F]`, added.
    public var bias: Tensor?
    /// A normalization of each filter's outputs by given statistics.
    public var normalization: ChannelNormalization?
    /// `[N, F, OH, OW]`, added.
    public var addend: Tensor?
    /// A max pooling.
    public var pooling: Window?
    /// A function of each number.
    public var activation: Activation?

    /// The given steps; none by default.
    public init(
        bias: Tensor? = nil, normalization: ChannelNormalization? = nil, addend: Tensor? = nil,
        pooling: Window? = nil, activation: Activation? = nil
    ) {
        self.bias = bias
        self.normalization = normalization
        self.addend = addend
        self.pooling = pooling
        self.activation = activation
    }
}

/// Batch normalization by given statistics: `(x − mean) / √(variance + epsilon) · gamma + beta`.
public struct ChannelNormalization: Sendable {
    /// The means and variances, each `[C]`.
    public var statistics: BatchStatistics
    /// `[C]`.
    public var gamma: Tensor
    /// `[C]`.
    public var beta: Tensor
    /// What keeps the divisor from 0.
    public var epsilon: Double

    /// Puts them together.
    public init(statistics: BatchStatistics, gamma: Tensor, beta: Tensor, epsilon: Double) {
        self.statistics = statistics
        self.gamma = gamma
        self.beta = beta
        self.epsilon = epsilon
    }
}

/// How a convolution's output was pooled.
public struct PooledMaxima: Sendable {
    /// The pooling's window.
    public var window: Window
    /// For each maximum the flat index in its plane, under its window.
    public var argmax: IndexTensor

    /// Puts the two together.
    public init(window: Window, argmax: IndexTensor) {
        self.window = window
        self.argmax = argmax
    }
}

extension Kernels {
    /// A convolution of a copy of some channels, whose output is copied to some channels of
    /// another tensor.
    public func convolution(
        _ x: Tensor, channels: Range<Int>, weights: Tensor, prepacked: PrepackedFilters?,
        _ descriptor: ConvolutionDescriptor, epilogue: Epilogue, into output: inout Tensor,
        fromChannel first: Int
    ) throws {
        try copyConvolution(
            x, channels: channels, weights: weights, prepacked: prepacked, descriptor,
            epilogue: epilogue, into: &output, fromChannel: first)
    }

    /// The same, whatever the kernels themselves do.
    package func copyConvolution(
        _ x: Tensor, channels: Range<Int>, weights: Tensor, prepacked: PrepackedFilters?,
        _ descriptor: ConvolutionDescriptor, epilogue: Epilogue, into output: inout Tensor,
        fromChannel first: Int
    ) throws {
        let part = try convolution(
            copied(x, as: KernelChecks.channels(channels, of: x)), weights: weights,
            prepacked: prepacked, descriptor, epilogue: epilogue, wantsArgmax: false
        ).output
        let target = try KernelChecks.channels(
            from: first, of: output, hold: part.shape, part.scalarType)
        try copy(part, from: StridedView(shape: part.shape), into: &output, at: target)
    }

    /// A convolution with, unless given, no bias and no groups.
    ///
    /// - Parameters:
    ///   - x: images `[N, C, H, W]`.
    ///   - weights: filters `[F, C/groups, KH, KW]`, KH×KW being the window's size.
    ///   - bias: `[F]`, or nil for none.
    ///   - window: KH×KW taps, with its stride, padding and dilation.
    ///   - groups: how many blocks the channels and filters fall into.
    /// - Returns: `[N, F, OH, OW]`.
    /// - Throws: ``TensorError`` when a shape does not suit the others or the window is larger
    ///   than the padded image.
    public func convolution(
        _ x: Tensor, weights: Tensor, bias: Tensor? = nil, window: Window, groups: Int = 1
    ) throws -> Tensor {
        try convolution(
            x, weights: weights, prepacked: nil, ConvolutionDescriptor(window, groups: groups),
            epilogue: Epilogue(bias: bias), wantsArgmax: false
        ).output
    }

    /// The gradient of a convolution with respect to its images.
    ///
    /// - Returns: `[N, C, H, W]`; pixels that no window covers are exactly 0.
    /// - Throws: ``TensorError`` when a shape is not that of the forward pass.
    public func convolutionInputGradient(
        _ outputGradient: Tensor, weights: Tensor, inputShape: [Int], window: Window, groups: Int
    ) throws -> Tensor {
        try convolutionInputGradient(
            outputGradient, weights: weights, inputShape: inputShape,
            ConvolutionDescriptor(window, groups: groups))
    }

    /// The gradient of a convolution with respect to its filters.
    ///
    /// - Returns: `[F, C/groups, KH, KW]`.
    /// - Throws: ``TensorError`` when a shape is not that of the forward pass.
    public func convolutionWeightGradient(
        _ outputGradient: Tensor, input x: Tensor, window: Window, groups: Int
    ) throws -> Tensor {
        try convolutionWeightGradient(
            outputGradient, input: x, ConvolutionDescriptor(window, groups: groups), maxima: nil)
    }

    /// What an epilogue does behind the bias, one operation after the other: for kernels that don't
    /// do all of it at once.
    package func finish(
        _ sums: Tensor, _ epilogue: Epilogue, wantsArgmax: Bool
    ) throws -> (output: Tensor, argmax: IndexTensor?) {
        var output = sums
        var argmax: IndexTensor?
        if let normalization = epilogue.normalization {
            output = try batchNormalization(
                output, statistics: normalization.statistics, gamma: normalization.gamma,
                beta: normalization.beta, epsilon: normalization.epsilon)
        }
        if let addend = epilogue.addend {
            try KernelChecks.requireAddend(addend, of: output)
            try output.add(addend)
        }
        if let pooling = epilogue.pooling {
            if wantsArgmax {
                let result = try maxPoolingWithArgmax(output, window: pooling)
                (output, argmax) = (result.output, result.argmax)
            } else {
                output = try maxPooling(output, window: pooling)
            }
        }
        if let activation = epilogue.activation {
            output = try self.activation(output, activation)
        }
        return (output, argmax)
    }

    /// The gradient of the pooled sums, spread to where the maxima came from; that the window made
    /// such maxima is the caller's care.
    package func spread(
        _ pooledGradient: Tensor, _ maxima: PooledMaxima, input x: Tensor,
        _ descriptor: ConvolutionDescriptor
    ) throws -> Tensor {
        let sizes = try KernelChecks.weightGradientSizes(pooledGradient, input: x, descriptor)
        return try maxPoolingGradient(
            pooledGradient, argmax: maxima.argmax, inputShape: sizes.outputShape)
    }
}
