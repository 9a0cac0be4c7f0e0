// SPDX-License-Identifier: MIT
//
// Convolutions and poolings of volumes `[N, C, D, H, W]`, made of those of images: what lies under
// a window along the depth becomes channels of an image. Correct, and slower than kernels of their
// own would be.

extension ONNXImporter {
    /// A weight, and what it is called.
    typealias Weight = (tensor: Tensor, name: String)

    /// A convolution: of each place along the depth an image with the window's slices as channels.
    mutating func convolvedVolumes(
        _ node: ONNXNodeView, _ weights: Weight, _ bias: Weight?
    ) throws -> Value {
        let x = try node.input(0)
        let shape = try self.shape(of: x)
        let groups = try node.int("group", 1)
        let (filters, size) = try slices(weights.tensor, channels: shape[1], groups: groups)
        let window = try ONNXWindow(node, shape: shape, size: size)
        let (images, places) = try depthAsChannels(x, window.depth)
        let layer = try Convolution(
            weights: filters, bias: bias?.tensor, window: window.plane.window(), groups: groups)
        let result = Value.running(
            try emit(
                layer, running(images),
                tensorNames: ["W": weights.name, "b": bias?.name ?? ""]), .float)
        return try volumes(result, samples: shape[0], places: places)
    }

    /// Filters of volumes as those of images, and the size of their window. Those that a network
    /// has by now are kept so.
    private func slices(
        _ weights: Tensor, channels: Int, groups: Int
    ) throws -> (filters: Tensor, size: [Int]) {
        let shape = weights.shape
        if shape.count == 5 {
            let filters = try weights.reshaped(
                to: [shape[0], shape[1] * shape[2], shape[3], shape[4]])
            return (filters, Array(shape[2...]))
        }
        let own = channels / max(groups, 1)
        guard shape.count == 4, own >= 1, shape[1] % own == 0 else {
            throw ONNXRefusal("W", "\(shape)", expected: "[F, C/groups, KD, KH, KW]")
        }
        return (weights, [shape[1] / own, shape[2], shape[3]])
    }

    /// `[N, C, D, H, W]` as `[N·OD, C·KD, H, W]`, and OD.
    private mutating func depthAsChannels(
        _ x: Value, _ window: ONNXWindow
    ) throws -> (images: Value, places: Int) {
        let shape = try self.shape(of: x)
        let (size, stride, dilation) = (
            window.size[0], window.strides[0], window.dilations[0]
        )
        let padded = try padded(
            x, 2, before: window.pads[0], after: window.pads[2], mode: "constant", value: 0)
        let extent = try self.shape(of: padded)[2]
        let reach = dilation * (size - 1) + 1
        guard extent >= reach else {
            throw ONNXRefusal("kernel_shape", "\(reach) deep", expected: "at most \(extent)")
        }
        let places = (extent - reach) / stride + 1
        try ONNXArithmetic.check([size, places])
        let indices = (0..<size).flatMap { tap in
            (0..<places).map { $0 * stride + tap * dilation }
        }
        let taken = try selected(padded, 2, indices, isLast: false)
        let (n, c, h, w) = (shape[0], shape[1], shape[3], shape[4])
        let split = try reshape(taken, to: [n, c, size, places, h, w], isLast: false)
        let turned = try transposed(split, [0, 3, 1, 2, 4, 5], isLast: false)
        return (try reshape(turned, to: [n * places, c * size, h, w], isLast: false), places)
    }

    /// `[N·D, C, H, W]` as `[N, C, D, H, W]`.
    private mutating func volumes(_ images: Value, samples: Int, places: Int) throws -> Value {
        let shape = try self.shape(of: images)
        let split = try reshape(images, to: [samples, places] + shape[1...], isLast: false)
        return try transposed(split, [0, 2, 1, 3, 4], isLast: false)
    }

    /// A transposed convolution: each image gives the window's slices, which are added up where
    /// they meet.
    mutating func transposedVolumes(
        _ node: ONNXNodeView, _ weights: Weight, _ bias: Weight?
    ) throws -> Value {
        let x = try node.input(0)
        let shape = try self.shape(of: x)
        let own = weights.tensor.shape
        let groups = try node.int("group", 1)
        guard own.count == 5 || own.count == 4, (1...own[0]).contains(groups), own[0] == shape[1]
        else {
            throw ONNXRefusal("W", "\(own)", expected: "[C, F/groups, KD, KH, KW]")
        }
        // Those that a network has by now are filters of images.
        let given = try node.ints("kernel_shape") ?? Array(own.suffix(3))
        guard given.count == 3, own.count == 5 || own[1] % max(given[0], 1) == 0, given[0] >= 1
        else { throw ONNXRefusal("kernel_shape", "\(given)", expected: "that of W") }
        let filters =
            own.count == 4
            ? weights.tensor
            : try weights.tensor.reshaped(to: [own[0], own[1] * own[2], own[3], own[4]])
        let size = [own.count == 5 ? own[2] : given[0]] + filters.shape.suffix(2)
        var window = try ONNXWindow(node, shape: shape, size: size)
        let more = try window.transposed(node, shape: shape)
        let (n, d) = (shape[0], shape[2])
        let channels = filters.shape[1] * groups
        let layer = try TransposedConvolution(
            weights: filters, bias: Tensor(zeros: [channels]), window: window.plane.window(),
            outputPadding: PerAxis(height: more[1], width: more[2]), groups: groups)
        let turned = try transposed(x, [0, 2, 1, 3, 4], isLast: false)
        let images = try reshape(turned, to: [n * d] + [shape[1]] + shape[3...], isLast: false)
        let slices = Value.running(
            try emit(layer, running(images), isLast: bias == nil, tensorNames: ["W": weights.name]),
            .float)
        let made = try self.shape(of: slices)
        let split = try reshape(
            slices, to: [n, d, channels / size[0], size[0]] + made[2...], isLast: false)
        let whole = try foldedDepth(
            transposed(split, [0, 2, 3, 1, 4, 5], isLast: false), window.depth, more: more[0])
        guard let bias else { return whole }
        let ones = [1, bias.tensor.count, 1, 1, 1]
        let addend = try reshape(
            .constant(ONNXConstant(bias.tensor), name: bias.name), to: ones, isLast: false)
        return try combine(.add, whole, addend)
    }

    /// `[N, F, KD, D, H, W]` as `[N, F, OD, H, W]`: the sums of the slices that meet.
    private mutating func foldedDepth(
        _ value: Value, _ window: ONNXWindow, more: Int
    ) throws -> Value {
        let shape = try self.shape(of: value)
        let (n, f, size, depth) = (shape[0], shape[1], shape[2], shape[3])
        let (stride, dilation) = (window.strides[0], window.dilations[0])
        let places =
            (depth - 1) * stride + dilation * (size - 1) + 1 + more - window.pads[0]
            - window.pads[2]
        guard (1...ONNXArithmetic.mostNumbers).contains(places) else {
            throw ONNXRefusal("pads", "\(window.pads)", expected: "some depth left")
        }
        var sources = [[Int]](repeating: [], count: places)
        for tap in 0..<size {
            for index in 0..<depth {
                let place = index * stride + tap * dilation - window.pads[0]
                if (0..<places).contains(place) { sources[place].append(tap * depth + index) }
            }
        }
        let plane = shape[4] * shape[5]
        let flat = try reshape(value, to: [n * f, size * depth, plane], isLast: false)
        let turned = try transposed(flat, [0, 2, 1], isLast: false)
        let sum = try transposed(sum(of: turned, at: sources), [0, 2, 1], isLast: false)
        return try reshape(sum, to: [n, f, places, shape[4], shape[5]], isLast: false)
    }

    /// A pooling of volumes, first of their images and then along the depth: maxima and means of a
    /// window are those of its slices'. Nil where the input is none.
    mutating func pooledVolumes(
        _ node: ONNXNodeView,
        _ pool: (inout ONNXImporter, Graph.Value, ONNXWindow) throws -> Value
    ) throws -> Value? {
        let x = try node.input(0)
        let shape = try self.shape(of: x)
        guard shape.count == 5 else { return nil }
        let window = try ONNXWindow(node, shape: shape)
        let (n, c, d) = (shape[0], shape[1], shape[2])
        let images = try running(
            reshape(x, to: [n, c * d, shape[3], shape[4]], isLast: false))
        let planes = try pool(&self, images, window.plane)
        let made = try self.shape(of: planes)
        let columns = try running(
            reshape(planes, to: [n, c, d, made[2] * made[3]], isLast: false))
        let result = try pool(&self, columns, window.depth)
        let depth = try self.shape(of: result)[2]
        return try reshape(result, to: [n, c, depth, made[2], made[3]], isLast: false)
    }
}
