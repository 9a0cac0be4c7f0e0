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

    var inputShape: [Int] { [samples, channels, extent, extent] }
    var weightsShape: [Int] { [filters, channels, kernel, kernel] }
    var outputExtent: Int { (extent + 2 * padding - kernel) / stride + 1 }
    var outputShape: [Int] { [samples, filters, outputExtent, outputExtent] }

    /// Multiply-adds of one pass.
    var products: Int {
        samples * outputExtent * outputExtent * filters * channels * kernel * kernel
    }

    func window() throws -> Window { try Window(kernel, stride: stride, padding: padding) }
}

/// A pooling layer with the batch that it is measured on.
struct PoolShape: Sendable {
    let name: String
    let samples, channels, extent, kernel, stride: Int

    var inputShape: [Int] { [samples, channels, extent, extent] }
    var outputExtent: Int { (extent - kernel) / stride + 1 }

    func window() throws -> Window { try Window(kernel, stride: stride) }
}

enum Shapes {
    static let layers = [
        layer("simple.conv1", 100, 1, 28, 30, 5, 1, 0),
        layer("lenet.conv2", 100, 6, 14, 16, 5, 1, 0),
        layer("alex.conv1", 16, 3, 227, 96, 11, 4, 0),
        layer("alex.conv2", 16, 96, 27, 256, 5, 1, 2),
        layer("alex.conv3", 16, 256, 13, 384, 3, 1, 1),
        layer("vgg.conv1_2", 4, 64, 224, 64, 3, 1, 1),
        layer("resnet.3x3_56", 16, 64, 56, 64, 3, 1, 1),
        layer("resnet.3x3_14", 16, 256, 14, 256, 3, 1, 1),
        layer("resnet.1x1_56", 16, 64, 56, 256, 1, 1, 0),
        layer("deep.conv_28", 100, 16, 28, 16, 3, 1, 1),
    ]

    static let pools = [
        PoolShape(
            name: "simple.pool", samples: 100, channels: 30, extent: 24, kernel: 2, stride: 2),
        PoolShape(name: "alex.pool1", samples: 16, channels: 96, extent: 55, kernel: 3, stride: 2),
        PoolShape(name: "vgg.pool1", samples: 4, channels: 64, extent: 224, kernel: 2, stride: 2),
    ]

    /// M, N and K.
    static let products = [
        (64, 64, 64), (128, 128, 128), (256, 256, 256), (512, 512, 512), (1024, 1024, 1024),
        (2048, 2048, 2048), (57600, 30, 25), (100, 100, 4320), (384, 729, 1200), (64, 3136, 576),
        (256, 196, 2304), (512, 49, 4608),
    ]

    private static func layer(
        _ name: String, _ samples: Int, _ channels: Int, _ extent: Int, _ filters: Int,
        _ kernel: Int, _ stride: Int, _ padding: Int
    ) -> LayerShape {
        LayerShape(
            name: name, samples: samples, channels: channels, extent: extent, filters: filters,
            kernel: kernel, stride: stride, padding: padding)
    }
}
