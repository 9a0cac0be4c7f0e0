// SPDX-License-Identifier: MIT
//
// MobileNetV2: Sandler et al., "MobileNetV2: inverted residuals and linear bottlenecks", 2018, with
// torchvision's layers and names.

extension Network {
    /// MobileNetV2 for photographs: 17 inverted residual blocks, 3.5 million parameters.
    ///
    /// Parameters have the names of torchvision's `mobilenet_v2`, so that its `state_dict`
    /// can be loaded.
    ///
    /// - Parameters:
    ///   - classes: K.
    ///   - inputShape: the shape of one image, `[C, H, W]`.
    ///   - dropout: the share of numbers that the affine layer's input loses in training.
    ///   - seed: what the weights are drawn from, and dropout's choices.
    ///   - kernels: what does the arithmetic.
    /// - Throws: ``TensorError`` when a size is below 1, the image no image, or the dropout not
    ///   from 0 to below 1.
    public static func mobileNetV2(
        classes: Int = 1000, inputShape: [Int] = [3, 224, 224], dropout: Double = 0.2,
        seed: UInt64 = 0, kernels: any Kernels = NativeKernels()
    ) throws -> Network {
        var builder = BlockBuilder(seed: seed)
        var x = try builder.graph.input("image", inputShape)
        x = try builder.normalizedConvolution(
            ("features.0.0", "features.0.1"), x, filters: 32, kernel: 3, stride: 2, padding: 1,
            activation: .relu6)
        var place = 1
        // The paper's table 2: expansion, filters, blocks, stride of the first.
        let stages = [
            (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1),
            (6, 160, 3, 2), (6, 320, 1, 1),
        ]
        for (expansion, filters, count, stride) in stages {
            for block in 0..<count {
                x = try builder.invertedResidual(
                    "features.\(place)", x, expansion: expansion, filters: filters,
                    stride: block == 0 ? stride : 1)
                place += 1
            }
        }
        x = try builder.normalizedConvolution(
            ("features.\(place).0", "features.\(place).1"), x, filters: 1280, kernel: 1,
            activation: .relu6)
        x = try builder.graph.add(GlobalAveragePooling(), x)
        x = try builder.dropout("classifier.0", x, rate: dropout)
        x = try builder.affine("classifier.1", x, outputSize: classes)
        return try builder.network(x, kernels: kernels)
    }
}

extension BlockBuilder {
    /// 1×1 filters that widen, a depthwise 3×3 convolution, 1×1 filters that narrow without an
    /// activation; beside a shortcut where the shape stays.
    fileprivate mutating func invertedResidual(
        _ name: String, _ x: Graph.Value, expansion: Int, filters: Int, stride: Int
    ) throws -> Graph.Value {
        let inputs = try channels(x), hidden = inputs * expansion
        var (y, place) = (x, 0)
        func names(_ place: Int) -> (String, String) {
            ("\(name).conv.\(place).0", "\(name).conv.\(place).1")
        }
        if expansion > 1 {
            y = try normalizedConvolution(
                names(place), y, filters: hidden, kernel: 1, activation: .relu6)
            place += 1
        }
        y = try normalizedConvolution(
            names(place), y, filters: hidden, kernel: 3, stride: stride, padding: 1,
            groups: hidden, activation: .relu6)
        y = try normalizedConvolution(
            ("\(name).conv.\(place + 1)", "\(name).conv.\(place + 2)"), y, filters: filters,
            kernel: 1)
        guard stride == 1, inputs == filters else { return y }
        return try graph.add(Addition(), x, y, name: name)
    }
}
