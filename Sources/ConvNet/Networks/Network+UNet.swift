// SPDX-License-Identifier: MIT
//
// U-Net: Ronneberger et al., "U-Net: convolutional networks for biomedical image
// segmentation", 2015, a small one: two steps down, two up, with padding, so that the output
// is as large as the image.

extension Network {
    /// A small U-Net: a class for each pixel.
    ///
    /// Logits are `[N, K, H, W]`, for which ``SoftmaxCrossEntropy`` is a loss. Parameters are named
    /// `a.0` to `c.2` on the way down, `u1`, `d1.0` … on the way up, `o` at the end.
    ///
    /// - Parameters:
    ///   - classes: K.
    ///   - inputShape: the shape of one image, `[C, H, W]`, its sides multiples of 4.
    ///   - width: the filters of the first convolution; four times as many at the bottom.
    ///   - seed: what the weights are drawn from.
    ///   - kernels: what does the arithmetic.
    /// - Throws: ``TensorError`` when a size is below 1, the width above 65536, or a side no
    ///   multiple of 4.
    public static func unet(
        classes: Int = 2, inputShape: [Int] = [3, 128, 128], width: Int = 32, seed: UInt64 = 0,
        kernels: any Kernels = NativeKernels()
    ) throws -> Network {
        guard inputShape.count == 3, inputShape[1] % 4 == 0, inputShape[2] % 4 == 0 else {
            throw TensorError(
                operation: "unet", argument: "inputShape", value: "\(inputShape)",
                expected: "[C, H, W] with H and W multiples of 4")
        }
        guard (1...1 << 16).contains(width) else {
            throw TensorError(
                operation: "unet", argument: "width", value: "\(width)",
                expected: "from 1 to 65536")
        }
        var builder = BlockBuilder(seed: seed)
        let image = try builder.graph.input("image", inputShape)
        let top = try builder.twoConvolutions("a", image, filters: width)
        let middle = try builder.twoConvolutions(
            "b", builder.graph.add(MaxPooling(2), top), filters: 2 * width)
        var x = try builder.twoConvolutions(
            "c", builder.graph.add(MaxPooling(2), middle), filters: 4 * width)
        x = try builder.up("u1", x, beside: middle, filters: 2 * width)
        x = try builder.twoConvolutions("d1", x, filters: 2 * width)
        x = try builder.up("u2", x, beside: top, filters: width)
        x = try builder.twoConvolutions("d2", x, filters: width)
        x = try builder.convolution("o", x, filters: classes, kernel: 1, hasBias: true)
        return try builder.network(x, kernels: kernels)
    }
}

extension BlockBuilder {
    fileprivate mutating func twoConvolutions(
        _ name: String, _ x: Graph.Value, filters: Int
    ) throws -> Graph.Value {
        var y = x
        for place in [0, 2] {
            y = try convolution(
                "\(name).\(place)", y, filters: filters, kernel: 3, padding: 1, hasBias: true)
            y = try graph.add(ReLU(), y)
        }
        return y
    }

    /// Twice the size by a transposed convolution, and beside it what was as large on the way down.
    fileprivate mutating func up(
        _ name: String, _ x: Graph.Value, beside other: Graph.Value, filters: Int
    ) throws -> Graph.Value {
        let y = try transposedConvolution(name, x, filters: filters, kernel: 2, stride: 2)
        return try graph.add(Concatenation(axis: 1), y, other)
    }
}
