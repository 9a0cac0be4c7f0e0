// SPDX-License-Identifier: MIT
//
// Layers that put numbers in other places: by small numbers, and by what they refuse.

import ConvNet
import ConvNetReference
import ConvNetTestSupport
import Testing

struct ShapeLayerTests {
    /// 0, 1, 2, … in a shape.
    private static func counting(_ shape: [Int]) throws -> Tensor {
        try Tensor(shape: shape, scalars: (0..<shape.reduce(1, *)).map { Float($0) })
    }

    /// From, to, step, and what Python's `range(7)[from:to:step]` gives.
    private static let slices: [(Int?, Int?, Int, [Int])] = [
        (nil, nil, 1, [0, 1, 2, 3, 4, 5, 6]), (2, nil, 1, [2, 3, 4, 5, 6]), (nil, 3, 1, [0, 1, 2]),
        (-3, -1, 1, [4, 5]), (1, 6, 2, [1, 3, 5]), (nil, nil, 3, [0, 3, 6]),
        (nil, nil, -1, [6, 5, 4, 3, 2, 1, 0]), (5, 1, -2, [5, 3]), (5, nil, -2, [5, 3, 1]),
        (nil, 0, -3, [6, 3]), (-2, -20, -2, [5, 3, 1]), (-20, 20, 6, [0, 6]),
        (20, -20, -5, [6, 1]),
        (Int.min, Int.max, 1 << 30, [0]), (Int.max, Int.min, -(1 << 30), [6]), (6, nil, 1, [6]),
    ]

    @Test(arguments: slices)
    func slicesAreThoseOfPython(
        _ from: Int?, _ to: Int?, _ step: Int, _ expected: [Int]
    ) throws {
        let layer = try Slice(axis: 1, from: from, to: to, step: step)
        let x = try Self.counting([1, 7])
        #expect(try layer.predict(x).scalars == expected.map { Float($0) })
        #expect(try layer.outputShape(for: [3, 7, 2]) == [3, expected.count, 2])
        let gradient = try layer.forward(x).pullback(
            Tensor(shape: [1, expected.count], repeating: 2))
        #expect(
            gradient.input?.scalars == (0..<7).map { expected.contains($0) ? 2 : 0 })
    }

    @Test func numbersGoWhereTheyShould() throws {
        let x = try Self.counting([1, 2, 2, 2])
        #expect(
            try Transpose([0, 2, 3, 1]).predict(x).scalars == [0, 4, 1, 5, 2, 6, 3, 7])
        #expect(try PixelShuffle(1).predict(x) == x)
        let blocks = try Self.counting([1, 4, 1, 2])
        let shuffled = try PixelShuffle(2).predict(blocks)
        #expect(shuffled.shape == [1, 1, 2, 4])
        #expect(shuffled.scalars == [0, 2, 1, 3, 4, 6, 5, 7])
        #expect(try PixelUnshuffle(2).predict(shuffled) == blocks)
        #expect(try Reshape(to: [-1, 4]).predict(x).shape == [1, 2, 4])
        #expect(try Reshape(to: []).outputShape(for: [3, 1, 1]) == [3])
        #expect(try Squeeze(axis: 2).predict(Self.counting([3, 2, 1])).shape == [3, 2])
        #expect(try Unsqueeze(axis: 1).predict(Self.counting([3, 2])).shape == [3, 1, 2])
        #expect(try Unsqueeze(axis: -1).predict(Self.counting([3, 2])).shape == [3, 2, 1])
    }

    @Test func paddingsAddWhatTheyShould() throws {
        let x = try Tensor(shape: [1, 1, 1, 3], scalars: [1, 2, 3])
        func padded(_ mode: ImagePadding.Mode) throws -> [Float] {
            try ImagePadding(left: 2, right: 2, mode: mode).predict(x).scalars
        }
        #expect(try padded(.constant(7)) == [7, 7, 1, 2, 3, 7, 7])
        #expect(try padded(.reflect) == [3, 2, 1, 2, 3, 2, 1])
        #expect(try padded(.edge) == [1, 1, 1, 2, 3, 3, 3])
        let edge = try ImagePadding(left: 2, right: 1, mode: .edge).forward(x)
        let gradient = try edge.pullback(
            Tensor(shape: [1, 1, 1, 6], scalars: [1, 10, 100, 1000, 10000, 100000]))
        #expect(gradient.input?.scalars == [111, 1000, 110000])
        #expect(
            try ImagePadding(1).predict(Tensor(shape: [1, 1, 1, 1], scalars: [5])).scalars
                == [0, 0, 0, 0, 5, 0, 0, 0, 0])
    }

    /// A concatenation of a value with itself, of a branch, and what comes back.
    @Test func concatenationsJoinAndPart() throws {
        let layer = try Concatenation(axis: 1)
        let (x, y) = (try Self.counting([2, 1, 2]), try Tensor(shape: [2, 2, 2], repeating: 9))
        for kernels in [NativeKernels(), ReferenceKernels()] as [any Kernels] {
            let forward = try layer.forward([x, y, x], in: Pass(kernels: kernels))
            #expect(forward.output.shape == [2, 4, 2])
            #expect(
                forward.output.scalars == [0, 1, 9, 9, 9, 9, 0, 1, 2, 3, 9, 9, 9, 9, 2, 3])
            let gradients = try forward.pullback(
                Self.counting([2, 4, 2]),
                wanted: WantedGradients(inputs: [true, true, false], parameters: false))
            #expect(gradients.inputs[0]?.scalars == [0, 1, 8, 9])
            #expect(gradients.inputs[1]?.scalars == [2, 3, 4, 5, 10, 11, 12, 13])
            #expect(gradients.inputs[2] == nil)
        }
        let network = try Network(inputShape: [1, 2]) { graph, image in
            let doubled = try graph.add(Concatenation(axis: -1), image, image)
            return try graph.add(Flatten(), doubled)
        }
        let result = try network.gradients(x, labels: [0, 1])
        #expect(result.loss.isFinite)
        #expect(try network.predict(x).scalars == [0, 1, 0, 1, 2, 3, 2, 3])
    }

    /// Means of halves, thirds that overlap, and sizes that a scale makes.
    @Test func imagesAreResized() throws {
        let x = try Tensor(shape: [1, 1, 1, 4], scalars: [0, 4, 8, 12])
        func resized(_ layer: Resize) throws -> [Float] { try layer.predict(x).scalars }
        #expect(
            try resized(Resize(scales: (1, 2), mode: .nearest)) == [0, 0, 4, 4, 8, 8, 12, 12])
        #expect(
            try resized(Resize(scales: (1, 2), mode: .bilinear)) == [0, 1, 3, 5, 7, 9, 11, 12])
        #expect(
            try resized(
                Resize(
                    sizes: PerAxis(height: 1, width: 7), mode: .bilinear,
                    coordinates: .alignCorners)) == [0, 2, 4, 6, 8, 10, 12])
        #expect(
            try resized(
                Resize(scales: (1, 2), mode: .bilinear, coordinates: .asymmetric))
                == [0, 2, 4, 6, 8, 10, 12, 12])
        #expect(
            try resized(
                Resize(
                    sizes: PerAxis(height: 1, width: 2), mode: .nearest, coordinates: .asymmetric))
                == [0, 8])
        #expect(
            try resized(Resize(sizes: PerAxis(height: 1, width: 2), mode: .nearest)) == [4, 12])
        #expect(
            try AdaptiveAveragePooling(PerAxis(height: 1, width: 3)).predict(x).scalars
                == [2, 6, 10])
        #expect(
            try Resize(scales: (1, 0.7), mode: .bicubic).outputShape(for: [1, 1, 1, 4])[3] == 2)
    }

    /// Weights 1, 5/7, 3/7 and 1/7 around the first pixel, and as many around the last.
    @Test func alignedCornersStayWithAntialias() throws {
        let layer = try Resize(
            sizes: PerAxis(height: 1, width: 3), mode: .bilinear, coordinates: .alignCorners,
            antialias: true)
        let resized = try layer.predict(Self.counting([1, 1, 1, 8]))
        let expected = try Tensor(shape: [1, 1, 1, 3], scalars: [0.875, 3.5, 6.125])
        let comparison = Comparison(resized, expected, bounds: [7, 7, 7].map { $0 * gamma(12) })
        #expect(comparison.isWithinBounds, "\(comparison)")
    }

    /// The layer is the adjoint of a convolution: ⟨conv(y), x⟩ = ⟨y, transposed(x)⟩ without bias.
    @Test func aTransposedConvolutionIsAConvolutionsAdjoint() throws {
        var draw = Draw(seed: 2)
        let weights = try draw.integers([4, 3, 2, 3])
        let window = try Window(
            size: PerAxis(height: 2, width: 3), stride: PerAxis(height: 3, width: 2),
            padding: Padding(top: 1, bottom: 0, left: 2, right: 1), dilation: 2, ceilMode: false)
        let layer = try TransposedConvolution(
            weights: weights, bias: Tensor(zeros: [6]), window: window,
            outputPadding: PerAxis(height: 1, width: 0), groups: 2)
        let x = try draw.integers([2, 4, 3, 4])
        let y = try draw.integers(layer.outputShape(for: x.shape))
        let convolution = try Convolution(
            weights: weights, bias: Tensor(zeros: [4]), window: window, groups: 2)
        func product(_ one: Tensor, _ other: Tensor) -> Double {
            zip(one.doubles, other.doubles).map(*).reduce(0, +)
        }
        #expect(
            try product(layer.predict(x), y) == product(convolution.predict(y), x))
        #expect(try layer.operationCount(for: x.shape) == 2 * 3 * 2 * 3 * x.count)
    }
}

struct ShapeLayerRefusalTests {
    private func expect(
        _ message: String, sourceLocation: SourceLocation = #_sourceLocation,
        _ body: () throws -> Void
    ) {
        let error = #expect(throws: TensorError.self, sourceLocation: sourceLocation) { try body() }
        #expect(error?.description == message, sourceLocation: sourceLocation)
    }

    @Test func axes() {
        let rule = "expected not 0, the axis of samples"
        expect("Concatenation: axis is 0, \(rule)") { _ = try Concatenation(axis: 0) }
        expect("Slice: axis is 0, \(rule)") { _ = try Slice(axis: 0) }
        expect("Squeeze: axis is 0, \(rule)") { _ = try Squeeze(axis: 0) }
        expect("Unsqueeze: axis is 0, \(rule)") { _ = try Unsqueeze(axis: 0) }
        for axis in [3, -3, Int.min, Int.max] {
            let rule = "axis is \(axis), expected an axis of [2, 3, 4] behind that of samples"
            expect("Slice: \(rule)") { _ = try Slice(axis: axis).outputShape(for: [2, 3, 4]) }
            expect("Squeeze: \(rule)") { _ = try Squeeze(axis: axis).outputShape(for: [2, 3, 4]) }
            expect("Concatenation: \(rule)") {
                _ = try Concatenation(axis: axis).outputShape(for: [[2, 3, 4]])
            }
        }
        expect("Unsqueeze: axis is -3, expected an axis of [2, 3, 1] behind that of samples") {
            _ = try Unsqueeze(axis: -3).outputShape(for: [2, 3])
        }
        expect("Squeeze: x is [2, 3], expected 1 along axis 1") {
            _ = try Squeeze(axis: -1).outputShape(for: [2, 3])
        }
    }

    @Test func copies() throws {
        expect("Concatenation: inputs is 0, expected one or more") {
            _ = try Concatenation().outputShape(for: [])
        }
        expect(
            "Concatenation: inputs is [2, 3, 5], "
                + "expected [2, 3, 4], the shape of the first, except along axis 1"
        ) { _ = try Concatenation().outputShape(for: [[2, 3, 4], [2, 3, 5]]) }
        expect(
            "Concatenation: inputs is [2], "
                + "expected [2, 3], the shape of the first, except along axis 1"
        ) { _ = try Concatenation().outputShape(for: [[2, 3], [2]]) }
        for step in [0, Int.min, 1 << 31] {
            expect(
                "Slice: step is \(step), expected not 0, and from -2147483647 to 2147483647"
            ) { _ = try Slice(axis: 1, step: step) }
        }
        expect("Slice: x is [2, 3], expected at least one index along axis 1 in 2:1:1") {
            _ = try Slice(axis: 1, from: 2, to: 1).outputShape(for: [2, 3])
        }
        for permutation in [[], [1, 0], [0, 1, 1], [0, 2], [0, Int.max]] {
            expect(
                "Transpose: permutation is \(permutation), "
                    + "expected each axis once, first 0, the axis of samples"
            ) { _ = try Transpose(permutation) }
        }
        expect("Transpose: x is [2, 3], expected as many axes as the permutation [0, 2, 1]") {
            _ = try Transpose([0, 2, 1]).outputShape(for: [2, 3])
        }
        for shape in [[-1, -1], [0], [2, -2], [Int.min]] {
            expect(
                "Reshape: sampleShape is \(shape), "
                    + "expected extents of at least 1, and -1 at most once"
            ) { _ = try Reshape(to: shape) }
        }
        for shape in [[5], [5, -1], [7, 2]] {
            expect(
                "Reshape: x is [2, 3, 4], expected samples that can be reshaped to \(shape)"
            ) { _ = try Reshape(to: shape).outputShape(for: [2, 3, 4]) }
        }
        for factor in [0, -2, Int.max] {
            expect("PixelShuffle: factor is \(factor), expected from 1 to 2147483647") {
                _ = try PixelShuffle(factor)
            }
            expect("PixelUnshuffle: factor is \(factor), expected from 1 to 2147483647") {
                _ = try PixelUnshuffle(factor)
            }
        }
        expect("PixelShuffle: x is [2, 3, 2, 2], expected [N, C, H, W] with C a multiple of 4") {
            _ = try PixelShuffle(2).outputShape(for: [2, 3, 2, 2])
        }
        expect(
            "PixelUnshuffle: x is [2, 3, 2, 3], expected [N, C, H, W] with H and W multiples of 2"
        ) { _ = try PixelUnshuffle(2).outputShape(for: [2, 3, 2, 3]) }
    }

    @Test func paddings() throws {
        expect("ImagePadding: padding is [0, -1, 0, 0], expected from 0 to 2147483647 on each side")
        {
            _ = try ImagePadding(bottom: -1)
        }
        expect(
            "ImagePadding: mode is constant(inf), expected a constant that float32 holds"
        ) { _ = try ImagePadding(1, mode: .constant(.infinity)) }
        expect("ImagePadding: x is [2, 3], expected [N, C, H, W]") {
            _ = try ImagePadding(1).outputShape(for: [2, 3])
        }
        expect(
            "ImagePadding: padding is (0, 4, 0, 0), "
                + "expected less than the image's 4×5 in reflect mode"
        ) { _ = try ImagePadding(bottom: 4, mode: .reflect).outputShape(for: [1, 1, 4, 5]) }
        let largest = Int(Int32.max)
        expect(
            "ImagePadding: padding is [1, 1, \(largest + 1), 1], "
                + "expected extents from 1 to 2147483647 and a size that fits in memory"
        ) { _ = try ImagePadding(top: largest).outputShape(for: [1, 1, 1, 1]) }
        expect(
            "ImagePadding: output is \(largest)×1 pixels, expected sides from 1 to 1048576"
        ) { _ = try ImagePadding(top: largest - 1, mode: .edge).outputShape(for: [1, 1, 1, 1]) }
    }

    @Test func resizings() throws {
        expect("Resize: sizes is 0×3, expected from 1 to 1048576 along each axis") {
            _ = try Resize(sizes: PerAxis(height: 0, width: 3), mode: .nearest)
        }
        for scale in [0, -1, Double.nan, .infinity, 1e30] {
            expect(
                "Resize: scales is 1.0×\(scale), expected from 2^-20 to 2^20 along each axis"
            ) { _ = try Resize(scales: (1, scale), mode: .nearest) }
        }
        expect("Resize: antialias is true, expected false for the nearest pixel") {
            _ = try Resize(sizes: 3, mode: .nearest, antialias: true)
        }
        let half = try Resize(scales: (0.5, 0.5), mode: .nearest)
        expect("Resize: output is 0×1 pixels, expected sides from 1 to 1048576") {
            _ = try half.outputShape(for: [1, 1, 1, 2])
        }
        expect("Resize: x is [1, 2], expected [N, C, H, W]") {
            _ = try half.outputShape(for: [1, 2])
        }
        let large = try Resize(scales: (0x1p20, 1), mode: .nearest)
        expect("Resize: output is 2097152×2 pixels, expected sides from 1 to 1048576") {
            _ = try large.outputShape(for: [1, 1, 2, 2])
        }
        expect(
            "AdaptiveAveragePooling: outputSize is 0×0, expected from 1 to 1048576 along each axis"
        ) {
            _ = try AdaptiveAveragePooling(0)
        }
        expect(
            "AdaptiveAveragePooling: x is 1×2097152 pixels, expected sides from 1 to 1048576"
        ) { _ = try AdaptiveAveragePooling(2).outputShape(for: [1, 1, 1, 1 << 21]) }
    }

    @Test func transposedConvolutions() throws {
        typealias Layer = TransposedConvolution
        expect(
            "TransposedConvolution: groups is 3, "
                + "expected a divisor of 4 channels and 6 filters, all at least 1"
        ) { _ = try Layer(inputChannels: 4, outputChannels: 6, kernel: 3, groups: 3) }
        for padding in [2, -1, Int.max] {
            expect(
                "TransposedConvolution: outputPadding is \(padding)×\(padding), "
                    + "expected at least 0 and less than the stride of 2×2"
            ) {
                _ = try Layer(
                    inputChannels: 1, outputChannels: 1, kernel: 3, stride: 2,
                    outputPadding: padding)
            }
        }
        expect(
            "TransposedConvolution: window is one in ceil mode, "
                + "expected one without: the output's size follows from the input's"
        ) {
            _ = try Layer(
                inputChannels: 1, outputChannels: 1, window: Window(2, ceilMode: true))
        }
        let layer = try Layer(inputChannels: 2, outputChannels: 3, kernel: 2, padding: 1)
        expect("TransposedConvolution: x is [1, 3, 2, 2], expected [N, 2, H, W]") {
            _ = try layer.outputShape(for: [1, 3, 2, 2])
        }
        expect(
            "TransposedConvolution: x is [1, 2, 1, 5], "
                + "expected images of which something is left: this output is 0×4"
        ) { _ = try layer.outputShape(for: [1, 2, 1, 5]) }
        expect("TransposedConvolution: bias is [2], expected [6]") {
            _ = try Layer(
                weights: Tensor(zeros: [2, 3, 1, 1]), bias: Tensor(zeros: [2]), window: Window(1),
                groups: 2)
        }
        expect("TransposedConvolution: weights is [2, 3, 1, 1], expected [C, F/groups, 3, 3]") {
            _ = try Layer(
                weights: Tensor(zeros: [2, 3, 1, 1]), bias: Tensor(zeros: [3]), window: Window(3))
        }
        let side = Int(Int32.max)
        let wide = try Layer(
            inputChannels: 1, outputChannels: 1,
            window: Window(1, stride: side, padding: 0, dilation: side))
        #expect(throws: TensorError.self) { _ = try wide.outputShape(for: [1, 1, side, 1]) }
    }

    @Test func settingsOfFiles() {
        let none = LayerTensors([:])
        expect("settings: mode is cubic, expected nearest, bilinear, bicubic") {
            _ = try Resize(
                settings: [
                    "sizes": .integers([2, 2]), "mode": .text("cubic"),
                    "coordinates": .text("halfPixel"), "antialias": .flag(false),
                ], tensors: none)
        }
        expect("settings: mode is wrap, expected constant, reflect or edge") {
            _ = try ImagePadding(
                settings: ["padding": .integers([0, 0, 0, 0]), "mode": .text("wrap")],
                tensors: none)
        }
        expect("settings: value is 1, expected only padding, mode") {
            _ = try ImagePadding(
                settings: [
                    "padding": .integers([0, 0, 0, 0]), "mode": .text("edge"), "value": .integer(1),
                ], tensors: none)
        }
        expect("settings: from is true, expected a whole number from \(Int.min) to \(Int.max)") {
            _ = try Slice(
                settings: ["axis": .integer(1), "step": .integer(1), "from": .flag(true)],
                tensors: none)
        }
        expect("settings: sample_shape is [-2], expected whole numbers from -1 to 2147483647") {
            _ = try Reshape(settings: ["sample_shape": .integers([-2])], tensors: none)
        }
    }
}
