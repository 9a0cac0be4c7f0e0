// SPDX-License-Identifier: MIT
//
// Layers along rows: sequences as images of one row. Tests/Fixtures/layers.py has
// PyTorch's numbers.

import ConvNet
import ConvNetTestSupport
import Testing

struct RowLayerTests {
    @Test func aWindowOfAWidthIsOnePixelHigh() throws {
        let window = try Window(width: 4, stride: 2, padding: 3, dilation: 5, ceilMode: true)
        #expect(window.size == PerAxis(height: 1, width: 4))
        #expect(window.stride == PerAxis(height: 1, width: 2))
        #expect(window.padding == Padding(top: 0, bottom: 0, left: 3, right: 3))
        #expect(window.dilation == PerAxis(height: 1, width: 5))
        #expect(window.usesCeilMode)
        #expect(throws: TensorError.self) { try Window(width: 0) }
    }

    /// Sums of two neighbours, their maxima and means, by hand.
    @Test func knownNumbers() throws {
        var sums = try Convolution(inputChannels: 1, outputChannels: 1, width: 2, padding: 1)
        #expect(sums.parameters[0].shape == [1, 1, 1, 2])
        sums.parameters[0] = try Tensor(shape: [1, 1, 1, 2], repeating: 1)
        let x = try Tensor(shape: [1, 1, 1, 5], scalars: [1, 2, 4, 3, 8])
        #expect(try sums.predict(x).scalars == [1, 3, 6, 7, 11, 8])
        #expect(try MaxPooling(width: 2).predict(x).scalars == [2, 4])
        #expect(try MaxPooling(width: 2, stride: 1, dilation: 2).predict(x).scalars == [4, 3, 8])
        #expect(try AveragePooling(width: 2).predict(x).scalars == [1.5, 3.5])
        #expect(
            try AveragePooling(width: 2, stride: 3, padding: 1).predict(x).scalars == [0.5, 3.5])
        let twice = try TransposedConvolution(
            inputChannels: 1, outputChannels: 1, window: Window(width: 2, stride: 2))
        #expect(try twice.outputShape(for: [1, 1, 1, 5]) == [1, 1, 1, 10])
    }

    /// PyTorch's files have filters without a height.
    @Test func aStateDictOfOneDimensionIsRead() throws {
        var network = try Network(
            inputShape: [2, 1, 6],
            layers: [
                NamedLayer(
                    "conv", Convolution(inputChannels: 2, outputChannels: 3, width: 3)),
                NamedLayer("norm", BatchNormalization(channels: 3)),
                NamedLayer("pool", GlobalMaxPooling()),
            ])
        var draw = Draw(seed: 3)
        let weight = try draw.normal([3, 2, 3])
        let names = ["weight", "bias", "running_mean", "running_var"]
        var tensors = try Dictionary(
            uniqueKeysWithValues: names.map { ("norm.\($0)", try draw.normal([3])) })
        tensors["conv.weight"] = weight
        tensors["conv.bias"] = try draw.normal([3])
        try network.setParameters(tensors)
        #expect(network.parameters[0].value.shape == [3, 2, 1, 3])
        #expect(network.parameters[0].value.scalars == weight.scalars)
    }
}
