// SPDX-License-Identifier: MIT
//
// The sizes that are measured: layers that people know from networks they know, and products of the
// sizes that those layers make.

import ConvNet

/// A convolutional layer with the batch that it is measured on.
struct LayerShape: Sendable {
    let name: String
    let samples, channels, extent: Int
    let filters, kernel, stride, padding: Int
    /// Whether its cases wait for `--full`.
    let needsFull: Bool
    /// 1, or as many as there are channels and filters.
    var groups = 1
    /// Whether its gradients are measured too.
    var hasGradients = true

    var inputShape: [Int] { [samples, channels, extent, extent] }
    var weightsShape: [Int] { [filters, channels / groups, kernel, kernel] }
    var outputExtent: Int { (extent + 2 * padding - kernel) / stride + 1 }
    var outputShape: [Int] { [samples, filters, outputExtent, outputExtent] }

    /// Multiply-adds of one pass.
    var products: Int {
        samples * outputExtent * outputExtent * filters * (channels / groups) * kernel * kernel
    }

    func window() throws -> Window { try Window(kernel, stride: stride, padding: padding) }

    /// Such as `5×5, 96→256, 27×27, batch 16`, or `3×3/2, 96 apart, 112×112, batch 1`.
    var sizes: String {
        let channels = groups == 1 ? "\(channels)→\(filters)" : "\(channels) apart"
        return "\(Shapes.window(kernel, stride)), \(channels), \(extent)×\(extent), "
            + "batch \(samples)"
    }

    /// Such as `5×5 of 96×27×27, batch 16`, for what has no filters.
    var windowSizes: String { Shapes.windowSizes(kernel, stride, inputShape) }
}

/// A pooling layer with the batch that it is measured on.
struct PoolShape: Sendable {
    let name: String
    let samples, channels, extent, kernel, stride: Int
    /// Whether its cases wait for `--full`.
    var needsFull = false

    var inputShape: [Int] { [samples, channels, extent, extent] }
    var outputExtent: Int { (extent - kernel) / stride + 1 }

    func window() throws -> Window { try Window(kernel, stride: stride) }

    /// Such as `3×3/2 of 96×55×55, batch 16`.
    var sizes: String { Shapes.windowSizes(kernel, stride, inputShape) }
}

/// A product of an M×K and a K×N matrix.
struct ProductShape: Sendable {
    let m, n, k: Int
    /// Whether its case waits for `--full`.
    let needsFull: Bool

    /// Such as `57600×25 times 25×30`.
    var sizes: String { "\(m)×\(k) times \(k)×\(n)" }
}

enum Shapes {
    static let layers = [
        layer("simple.conv1", 100, 1, 28, 30, 5, 1, 0),
        layer("lenet.conv2", 100, 6, 14, 16, 5, 1, 0, needsFull: true),
        layer("alex.conv1", 16, 3, 227, 96, 11, 4, 0),
        layer("alex.conv2", 16, 96, 27, 256, 5, 1, 2),
        layer("alex.conv3", 16, 256, 13, 384, 3, 1, 1, needsFull: true),
        layer("vgg.conv1_2", 4, 64, 224, 64, 3, 1, 1, needsFull: true),
        layer("resnet.3x3_56", 16, 64, 56, 64, 3, 1, 1),
        layer("resnet.3x3_14", 16, 256, 14, 256, 3, 1, 1, needsFull: true),
        layer("resnet.1x1_56", 16, 64, 56, 256, 1, 1, 0),
        layer("deep.conv_28", 100, 16, 28, 16, 3, 1, 1),
    ]

    /// What networks of today predict with: planes each by itself, single pixels, and few pixels
    /// with many channels.
    static let layersOfToday = [
        apart("mobilenet.dw3x3_112", 32, 112, 3, 1), apart("mobilenet.dw3x3s2_112", 96, 112, 3, 2),
        apart("mobilenet.dw3x3_56", 144, 56, 3, 1), apart("mobilenet.dw3x3s2_56", 144, 56, 3, 2),
        apart("mobilenet.dw3x3_28", 192, 28, 3, 1), apart("mobilenet.dw3x3s2_28", 192, 28, 3, 2),
        apart("mobilenet.dw3x3_14", 384, 14, 3, 1), apart("mobilenet.dw3x3s2_14", 576, 14, 3, 2),
        apart("mobilenet.dw3x3_7", 960, 7, 3, 1), apart("efficientnet.dw5x5s2_56", 144, 56, 5, 2),
        apart("efficientnet.dw5x5_28", 240, 28, 5, 1),
        apart("efficientnet.dw5x5_14", 672, 14, 5, 1),
        apart("efficientnet.dw5x5s2_14", 672, 14, 5, 2),
        apart("efficientnet.dw5x5_7", 1152, 7, 5, 1),
        apart("mobilenet.dw3x3s2_56.batch8", 144, 56, 3, 2, samples: 8),
        apart("mobilenet.dw3x3_7.batch8", 960, 7, 3, 1, samples: 8),
        predicted("mobilenet.1x1_112", 1, 32, 112, 16, 1, 1, 0),
        predicted("mobilenet.1x1_112_wide", 1, 16, 112, 96, 1, 1, 0),
        predicted("mobilenet.1x1_56", 1, 24, 56, 144, 1, 1, 0),
        predicted("mobilenet.1x1_28", 1, 32, 28, 192, 1, 1, 0),
        predicted("mobilenet.1x1_14", 1, 64, 14, 384, 1, 1, 0),
        predicted("mobilenet.1x1_7", 1, 160, 7, 960, 1, 1, 0),
        predicted("mobilenet.1x1_7_narrow", 1, 960, 7, 160, 1, 1, 0),
        predicted("mobilenet.1x1_7.batch8", 8, 160, 7, 960, 1, 1, 0),
        predicted("resnet.1x1_28", 1, 128, 28, 512, 1, 1, 0),
        predicted("resnet.1x1_14", 1, 1024, 14, 256, 1, 1, 0),
        predicted("resnet.1x1_7", 1, 512, 7, 2048, 1, 1, 0),
        predicted("resnet.1x1_7.batch8", 8, 512, 7, 2048, 1, 1, 0),
        predicted("resnet.1x1s2_28", 1, 512, 28, 1024, 1, 2, 0),
        predicted("resnet.3x3_56.batch1", 1, 64, 56, 64, 3, 1, 1),
        predicted("resnet.3x3_28.batch1", 1, 128, 28, 128, 3, 1, 1),
        predicted("resnet.3x3_14.batch1", 1, 256, 14, 256, 3, 1, 1),
        predicted("resnet.3x3_7.batch1", 1, 512, 7, 512, 3, 1, 1),
        predicted("resnet.3x3_7.batch8", 8, 512, 7, 512, 3, 1, 1),
        predicted("resnet.3x3s2_28.batch1", 1, 256, 28, 256, 3, 2, 1),
        predicted("resnet.3x3s2_14.batch1", 1, 512, 14, 512, 3, 2, 1),
        predicted("resnet.7x7s2_224.batch1", 1, 3, 224, 64, 7, 2, 3),
    ]

    static let pools = [
        PoolShape(
            name: "simple.pool", samples: 100, channels: 30, extent: 24, kernel: 2, stride: 2),
        PoolShape(name: "alex.pool1", samples: 16, channels: 96, extent: 55, kernel: 3, stride: 2),
        PoolShape(
            name: "vgg.pool1", samples: 4, channels: 64, extent: 224, kernel: 2, stride: 2,
            needsFull: true),
    ]

    static let products = [
        product(64, 64, 64), product(128, 128, 128, needsFull: true), product(256, 256, 256),
        product(512, 512, 512, needsFull: true), product(1024, 1024, 1024),
        product(2048, 2048, 2048, needsFull: true), product(57600, 30, 25),
        product(100, 100, 4320, needsFull: true), product(384, 729, 1200),
        product(64, 3136, 576, needsFull: true), product(256, 196, 2304, needsFull: true),
        product(512, 49, 4608),
    ]

    /// A window and, where it isn't 1, its stride.
    static func window(_ kernel: Int, _ stride: Int) -> String {
        "\(kernel)×\(kernel)" + (stride == 1 ? "" : "/\(stride)")
    }

    /// Windows over images of shape [N, C, H, W].
    static func windowSizes(_ kernel: Int, _ stride: Int, _ shape: [Int]) -> String {
        let image = shape.dropFirst().map(String.init).joined(separator: "×")
        return "\(window(kernel, stride)) of \(image), batch \(shape[0])"
    }

    private static func layer(
        _ name: String, _ samples: Int, _ channels: Int, _ extent: Int, _ filters: Int,
        _ kernel: Int, _ stride: Int, _ padding: Int, needsFull: Bool = false
    ) -> LayerShape {
        LayerShape(
            name: name, samples: samples, channels: channels, extent: extent, filters: filters,
            kernel: kernel, stride: stride, padding: padding, needsFull: needsFull)
    }

    /// A depthwise layer, on one image unless more are asked for.
    private static func apart(
        _ name: String, _ channels: Int, _ extent: Int, _ kernel: Int, _ stride: Int,
        samples: Int = 1
    ) -> LayerShape {
        var shape = layer(
            name, samples, channels, extent, channels, kernel, stride, kernel / 2, needsFull: true)
        shape.groups = channels
        return shape
    }

    /// A layer without its gradients.
    private static func predicted(
        _ name: String, _ samples: Int, _ channels: Int, _ extent: Int, _ filters: Int,
        _ kernel: Int, _ stride: Int, _ padding: Int
    ) -> LayerShape {
        var shape = layer(
            name, samples, channels, extent, filters, kernel, stride, padding, needsFull: true)
        shape.hasGradients = false
        return shape
    }

    private static func product(
        _ m: Int, _ n: Int, _ k: Int, needsFull: Bool = false
    ) -> ProductShape {
        ProductShape(m: m, n: n, k: k, needsFull: needsFull)
    }
}
