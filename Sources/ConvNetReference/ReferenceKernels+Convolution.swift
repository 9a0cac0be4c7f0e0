// SPDX-License-Identifier: MIT
//
// Convolution and its gradients. All three visit the same products x · w · y: the forward pass sums
// them into y, the gradients into x and into w.

import ConvNetTensor

extension ReferenceKernels {
    /// Convolution of images `[N, C, H, W]` with filters `[F, C/groups, KH, KW]`, and then each
    /// step of the epilogue.
    ///
    /// - Returns: `[N, F, OH, OW]`, and where the maxima were.
    /// - Throws: ``TensorError`` when shapes, groups, number types or the window disagree.
    public func convolution(
        _ x: Tensor, weights: Tensor, prepacked: PrepackedFilters?,
        _ descriptor: ConvolutionDescriptor, epilogue: Epilogue, wantsArgmax: Bool
    ) throws -> (output: Tensor, argmax: IndexTensor?) {
        let sizes = try KernelChecks.convolution(
            inputShape: x.shape, weightsShape: weights.shape, descriptor, operation: "convolution")
        try Self.requireSameType(x, ("weights", weights), operation: "convolution")
        try KernelChecks.epilogue(epilogue, of: sizes, scalarType: x.scalarType)
        return try finish(
            sums(x, weights, bias: epilogue.bias, sizes), epilogue, wantsArgmax: wantsArgmax)
    }

    private func sums(
        _ x: Tensor, _ weights: Tensor, bias: Tensor?, _ sizes: ConvolutionSizes
    ) throws -> Tensor {
        try Tensor(sizes.outputShape, like: x, operation: "convolution") { y in
            if let bias = bias?.doubles {
                for place in y.indices {
                    y[place] = bias[place / sizes.windowed.places % sizes.filters]
                }
            }
            x.doubles.withUnsafeBufferPointer { x in
                weights.doubles.withUnsafeBufferPointer { weights in
                    Self.forEachRowOfProducts(of: sizes) { row in
                        let weight = weights[row.weight]
                        for j in row.columns {
                            y[row.output + j] += x[row.input + j * row.inputStep] * weight
                        }
                    }
                }
            }
        }
    }

    /// The gradient of a convolution with respect to its images.
    ///
    /// - Returns: `[N, C, H, W]`.
    /// - Throws: ``TensorError`` when shapes, groups, number types or the window disagree.
    public func convolutionInputGradient(
        _ outputGradient: Tensor, weights: Tensor, inputShape: [Int],
        _ descriptor: ConvolutionDescriptor
    ) throws -> Tensor {
        let operation = "convolutionInputGradient"
        let sizes = try KernelChecks.convolution(
            inputShape: inputShape, weightsShape: weights.shape, descriptor, operation: operation,
            inputArgument: "inputShape")
        try KernelChecks.require(
            outputGradient, hasShape: sizes.outputShape, operation: operation,
            argument: "outputGradient")
        try Self.requireSameType(outputGradient, ("weights", weights), operation: operation)
        return try Tensor(inputShape, like: outputGradient, operation: operation) { dx in
            outputGradient.doubles.withUnsafeBufferPointer { dy in
                weights.doubles.withUnsafeBufferPointer { weights in
                    Self.forEachRowOfProducts(of: sizes) { row in
                        let weight = weights[row.weight]
                        for j in row.columns {
                            dx[row.input + j * row.inputStep] += dy[row.output + j] * weight
                        }
                    }
                }
            }
        }
    }

    /// The gradient of a convolution with respect to its filters.
    ///
    /// - Returns: `[F, C/groups, KH, KW]`.
    /// - Throws: ``TensorError`` when shapes, groups, number types or the window disagree.
    public func convolutionWeightGradient(
        _ outputGradient: Tensor, input x: Tensor, _ descriptor: ConvolutionDescriptor,
        maxima: PooledMaxima?
    ) throws -> Tensor {
        let operation = "convolutionWeightGradient"
        if let maxima {
            _ = try KernelChecks.pooledConvolutionWeightGradient(
                outputGradient, maxima: maxima, input: x, descriptor)
            return try convolutionWeightGradient(
                spread(outputGradient, maxima, input: x, descriptor), input: x, descriptor,
                maxima: nil)
        }
        let sizes = try KernelChecks.convolutionWeightGradient(
            outputGradient, input: x, descriptor)
        try Self.requireSameType(outputGradient, ("x", x), operation: operation)
        return try Tensor(sizes.weightsShape, like: outputGradient, operation: operation) { dw in
            outputGradient.doubles.withUnsafeBufferPointer { dy in
                x.doubles.withUnsafeBufferPointer { x in
                    Self.forEachRowOfProducts(of: sizes) { row in
                        var sum = 0.0
                        for j in row.columns {
                            sum += dy[row.output + j] * x[row.input + j * row.inputStep]
                        }
                        dw[row.weight] += sum
                    }
                }
            }
        }
    }

    /// The products of one weight with one row of an image: output column j goes with the number
    /// `input + j · inputStep` of the images and the number `output + j` of the outputs.
    private struct RowOfProducts {
        let weight: Int
        let input: Int
        let inputStep: Int
        let output: Int
        /// The output columns whose tap lies inside the image.
        let columns: Range<Int>
    }

    /// Goes through all products of a convolution: over samples, groups, filters, output rows,
    /// channels and taps.
    @inline(__always)
    private static func forEachRowOfProducts(
        of sizes: ConvolutionSizes, _ body: (RowOfProducts) -> Void
    ) {
        let windowed = sizes.windowed
        let (kernelHeight, kernelWidth) = (windowed.window.size.height, windowed.window.size.width)
        let groupChannels = windowed.channels / sizes.groups
        let groupFilters = sizes.filters / sizes.groups
        for n in 0..<windowed.samples {
            for f in 0..<sizes.filters {
                for i in 0..<windowed.outputHeight {
                    let output =
                        ((n * sizes.filters + f) * windowed.outputHeight + i)
                        * windowed.outputWidth
                    for c in 0..<groupChannels {
                        let channel = f / groupFilters * groupChannels + c
                        let plane = (n * windowed.channels + channel) * windowed.pixels
                        for u in 0..<kernelHeight {
                            let row = windowed.row(i, tap: u)
                            guard row >= 0, row < windowed.height else { continue }
                            for v in 0..<kernelWidth {
                                body(
                                    RowOfProducts(
                                        weight: ((f * groupChannels + c) * kernelHeight + u)
                                            * kernelWidth + v,
                                        input: plane + row * windowed.width
                                            + windowed.column(0, tap: v),
                                        inputStep: windowed.window.stride.width, output: output,
                                        columns: windowed.columnsInside(tap: v)))
                            }
                        }
                    }
                }
            }
        }
    }
}

extension WindowedSizes {
    /// The output columns whose tap v lies inside the image.
    fileprivate func columnsInside(tap v: Int) -> Range<Int> {
        let stride = window.stride.width
        let first = column(0, tap: v)
        let begin = first >= 0 ? 0 : (-first + stride - 1) / stride
        let end = first >= width ? 0 : (width - 1 - first) / stride + 1
        let clamped = min(begin, outputWidth)
        return clamped..<max(min(end, outputWidth), clamped)
    }
}
