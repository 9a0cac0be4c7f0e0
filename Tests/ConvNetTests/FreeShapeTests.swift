// SPDX-License-Identifier: MIT
//
// Images of other sizes than a network was made for: taken where no layer fixes the size, refused
// where one does.

import ConvNetTestSupport
import Testing

@testable import ConvNet

@Suite struct FreeShapeTests {
    private static func images(_ shape: [Int]) throws -> Tensor {
        var draw = Draw(seed: 4)
        return try draw.normal(shape)
    }

    @Test func aResidualNetworkTakesImagesOfAnySize() throws {
        let small = try Network.smallResNet(depth: 8, inputShape: [3, 32, 32], seed: 2)
        var large = try Network.smallResNet(depth: 8, inputShape: [3, 40, 24], seed: 2)
        let x = try Self.images([2, 3, 40, 24])
        #expect(try small.predict(x).hasSameBits(as: large.predict(x)))
        let gradients = try small.gradients(x, labels: [1, 7])
        #expect(gradients.loss == (try large.gradients(x, labels: [1, 7]).loss))
        try large.setParameters(
            Dictionary(
                uniqueKeysWithValues: (small.parameters + small.buffers).map { ($0.name, $0.value) }
            ))
        let predictor = try Predictor(small, inputShape: [2, 3, 40, 24])
        #expect(try predictor(x).hasSameBits(as: large.predict(x)))
    }

    @Test func aPixelwiseNetworkGivesAsManyPixels() throws {
        let network = try Network.unet(inputShape: [1, 16, 16], width: 2)
        let outputs = try network.predict(["image": Self.images([1, 1, 24, 8])])
        #expect(outputs["output"]?.shape == [1, 2, 24, 8])
        // A side that is no multiple of 4 does not come back as large as it was.
        #expect {
            _ = try network.predict(Self.images([1, 1, 18, 16]))
        } throws: {
            "\($0)" == "predict: x is [1, 1, 18, 16], expected [N, 1, 16, 16]"
        }
    }

    /// As many numbers in another shape would be other pixels for the weights behind a flattening.
    @Test func whatIsFlattenedKeepsItsShape() throws {
        let network = try Network(inputShape: [2, 4, 6]) { graph, x in
            let y = try graph.add(
                Convolution(inputChannels: 2, outputChannels: 1, kernel: 1, seed: 1), x)
            return try graph.add(Affine(inputSize: 24, outputSize: 3, seed: 2), y)
        }
        for shape in [[1, 2, 6, 4], [1, 2, 4, 5], [1, 3, 4, 6], [1, 2, 24], [1, 2, 4, 6, 1]] {
            #expect {
                _ = try network.predict(Self.images(shape))
            } throws: {
                "\($0)" == "predict: x is \(shape), expected [N, 2, 4, 6]"
            }
        }
    }
}
