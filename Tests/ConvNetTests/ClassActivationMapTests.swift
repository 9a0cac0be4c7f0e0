// SPDX-License-Identifier: MIT
//
// Grad-CAM against differences: a plane's weight is how much the logit changes where the whole
// plane is lifted, which running the layers behind it shows.

import ConvNetReference
import ConvNetTestSupport
import Foundation
import Testing

@testable import ConvNet

struct ClassActivationMapTests {
    /// With statistics that are not those of a batch, and a dropout that must not drop.
    private static func layers() throws -> [NamedLayer] {
        var normalization = try BatchNormalization(channels: 3)
        normalization.buffers[0] = try Tensor(shape: [3], scalars: [0.5, -0.25, 0.125])
        normalization.buffers[1] = try Tensor(shape: [3], scalars: [2, 0.5, 1])
        return [
            NamedLayer(
                "conv1", try Convolution(inputChannels: 1, outputChannels: 3, kernel: 3, seed: 1)),
            NamedLayer("norm1", normalization), NamedLayer("tanh1", Tanh()),
            NamedLayer(
                "conv2", try Convolution(inputChannels: 3, outputChannels: 4, kernel: 3, seed: 2)),
            NamedLayer("sigmoid2", Sigmoid()), NamedLayer("mean", GlobalAveragePooling()),
            NamedLayer("dropout", try Dropout(rate: 0.5, seed: 3)),
            NamedLayer("affine", try Affine(inputSize: 4, outputSize: 3, seed: 4)),
        ]
    }

    @Test(arguments: [0, 1, 2], ["tanh1", "conv2"])
    func itIsWhatDifferencesSay(_ label: Int, _ layer: String) throws {
        let layers = try Self.layers()
        let kernels = ReferenceKernels()
        let network = try Network(inputShape: [1, 8, 8], layers: layers)
            .converted(to: .float64, kernels: kernels)
        let x = try smallImages(1).converted(to: .float64)
        let map = try network.classActivationMap(of: x, label: label, layer: layer)
        #expect(map.layer == layer && map.label == label)

        let output = try #require(try network.predict(x, outputs: [layer])[layer])
        let place = try #require(layers.firstIndex { $0.name == layer })
        let (channels, height, width) = (output.shape[1], output.shape[2], output.shape[3])
        let rest = try Network(
            inputShape: [channels, height, width], layers: Array(layers[(place + 1)...])
        ).converted(to: .float64, kernels: kernels)
        let (plane, step) = (height * width, 1e-5)
        var expected = [Double](repeating: 0, count: plane)
        for channel in 0..<channels {
            func logit(_ lift: Double) throws -> Double {
                var numbers = output.doubles
                for index in channel * plane..<(channel + 1) * plane { numbers[index] += lift }
                let lifted = try Tensor(shape: output.shape, doubles: numbers)
                return try rest.predict(lifted).doubles[label]
            }
            let slope = (try logit(step) - logit(-step)) / (2 * step) / Double(plane)
            for index in 0..<plane {
                expected[index] += slope * output.doubles[channel * plane + index]
            }
        }
        #expect(map.values.shape == [1, 1, height, width])
        #expect(expected.contains { $0 > 0 }, "nothing to compare")
        // Central differences are off by a third derivative times step² and by rounding over step,
        // each around 10⁻¹⁰; the map is rounded to Float.
        for (found, wanted) in zip(map.values.doubles, expected) {
            #expect(abs(found - max(wanted, 0)) <= 1e-7)
        }
    }

    @Test func theClassAndTheLayerMayBeLeftOut() throws {
        let network = try Network(inputShape: [1, 8, 8], layers: Self.layers())
        let x = try smallImages(1)
        let map = try network.classActivationMap(of: x)
        #expect(map.label == (try network.predict(x).argmaxOfRows()[0]))
        #expect(map.layer == "sigmoid2")
        // The sum of a block, or the last layer of a part's, by its name.
        let resnet = try Network.smallResNet(depth: 8, inputShape: [3, 16, 16], seed: 1)
        var draw = Draw(seed: 2)
        let image = try draw.normal([1, 3, 16, 16])
        let block = try resnet.classActivationMap(of: image, layer: "4")
        #expect(block.layer == "4" && block.values.shape == [1, 1, 8, 8])
        let shortcut = try resnet.classActivationMap(of: image, layer: "4.short")
        #expect(shortcut.layer == "4.short.1")
        // The same bits on any number of threads.
        var single = resnet
        single.kernels = try NativeKernels(threads: 1)
        let again = try single.classActivationMap(of: image, layer: "4")
        #expect(again.values.hasSameBits(as: block.values))
    }

    @Test func whatDoesNotSuitIsRefused() throws {
        let network = try Network(inputShape: [1, 8, 8], layers: Self.layers())
        let x = try smallImages(1)
        func expect(_ argument: String, _ value: String, _ body: () throws -> Void) {
            let error = #expect(throws: TensorError.self, performing: body)
            #expect(
                error?.argument == argument && error?.value == value, "\(String(describing: error))"
            )
        }
        expect("label", "3") { _ = try network.classActivationMap(of: x, label: 3) }
        expect("layer", "affine") { _ = try network.classActivationMap(of: x, layer: "affine") }
        expect("layer", "conv9") { _ = try network.classActivationMap(of: x, layer: "conv9") }
        expect("x", "[2, 1, 8, 8]") {
            _ = try network.classActivationMap(of: smallImages(2))
        }
    }
}
