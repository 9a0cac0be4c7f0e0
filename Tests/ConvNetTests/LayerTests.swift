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
        let layer = try Convolution(
            weights: weights, bias: Tensor(shape: [1], scalars: [3]), window: Window(3))
        #expect(try layer.predict(x).scalars == [18, 19, 9, 18])
        let forward = try layer.forward(x)
        #expect(forward.output.scalars == [18, 19, 9, 18])
        // With gradients of 1, each pixel gets the sum of the filter's taps that see it.
        let gradients = try forward.pullback(Tensor(shape: [1, 1, 2, 2], repeating: 1))
        #expect(gradients.input?.scalars == [2, 2, 1, 1, 2, 3, 4, 3, 1, 2, 5, 4, 1, 1, 2, 2])
        // And each tap the sum of the four pixels that it sees.
        #expect(layer.parameterNames == ["W", "b"])
        #expect(gradients.parameters.map(\.scalars) == [[4, 8, 8, 4, 4, 8, 8, 4, 4], [4]])
    }

    @Test func affineGivesAProductByHand() throws {
        let layer = try Affine(
            weights: Tensor(shape: [2, 3], scalars: [1, 2, 3, 4, 5, 6]),
            bias: Tensor(shape: [3], scalars: [10, 20, 30]))
        let x = try Tensor(shape: [1, 2], scalars: [1, -1])
        let forward = try layer.forward(x)
        #expect(forward.output.scalars == [7, 17, 27])
        let gradients = try forward.pullback(Tensor(shape: [1, 3], scalars: [1, 0, 2]))
        #expect(gradients.input?.scalars == [7, 16])
        #expect(gradients.parameters.map(\.scalars) == [[1, 0, 2, -1, 0, -2], [1, 0, 2]])
    }

    @Test func softmaxCrossEntropyGivesLossAndGradient() throws {
        let result = try SoftmaxCrossEntropy.standard.evaluate(
            Tensor(zeros: [2, 4]), .labels([1, 3]), on: NativeKernels())
        #expect(abs(result.loss - 1.3862943611198906) <= 8 * unitRoundoff)  // log 4
        #expect(
            result.gradient.scalars == [
                0.125, -0.375, 0.125, 0.125, 0.125, 0.125, 0.125, -0.375,
            ])
    }

    @Test(arguments: try LayerCatalogue.examples())
    func predictIsForward(_ example: LayerExample) throws {
        guard try LayerCatalogue.entry(of: example.layer).isTheSameInTraining else { return }
        let inputs = try example.inputs().map { try $0.converted(to: .float32) }
        let predicted = try example.layer.predict(inputs, on: NativeKernels())
        #expect(try example.layer.forward(inputs, in: Pass()).output.hasSameBits(as: predicted))
        #expect(predicted.shape == (try example.layer.outputShape(for: example.inputShapes)))
    }

    /// What an example says of itself.
    @Test(arguments: try LayerCatalogue.examples().filter(\.isExact))
    func exactExamplesAreExact(_ example: LayerExample) throws {
        let inputs = try example.inputs()
        let exact = try example.layer.converted(to: .float64)
            .predict(inputs, on: ReferenceKernels())
        let native = try example.layer.predict(
            inputs.map { try $0.converted(to: .float32) }, on: NativeKernels())
        #expect(native.doubles == exact.doubles)
    }

    /// Two passes through one layer know nothing of each other, and a pullback may be called again.
    @Test(arguments: try LayerCatalogue.examples())
    func passesAreIndependent(_ example: LayerExample) throws {
        let inputs = try example.inputs().map { try $0.converted(to: .float32) }
        let gradient = try example.outputWeights().converted(to: .float32)
        let first = try example.layer.forward(inputs, in: Pass())
        let alone = try first.pullback(gradient)
        let other = try example.layer.forward(
            inputs.map { try $0.map { 2 * $0 } }, in: Pass(step: 1))
        _ = try other.pullback(gradient)
        let again = try first.pullback(gradient)
        #expect(again.inputs == alone.inputs && again.parameters == alone.parameters)
        #expect(try example.layer.forward(inputs, in: Pass()).output == first.output)
    }

    @Test func anotherNumberOfInputsIsRefused() throws {
        let x = try Tensor(zeros: [1, 2])
        #expect(
            throws: TensorError(
                operation: "ReLU", argument: "inputs", value: "2", expected: "1")
        ) { try ReLU().predict([x, x], on: NativeKernels()) }
        #expect(
            throws: TensorError(
                operation: "Addition", argument: "inputs", value: "1", expected: "two or more")
        ) { try Addition().predict([x], on: NativeKernels()) }
        #expect(
            throws: TensorError(
                operation: "Addition", argument: "inputs", value: "[1, 3]",
                expected: "[1, 2], the shape of the first")
        ) { try Addition().forward([x, Tensor(zeros: [1, 3])], in: Pass()) }
    }

    /// One channel, column or row too many. Without the check, parameters would get gradients of
    /// another shape than theirs.
    @Test(arguments: try LayerCatalogue.examples(), [true, false])
    func aPullbackRefusesAGradientOfAnotherShape(
        _ example: LayerExample, _ wantsInputs: Bool
    ) throws {
        let inputs = try example.inputs().map { try $0.converted(to: .float32) }
        let wanted = WantedGradients(
            inputs: inputs.map { _ in wantsInputs }, parameters: true)
        for axis in [1, inputs[0].shape.count - 1] {
            let forward = try example.layer.forward(inputs, in: Pass())
            var shape = forward.output.shape
            shape[min(axis, shape.count - 1)] += 1
            let expected = TensorError(
                operation: "pullback", argument: "outputGradient", value: "\(shape)",
                expected: "\(forward.output.shape)")
            #expect(throws: expected) {
                _ = try forward.pullback(Tensor(zeros: shape), wanted: wanted)
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

    /// Whatever is put in a parameter's or buffer's place, the layer refuses to compute with it, or
    /// it has its shape and type.
    @Test(arguments: try LayerCatalogue.examples())
    func replacedTensorsAreRefusedWhereTheyAreUsed(_ example: LayerExample) throws {
        let inputs = try example.inputs().map { try $0.converted(to: .float32) }
        let (shapes, other) = (example.inputShapes, try Tensor(zeros: [1, 1, 1]))
        func expectRefusal(_ layer: any Layer, _ argument: String?) throws {
            for error in [
                #expect(throws: TensorError.self) {
                    try layer.predict(inputs, on: NativeKernels())
                },
                #expect(throws: TensorError.self) { try layer.forward(inputs, in: Pass()) },
            ] {
                if let argument { #expect(error?.argument == argument) }
            }
            // Shapes are those that the layer was made with.
            #expect(
                try layer.outputShape(for: shapes) == example.layer.outputShape(for: shapes))
            _ = try layer.operationCount(for: shapes)
        }
        for (place, key) in example.layer.parameterNames.enumerated() {
            var layer: any Layer = example.layer
            layer.parameters[place] = other
            try expectRefusal(layer, key)
            layer = example.layer
            layer.parameters[place] = try layer.parameters[place].converted(to: .float64)
            try expectRefusal(layer, nil)
        }
        for (place, key) in example.layer.bufferNames.enumerated() {
            var layer: any Layer = example.layer
            layer.buffers[place] = other
            try expectRefusal(layer, key)
        }
        guard !example.layer.parameterNames.isEmpty else { return }
        var layer: any Layer = example.layer
        layer.parameters.removeLast()
        try expectRefusal(layer, "parameters")
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
        #expect(try same.weights == square.weights)
        #expect(same.window == square.window)
        #expect(same.groups == 2)
        let wide = try Convolution(
            inputChannels: 4, outputChannels: 6,
            window: Window(
                height: 1, width: 5, stride: PerAxis(height: 1, width: 2),
                padding: Padding(top: 2, bottom: 0, left: 0, right: 3)))
        #expect(try wide.weights.shape == [6, 4, 1, 5])
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
                    + "expected extents from 1 to 2147483647 and a size that fits in memory"
            ) { try Convolution(inputChannels: 1, outputChannels: filters, window: window) }
        }
    }
}
