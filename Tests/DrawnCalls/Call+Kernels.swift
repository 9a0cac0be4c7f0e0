// SPDX-License-Identifier: MIT
//
// The kernels that networks compute most of their time: products, patches, convolution, pooling.

import ConvNet

extension Call {
    static let products = [
        Call("gemm(_:_:)") { draw in
            let (m, n, k) = (draw.small(), draw.small(), draw.small())
            var a = try MatrixView(draw.tensor([m, k]))
            var b = try MatrixView(draw.tensor([k, n]))
            if draw.once(in: 8) { a = a.transposed }
            if draw.once(in: 8) { b = b.transposed }
            _ = try draw.kernels().gemm(a, b)
        },
        Call("gemm(alpha:_:_:beta:into:layout:)") { draw in
            let (m, n, k) = (draw.small(), draw.small(), draw.small())
            var c = try draw.tensor([m, n + 3])
            let layout = try MatrixLayout(
                rows: draw.size(m), columns: draw.size(n), leadingDimension: draw.size(n + 3),
                offset: draw.size(draw.below(4)))
            try draw.kernels().gemm(
                alpha: draw.real(1), MatrixView(draw.tensor([k, m])).transposed,
                MatrixView(draw.tensor([k, n])), beta: draw.real(0), into: &c, layout: layout)
        },
        Call("affine") { draw in
            let (n, k, m) = (draw.small(), draw.small(), draw.small())
            _ = try draw.kernels().affine(
                draw.tensor([n, k]), weights: draw.tensor([k, m]), bias: draw.tensor([m]),
                rectified: draw.flag())
        },
        Call("im2col") { draw in
            _ = try draw.kernels().im2col(draw.tensor(draw.shape(4)), window: draw.window())
        },
        Call("col2im") { draw in
            let (shape, window) = (draw.shape(4), try draw.window())
            let size = try window.outputSize(height: shape[2], width: shape[3])
            let rows = try small(shape[0], size.height, size.width)
            let columns = try small(shape[1], window.size.height, window.size.width)
            _ = try draw.kernels().col2im(
                draw.tensor([rows, columns]), inputShape: draw.strange(shape), window: window)
        },
    ]

    static let convolutions = [
        Call("convolution") { draw in
            let it = try Convolving(&draw)
            let kernels = try draw.kernels()
            _ = try kernels.convolution(it.x, weights: it.weights, bias: it.bias, window: it.window)
            _ = try kernels.convolution(
                it.x, weights: it.weights, prepacked: draw.once(in: 2) ? PrepackedFilters() : nil,
                it.descriptor, epilogue: it.epilogue(&draw), wantsArgmax: draw.flag())
        },
        Call("convolutionInputGradient") { draw in
            let it = try Convolving(&draw)
            _ = try draw.kernels().convolutionInputGradient(
                it.outputGradient(&draw), weights: it.weights,
                inputShape: draw.strange(it.x.shape), window: it.window, groups: it.groups)
        },
        Call("convolutionWeightGradient") { draw in
            let it = try Convolving(&draw)
            _ = try draw.kernels().convolutionWeightGradient(
                it.outputGradient(&draw), input: it.x, window: it.window, groups: it.groups)
        },
        Call("a pooled convolution and its gradient") { draw in
            let it = try Convolving(&draw)
            let (kernels, pooling) = (try draw.kernels(), try draw.window())
            var epilogue = Epilogue(bias: it.bias, pooling: pooling)
            if draw.flag() { epilogue.activation = .relu }
            let (output, argmax) = try kernels.convolution(
                it.x, weights: it.weights, prepacked: nil, it.descriptor, epilogue: epilogue,
                wantsArgmax: !draw.once(in: 8))
            guard let argmax else { return }
            let descriptor = ConvolutionDescriptor(
                draw.once(in: 8) ? try draw.window() : it.window, groups: draw.size(it.groups))
            let window = draw.once(in: 8) ? try draw.window() : pooling
            _ = try kernels.convolutionWeightGradient(
                draw.tensor(output.shape), input: it.x, descriptor,
                maxima: PooledMaxima(window: window, argmax: argmax))
        },
    ]

    static let pooling = [
        Call("maxPooling") { draw in
            _ = try draw.kernels().maxPooling(draw.tensor(draw.shape(4)), window: draw.window())
        },
        Call("maxPoolingGradient") { draw in
            let kernels = try draw.kernels()
            let x = try draw.tensor(draw.shape(4))
            let pooled = try kernels.maxPoolingWithArgmax(x, window: draw.window())
            var argmax = pooled.argmax
            if draw.once(in: 6) {
                let indices = argmax.indices.map { _ in Int32(truncatingIfNeeded: draw.size(0)) }
                argmax = try IndexTensor(shape: argmax.shape, indices: indices)
            }
            _ = try kernels.maxPoolingGradient(
                draw.tensor(pooled.output.shape), argmax: argmax,
                inputShape: draw.strange(x.shape))
        },
        Call("averagePooling and its gradient") { draw in
            let (kernels, window) = (try draw.kernels(), try draw.window())
            let x = try draw.tensor(draw.shape(4))
            let isPadded = draw.flag()
            let output = try kernels.averagePooling(x, window: window, countIncludePad: isPadded)
            _ = try kernels.averagePoolingGradient(
                draw.tensor(output.shape), inputShape: draw.strange(x.shape), window: window,
                countIncludePad: isPadded)
        },
    ]

    /// A product of sizes that a tensor here may have.
    static func small(_ sizes: Int...) throws -> Int {
        var product = 1
        for size in sizes {
            guard size < 1 << 20, product < 1 << 20 else {
                throw TensorError(
                    operation: "draw", argument: "window", value: "\(sizes)", expected: "less")
            }
            product *= size
        }
        return product
    }
}

/// What a convolution takes.
private struct Convolving {
    let x, weights: Tensor
    let bias: Tensor?
    let window: Window
    let groups, filters: Int

    init(_ draw: inout Arguments) throws {
        let (count, each) = (draw.once(in: 3) ? 1 + draw.below(4) : 1, 1 + draw.below(4))
        filters = count * (1 + draw.below(4))
        window = try draw.window()
        let (height, width) = (window.size.height, window.size.width)
        // A window may be larger than any tensor of weights; then it meets those of another one.
        let size = max(height, width) < 64 ? [height, width] : [3, 3]
        groups = draw.size(count)
        x = try draw.tensor([1 + draw.below(3), count * each] + draw.shape(2))
        weights = try draw.tensor([filters, each] + size)
        bias = draw.once(in: 3) ? nil : try draw.tensor([filters])
    }

    var descriptor: ConvolutionDescriptor { ConvolutionDescriptor(window, groups: groups) }

    /// Some steps, most of which suit the convolution.
    func epilogue(_ draw: inout Arguments) throws -> Epilogue {
        var epilogue = Epilogue(bias: bias)
        if draw.once(in: 3) {
            epilogue.normalization = try ChannelNormalization(
                statistics: BatchStatistics(
                    mean: draw.tensor([filters]), variance: draw.tensor([filters])),
                gamma: draw.tensor([filters]), beta: draw.tensor([filters]),
                epsilon: draw.real(1e-5))
        }
        if draw.once(in: 3) { epilogue.addend = try outputGradient(&draw) }
        if draw.once(in: 3) { epilogue.pooling = try draw.window() }
        if draw.flag() {
            epilogue.activation = Activation.examples[draw.below(Activation.examples.count)]
        }
        return epilogue
    }

    func outputGradient(_ draw: inout Arguments) throws -> Tensor {
        guard x.shape.count == 4 else { return try draw.tensor() }
        let size = try window.outputSize(height: x.shape[2], width: x.shape[3])
        _ = try Call.small(x.shape[0], filters, size.height, size.width)
        return try draw.tensor([x.shape[0], filters, size.height, size.width])
    }
}
