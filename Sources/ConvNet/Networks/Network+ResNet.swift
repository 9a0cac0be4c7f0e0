// SPDX-License-Identifier: MIT
//
// Residual networks: He et al., "Deep residual learning for image recognition", 2016. Layers and
// names are torchvision's for photographs, and the paper's section 4.2 for small images.

extension Network {
    /// ResNet-18 for photographs: 8 blocks of two convolutions, 11.7 million parameters.
    ///
    /// Parameters have the names of torchvision's `resnet18`, so that its `state_dict`
    /// can be loaded.
    ///
    /// ```swift
    /// var network = try Network.resnet18(classes: 10, inputShape: [3, 32, 32], seed: 1)
    /// ```
    ///
    /// - Parameters:
    ///   - classes: K.
    ///   - inputShape: the shape of one image, `[C, H, W]`.
    ///   - width: the filters of the first convolution; those behind are multiples of it.
    ///   - seed: what the weights are drawn from.
    ///   - kernels: what does the arithmetic.
    /// - Throws: ``TensorError`` when a size is below 1, the width above 65536, or the
    ///   image no image.
    public static func resnet18(
        classes: Int = 1000, inputShape: [Int] = [3, 224, 224], width: Int = 64,
        seed: UInt64 = 0, kernels: any Kernels = NativeKernels()
    ) throws -> Network {
        try resnet(
            blocks: [2, 2, 2, 2], isBottleneck: false, classes, inputShape, width, seed,
            kernels)
    }

    /// ResNet-34 for photographs: 16 blocks of two convolutions, 21.8 million parameters, with
    /// torchvision's names.
    ///
    /// - Parameters:
    ///   - classes: K.
    ///   - inputShape: the shape of one image, `[C, H, W]`.
    ///   - width: the filters of the first convolution; those behind are multiples of it.
    ///   - seed: what the weights are drawn from.
    ///   - kernels: what does the arithmetic.
    /// - Throws: ``TensorError`` when a size is below 1, the width above 65536, or the
    ///   image no image.
    public static func resnet34(
        classes: Int = 1000, inputShape: [Int] = [3, 224, 224], width: Int = 64,
        seed: UInt64 = 0, kernels: any Kernels = NativeKernels()
    ) throws -> Network {
        try resnet(
            blocks: [3, 4, 6, 3], isBottleneck: false, classes, inputShape, width, seed,
            kernels)
    }

    /// ResNet-50 for photographs: 16 blocks of three convolutions, 25.6 million parameters, with
    /// torchvision's names. A block's stride is its 3×3 convolution's (version 1.5).
    ///
    /// - Parameters:
    ///   - classes: K.
    ///   - inputShape: the shape of one image, `[C, H, W]`.
    ///   - width: the filters of the first convolution; those behind are multiples of it.
    ///   - seed: what the weights are drawn from.
    ///   - kernels: what does the arithmetic.
    /// - Throws: ``TensorError`` when a size is below 1, the width above 65536, or the
    ///   image no image.
    public static func resnet50(
        classes: Int = 1000, inputShape: [Int] = [3, 224, 224], width: Int = 64,
        seed: UInt64 = 0, kernels: any Kernels = NativeKernels()
    ) throws -> Network {
        try resnet(
            blocks: [3, 4, 6, 3], isBottleneck: true, classes, inputShape, width, seed,
            kernels)
    }

    /// A residual network for small images with three stages of 16, 32 and 64 filters: ResNet-20,
    /// 32 and 56 have 3, 5 and 9 blocks in each.
    ///
    /// Parameters are named by place: `0.weight` is the first convolution's, `3.c1.weight` the
    /// first block's.
    ///
    /// - Parameters:
    ///   - depth: the number of layers with weights, 6·n + 2, such as 20.
    ///   - classes: K.
    ///   - inputShape: the shape of one image, `[C, H, W]`.
    ///   - seed: what the weights are drawn from.
    ///   - kernels: what does the arithmetic.
    /// - Throws: ``TensorError`` when the depth is not 6·n + 2, a size is below 1, or the
    ///   image no image.
    public static func smallResNet(
        depth: Int, classes: Int = 10, inputShape: [Int] = [3, 32, 32], seed: UInt64 = 0,
        kernels: any Kernels = NativeKernels()
    ) throws -> Network {
        guard (8...1202).contains(depth), depth % 6 == 2 else {
            throw TensorError(
                operation: "smallResNet", argument: "depth", value: "\(depth)",
                expected: "6·n + 2 from 8 to 1202, such as 20")
        }
        var builder = BlockBuilder(seed: seed)
        var x = try builder.graph.input("image", inputShape)
        x = try builder.normalizedConvolution(
            ("0", "1"), x, filters: 16, kernel: 3, padding: 1, activation: .relu)
        var place = 3
        for filters in [16, 32, 64] {
            for block in 0..<(depth - 2) / 6 {
                let stride = block == 0 && filters > 16 ? 2 : 1
                x = try builder.smallBlock("\(place)", x, filters: filters, stride: stride)
                place += 1
            }
        }
        x = try builder.graph.add(GlobalAveragePooling(), x)
        // Behind the pooling, place, and the flattening.
        x = try builder.affine("\(place + 2)", x, outputSize: classes)
        return try builder.network(x, kernels: kernels)
    }

    private static func resnet(
        blocks: [Int], isBottleneck: Bool, _ classes: Int, _ inputShape: [Int], _ width: Int,
        _ seed: UInt64, _ kernels: any Kernels
    ) throws -> Network {
        guard (1...1 << 16).contains(width) else {
            throw TensorError(
                operation: "resnet", argument: "width", value: "\(width)",
                expected: "from 1 to 65536")
        }
        var builder = BlockBuilder(seed: seed)
        var x = try builder.graph.input("image", inputShape)
        x = try builder.normalizedConvolution(
            ("conv1", "bn1"), x, filters: width, kernel: 7, stride: 2, padding: 3, activation: .relu
        )
        x = try builder.graph.add(MaxPooling(3, stride: 2, padding: 1), x, name: "maxpool")
        for (stage, count) in blocks.enumerated() {
            for block in 0..<count {
                let name = "layer\(stage + 1).\(block)", filters = width << stage
                let stride = block == 0 && stage > 0 ? 2 : 1
                x =
                    isBottleneck
                    ? try builder.bottleneck(name, x, filters: filters, stride: stride)
                    : try builder.basicBlock(name, x, filters: filters, stride: stride)
            }
        }
        x = try builder.graph.add(GlobalAveragePooling(), x, name: "avgpool")
        x = try builder.affine("fc", x, outputSize: classes)
        return try builder.network(x, kernels: kernels)
    }
}

extension BlockBuilder {
    /// Two 3×3 convolutions beside a shortcut.
    fileprivate mutating func basicBlock(
        _ name: String, _ x: Graph.Value, filters: Int, stride: Int
    ) throws -> Graph.Value {
        var y = try normalizedConvolution(
            ("\(name).conv1", "\(name).bn1"), x, filters: filters, kernel: 3, stride: stride,
            padding: 1, activation: .relu)
        y = try normalizedConvolution(
            ("\(name).conv2", "\(name).bn2"), y, filters: filters, kernel: 3, padding: 1)
        return try rectifiedSum(name, "downsample", y, x, filters: filters, stride: stride)
    }

    /// 1×1, 3×3 and 1×1 convolutions beside a shortcut; the last has four times the filters.
    fileprivate mutating func bottleneck(
        _ name: String, _ x: Graph.Value, filters: Int, stride: Int
    ) throws -> Graph.Value {
        var y = try normalizedConvolution(
            ("\(name).conv1", "\(name).bn1"), x, filters: filters, kernel: 1, activation: .relu)
        y = try normalizedConvolution(
            ("\(name).conv2", "\(name).bn2"), y, filters: filters, kernel: 3, stride: stride,
            padding: 1, activation: .relu)
        y = try normalizedConvolution(
            ("\(name).conv3", "\(name).bn3"), y, filters: 4 * filters, kernel: 1)
        return try rectifiedSum(name, "downsample", y, x, filters: 4 * filters, stride: stride)
    }

    /// A block of a network for small images: a basic block with shorter names.
    fileprivate mutating func smallBlock(
        _ name: String, _ x: Graph.Value, filters: Int, stride: Int
    ) throws -> Graph.Value {
        var y = try normalizedConvolution(
            ("\(name).c1", "\(name).b1"), x, filters: filters, kernel: 3, stride: stride,
            padding: 1, activation: .relu)
        y = try normalizedConvolution(
            ("\(name).c2", "\(name).b2"), y, filters: filters, kernel: 3, padding: 1)
        return try rectifiedSum(name, "short", y, x, filters: filters, stride: stride)
    }

    /// The sum of a branch and its shortcut, which is a 1×1 convolution where the shape changes.
    private mutating func rectifiedSum(
        _ name: String, _ shortcutName: String, _ branch: Graph.Value, _ x: Graph.Value,
        filters: Int, stride: Int
    ) throws -> Graph.Value {
        var shortcut = x
        if try stride > 1 || channels(x) != filters {
            let names = ("\(name).\(shortcutName).0", "\(name).\(shortcutName).1")
            shortcut = try normalizedConvolution(
                names, x, filters: filters, kernel: 1, stride: stride)
        }
        let sum = try graph.add(Addition(), branch, shortcut, name: "\(name).sum")
        return try graph.add(ReLU(), sum, name: name)
    }
}
