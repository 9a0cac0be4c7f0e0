// SPDX-License-Identifier: MIT
//
// Layers by hand: numbers that one can check, and calls in the wrong order or shape.

import ConvNet
import ConvNetReference
import ConvNetTestSupport
import Testing

struct LayerTests {
    /// One 4×4 image and one 3×3 filter, all by hand (the worked example of "Deep Learning from
    /// Scratch", section 7.2.2, with its bias of 3).
    @Test func convolutionGivesTheBooksWorkedExample() throws {
        let x = try Tensor(
            shape: [1, 1, 4, 4], scalars: [1, 2, 3, 0, 0, 1, 2, 3, 3, 0, 1, 2, 2, 3, 0, 1])
        let weights = try Tensor(shape: [1, 1, 3, 3], scalars: [2, 0, 1, 0, 1, 2, 1, 0, 2])
        var layer = try Convolution(
            weights: weights, bias: Tensor(shape: [1], scalars: [3]), window: Window(3))
        #expect(try layer.predict(x).scalars == [18, 19, 9, 18])
        #expect(try layer.forward(x).scalars == [18, 19, 9, 18])
        // With gradients of 1, each pixel gets the sum of the filter's taps that see it.
        let gradient = try layer.backward(Tensor(shape: [1, 1, 2, 2], repeating: 1))
        #expect(gradient.scalars == [2, 2, 1, 1, 2, 3, 4, 3, 1, 2, 5, 4, 1, 1, 2, 2])
        var gradients: [String: [Float]] = [:]
        try layer.updateParameters { gradients[$0] = $2?.scalars }
        // And each tap the sum of the four pixels that it sees.
        #expect(gradients["W"] == [4, 8, 8, 4, 4, 8, 8, 4, 4])
        #expect(gradients["b"] == [4])
    }

    @Test func affineGivesAProductByHand() throws {
        var layer = try Affine(
            weights: Tensor(shape: [2, 3], scalars: [1, 2, 3, 4, 5, 6]),
            bias: Tensor(shape: [3], scalars: [10, 20, 30]))
        let x = try Tensor(shape: [1, 2], scalars: [1, -1])
        #expect(try layer.forward(x).scalars == [7, 17, 27])
        #expect(try layer.backward(Tensor(shape: [1, 3], scalars: [1, 0, 2])).scalars == [7, 16])
        var gradients: [String: [Float]] = [:]
        try layer.updateParameters { gradients[$0] = $2?.scalars }
        #expect(gradients["W"] == [1, 0, 2, -1, 0, -2])
        #expect(gradients["b"] == [1, 0, 2])
    }

    @Test func softmaxWithLossGivesProbabilitiesLossAndGradient() throws {
        var layer = SoftmaxWithLoss()
        let logits = try Tensor(zeros: [2, 4])
        #expect(try layer.predict(logits).scalars == Array(repeating: 0.25, count: 8))
        let loss = try layer.forward(logits, labels: [1, 3])
        #expect(abs(loss - 1.3862943611198906) <= 8 * unitRoundoff)  // log 4
        #expect(
            try layer.backward().scalars == [
                0.125, -0.375, 0.125, 0.125, 0.125, 0.125, 0.125, -0.375,
            ])
    }

    @Test(arguments: try LayerCase.all().filter(\.isTheSameInTraining))
    func predictIsForwardAndKeepsNothing(_ layerCase: LayerCase) throws {
        let x = try layerCase.input().converted(to: .float32)
        var layer: any Layer = layerCase.layer
        let predicted = try layer.predict(x)
        let gradient = try layerCase.outputWeights().converted(to: .float32)
        #expect(throws: TensorError.self) { try layer.backward(gradient) }
        #expect(try layer.forward(x).hasSameBits(as: predicted))
        #expect(predicted.shape == (try layer.outputShape(for: x.shape)))
    }

    @Test(arguments: try LayerCase.all())
    func backwardNeedsAForwardPassEachTime(_ layerCase: LayerCase) throws {
        let x = try layerCase.input().converted(to: .float32)
        let gradient = try layerCase.outputWeights().converted(to: .float32)
        var layer: any Layer = layerCase.layer
        let expected = TensorError(
            operation: "\(type(of: layer)).backward", argument: "self", value: "fresh",
            expected: "a layer whose forward was called before")
        #expect(throws: expected) { try layer.backward(gradient) }
        _ = try layer.forward(x)
        _ = try layer.backward(gradient)
        #expect(throws: expected) { try layer.backward(gradient) }
    }

    @Test func aLossHasNoGradientBeforeForward() throws {
        #expect(
            throws: TensorError(
                operation: "SoftmaxWithLoss.backward", argument: "self", value: "fresh",
                expected: "a loss whose forward was called before")
        ) { try SoftmaxWithLoss().backward() }
    }

    /// One channel, column or row too many. Without the check, parameters would get gradients of
    /// another shape than theirs.
    @Test(arguments: try LayerCase.all(), [true, false])
    func backwardRefusesAGradientOfAnotherShape(
        _ layerCase: LayerCase, _ needsInputGradient: Bool
    ) throws {
        let kernels = NativeKernels()
        let x = try layerCase.input().converted(to: .float32)
        for axis in [1, x.shape.count - 1] {
            var layer: any Layer = layerCase.layer
            let output = try layer.forward(x, on: kernels)
            var shape = output.shape
            shape[min(axis, shape.count - 1)] += 1
            let expected = TensorError(
                operation: "\(type(of: layer)).backward", argument: "outputGradient",
                value: "\(shape)", expected: "\(output.shape)")
            #expect(throws: expected) {
                _ = try layer.backward(
                    Tensor(zeros: shape), needsInputGradient: needsInputGradient, on: kernels)
            }
        }
    }

    @Test func wrongWeightsAreRefused() throws {
        #expect(
            throws: TensorError(
                operation: "Affine", argument: "weights", value: "[2, 3, 1]", expected: "[in, out]")
        ) { try Affine(weights: Tensor(zeros: [2, 3, 1]), bias: Tensor(zeros: [3])) }
        #expect(
            throws: TensorError(
                operation: "Affine", argument: "bias", value: "[2]", expected: "[3]")
        ) { try Affine(weights: Tensor(zeros: [2, 3]), bias: Tensor(zeros: [2])) }
        #expect(
            throws: TensorError(
                operation: "Convolution", argument: "weights", value: "[4, 1, 3, 3]",
                expected: "[F, C/groups, 5, 5]")
        ) {
            try Convolution(
                weights: Tensor(zeros: [4, 1, 3, 3]), bias: Tensor(zeros: [4]), window: Window(5))
        }
        #expect(
            throws: TensorError(
                operation: "Convolution", argument: "groups", value: "3",
                expected: "a divisor of 4 channels and 6 filters, all at least 1")
        ) { try Convolution(inputChannels: 4, outputChannels: 6, kernel: 3, groups: 3) }
        for groups in [Int.min, -1, 0, 5, Int.max] {
            #expect(throws: TensorError.self) {
                try Convolution(
                    weights: Tensor(zeros: [4, 1, 3, 3]), bias: Tensor(zeros: [4]),
                    window: Window(3), groups: groups)
            }
        }
    }

    /// What a visitor puts in place is refused, and the layer says no to what it can't compute with it.
    @Test(arguments: try LayerCase.all())
    func parametersKeepTheirShapeAndType(_ layerCase: LayerCase) throws {
        let shape = layerCase.inputShape
        let other = try Tensor(zeros: [1, 1, 1])
        for key in layerCase.layer.parameters.map(\.key) {
            for type in [false, true] {
                var layer = layerCase.layer
                let error = #expect(throws: TensorError.self) {
                    try layer.updateParameters { found, value, _ in
                        guard found == key else { return }
                        value = type ? try value.converted(to: .float64) : other
                    }
                }
                #expect(error?.argument == key)
                _ = try layer.outputShape(for: shape)
                _ = try layer.operationCount(for: shape)
                #expect(throws: TensorError.self) { try layer.predict(Tensor(zeros: shape)) }
            }
        }
        for key in layerCase.layer.buffers.map(\.key) {
            var layer = layerCase.layer
            let error = #expect(throws: TensorError.self) {
                try layer.updateBuffers { found, value in if found == key { value = other } }
            }
            #expect(error?.argument == key)
            #expect(throws: TensorError.self) { try layer.predict(Tensor(zeros: shape)) }
        }
    }

    /// The same weights as with `kernel:` where the window is square, and others where not.
    @Test func aConvolutionTakesAnyWindow() throws {
        let square = try Convolution(
            inputChannels: 4, outputChannels: 6, kernel: 3, stride: 2, padding: 1, dilation: 2,
            groups: 2, initialization: .xavier, seed: 8, stream: 3)
        let same = try Convolution(
            inputChannels: 4, outputChannels: 6,
            window: Window(3, stride: 2, padding: 1, dilation: 2), groups: 2,
            initialization: .xavier, seed: 8, stream: 3)
        #expect(same.weights == square.weights && same.window == square.window)
        #expect(same.groups == 2)
        let wide = try Convolution(
            inputChannels: 4, outputChannels: 6,
            window: Window(
                height: 1, width: 5, stride: PerAxis(height: 1, width: 2),
                padding: Padding(top: 2, bottom: 0, left: 0, right: 3)))
        #expect(wide.weights.shape == [6, 4, 1, 5])
        #expect(try wide.outputShape(for: [2, 4, 7, 8]) == [2, 6, 9, 4])
        #expect(try wide.predict(Tensor(zeros: [2, 4, 7, 8])).shape == [2, 6, 9, 4])
    }

    @Test func aConvolutionWithAWindowRefusesWrongSizes() throws {
        let window = try Window(height: 2, width: 3)
        func expect(_ message: String, _ body: () throws -> Convolution) {
            let error = #expect(throws: TensorError.self) { _ = try body() }
            #expect(error?.description == message)
        }
        expect(
            "Convolution: groups is 3, "
                + "expected a divisor of 4 channels and 6 filters, all at least 1"
        ) { try Convolution(inputChannels: 4, outputChannels: 6, window: window, groups: 3) }
        for (channels, filters) in [(0, 6), (-4, 6), (4, 0), (4, Int.min)] {
            expect(
                "Convolution: groups is 1, expected a divisor of \(channels) channels and "
                    + "\(filters) filters, all at least 1"
            ) { try Convolution(inputChannels: channels, outputChannels: filters, window: window) }
        }
        let largest = Int(Int32.max)
        for (filters, window) in [
            (Int.max, window), (1, try Window(height: largest, width: largest)),
        ] {
            let shape = [filters, 1, window.size.height, window.size.width]
            expect(
                "Convolution: shape is \(shape), "
                    + "expected axes from 1 to 2147483647 and a size that fits in memory"
            ) { try Convolution(inputChannels: 1, outputChannels: filters, window: window) }
        }
    }
}
