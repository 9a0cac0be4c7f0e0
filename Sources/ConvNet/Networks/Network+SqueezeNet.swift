// SPDX-License-Identifier: MIT
//
// SqueezeNet 1.1: Iandola et al., "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters",
// 2016, with torchvision's layers and names.

extension Network {
    /// SqueezeNet 1.1 for photographs: 8 fire modules, 1.2 million parameters.
    ///
    /// Parameters have the names of torchvision's `squeezenet1_1`, so that its `state_dict` can be
    /// loaded.
    ///
    /// - Parameters:
    ///   - classes: K.
    ///   - inputShape: the shape of one image, `[C, H, W]`.
    ///   - dropout: the share of numbers that the last convolution's input loses in training.
    ///   - seed: what the weights are drawn from, and dropout's choices.
    ///   - kernels: what does the arithmetic.
    /// - Throws: ``TensorError`` when a size is below 1, the image no image or too small, or the
    ///   dropout not from 0 to below 1.
    public static func squeezeNet(
        classes: Int = 1000, inputShape: [Int] = [3, 224, 224], dropout: Double = 0.5,
        seed: UInt64 = 0, kernels: any Kernels = NativeKernels()
    ) throws -> Network {
        var builder = BlockBuilder(seed: seed)
        var x = try builder.graph.input("image", inputShape)
        x = try builder.convolution(
            "features.0", x, filters: 64, kernel: 3, stride: 2, hasBias: true)
        x = try builder.graph.add(ReLU(), x)
        // Places among torchvision's features; what is missing are poolings.
        let fires = [
            3: (16, 64), 4: (16, 64), 6: (32, 128), 7: (32, 128), 9: (48, 192), 10: (48, 192),
            11: (64, 256), 12: (64, 256),
        ]
        for place in 2...12 {
            let name = "features.\(place)"
            if let (squeeze, expand) = fires[place] {
                x = try builder.fire(name, x, squeeze: squeeze, expand: expand)
            } else {
                let pooling = try MaxPooling(3, stride: 2, ceilMode: true)
                x = try builder.graph.add(pooling, x, name: name)
            }
        }
        x = try builder.dropout("classifier.0", x, rate: dropout)
        x = try builder.convolution("classifier.1", x, filters: classes, kernel: 1, hasBias: true)
        x = try builder.graph.add(GlobalAveragePooling(), builder.graph.add(ReLU(), x))
        x = try builder.graph.add(Flatten(), x)
        return try builder.network(x, kernels: kernels)
    }
}

extension BlockBuilder {
    /// 1×1 filters that narrow, then 1×1 and 3×3 filters side by side.
    fileprivate mutating func fire(
        _ name: String, _ x: Graph.Value, squeeze: Int, expand: Int
    ) throws -> Graph.Value {
        let narrow = try convolution(
            "\(name).squeeze", x, filters: squeeze, kernel: 1, hasBias: true)
        let y = try graph.add(ReLU(), narrow)
        let points = try convolution(
            "\(name).expand1x1", y, filters: expand, kernel: 1, hasBias: true)
        let squares = try convolution(
            "\(name).expand3x3", y, filters: expand, kernel: 3, padding: 1, hasBias: true)
        return try graph.add(
            Concatenation(axis: 1), graph.add(ReLU(), points), graph.add(ReLU(), squares),
            name: name)
    }
}
