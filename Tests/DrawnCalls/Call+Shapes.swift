// SPDX-License-Identifier: MIT
//
// Numbers in other places: views, resampling, and the layers that are made of them.

import ConvNet

extension Call {
    static let shapes = [
        Call("StridedView, copy") { draw in
            let kernels = try draw.kernels()
            let (shape, source) = (draw.shape(3), try draw.tensor())
            let view = try draw.view(shape)
            let x = try draw.tensor(shape)
            let copied = try kernels.copied(draw.once(in: 8) ? source : x, as: view)
            _ = try kernels.copiedBack(copied, to: view, inputShape: draw.strange(shape))
            var y = try draw.tensor(draw.once(in: 2) ? shape : copied.shape)
            try kernels.copy(x, from: view, into: &y, at: draw.view(y.shape))
        },
        Call("ResamplingTaps, resampled") { draw in
            let (height, width) = (draw.small(), draw.small())
            let (rows, columns) = (try draw.taps(height), try draw.taps(width))
            let kernels = try draw.kernels()
            let y = try kernels.resampled(
                draw.tensor(draw.shape(2) + [height, width]), rows: rows, columns: columns)
            _ = try kernels.resampled(y, rows: rows.transposed, columns: columns.transposed)
        },
        Call("Concatenation: several inputs") { draw in
            let layer = try Concatenation(axis: draw.size(1))
            let shape = draw.shape(1 + draw.below(4))
            let inputs = try draw.list(upTo: 3) { try $0.tensor(shape) }
            _ = try? layer.outputShape(for: inputs.map { draw.strange($0.shape) })
            let forward = try layer.forward(inputs, in: Pass(kernels: draw.kernels()))
            _ = try forward.pullback(forward.output)
        },
    ]
}

extension Arguments {
    /// A view of a tensor of some shape, perhaps beyond it.
    fileprivate mutating func view(_ shape: [Int]) throws -> StridedView {
        if once(in: 4) {
            let strides = list(upTo: shape.count + 1) { $0.integer() }
            return try tell(
                StridedView(
                    shape: strange(shape), strides: strides, offset: size(below(4))))
        }
        var view = try StridedView(shape: shape)
        let axis = size(shape.isEmpty ? 0 : below(shape.count))
        if once(in: 2) {
            view = try view.slice(axis: axis, from: size(0), step: size(1), count: size(1))
        }
        if once(in: 2) { view = try view.transposed(shape.indices.reversed()) }
        return tell(view)
    }

    fileprivate mutating func taps(_ inputSize: Int) throws -> ResamplingTaps {
        try ResamplingTaps(
            inputSize: size(inputSize),
            outputs: list(upTo: 6) { draw in
                draw.list(upTo: 4) { ($0.size($0.below(inputSize)), $0.real(0.5)) }
            })
    }

    /// A layer of those; most take ``input``.
    mutating func shapeLayer() throws -> any Layer {
        switch tell(below(12)) {
        case 0: return try Slice(axis: size(1), from: end(), to: end(), step: size(1))
        case 1: return try Transpose(tell(once(in: 8) ? [0, integer()] : [0, 3, 1, 2]))
        case 2: return try Reshape(to: [size(-1), size(12)])
        case 3: return try Squeeze(axis: size(1))
        case 4: return try Unsqueeze(axis: size(-1))
        case 5: return try PixelShuffle(size(2))
        case 6: return try PixelUnshuffle(size(3))
        case 7: return try Concatenation(axis: size(-2))
        case 8:
            return try ImagePadding(
                top: size(1), bottom: size(2), left: size(0), right: size(3),
                mode: tell(pick([.constant(real(0)), .reflect, .edge])))
        case 9: return try resize()
        case 10:
            return try AdaptiveAveragePooling(PerAxis(height: size(), width: size()))
        default: return try transposedConvolution()
        }
    }

    private mutating func end() -> Int? { once(in: 2) ? nil : integer() }

    private mutating func resize() throws -> Resize {
        let (mode, coordinates) = (
            pick(Resize.Mode.allCases), pick(Resize.Coordinates.allCases)
        )
        return once(in: 2)
            ? try Resize(
                sizes: PerAxis(height: size(), width: size()), mode: tell(mode),
                coordinates: tell(coordinates), antialias: flag())
            : try Resize(
                scales: (real(2), real(0.5)), mode: tell(mode), coordinates: tell(coordinates),
                antialias: flag())
    }

    private mutating func transposedConvolution() throws -> TransposedConvolution {
        if once(in: 2) {
            return try TransposedConvolution(
                inputChannels: size(4), outputChannels: size(4), kernel: size(3), stride: size(2),
                padding: size(1), outputPadding: size(below(2)), dilation: size(1),
                groups: size(pick([1, 2, 4])), initialization: initialization())
        }
        let window = try window()
        let (height, width) = (window.size.height, window.size.width)
        _ = try Call.small(height, width, 64)
        return try TransposedConvolution(
            weights: tensor([4, 2, height, width]), bias: tensor([4]), window: window,
            outputPadding: PerAxis(height: size(0), width: size(0)), groups: size(2))
    }
}
