// SPDX-License-Identifier: MIT
//
// A 4×4 image worked by hand, in numbers that a reader can follow: the reference is what everything
// else is compared with, so it is compared with paper.

import ConvNetReference
import Testing

@Suite struct WorkedExampleTests {
    let kernels = ReferenceKernels()

    /// The image of "Deep Learning from Scratch", figure 7-3:
    ///
    ///     1 2 3 0
    ///     0 1 2 3
    ///     3 0 1 2
    ///     2 3 0 1
    static func image() throws -> Tensor {
        try Tensor(shape: [1, 1, 4, 4], scalars: [1, 2, 3, 0, 0, 1, 2, 3, 3, 0, 1, 2, 2, 3, 0, 1])
    }

    /// Its filter: 2 0 1 / 0 1 2 / 1 0 2.
    static func filter() throws -> Tensor {
        try Tensor(shape: [1, 1, 3, 3], scalars: [2, 0, 1, 0, 1, 2, 1, 0, 2])
    }

    /// Top left: 1·2 + 3·1 + 1·1 + 2·2 + 3·1 + 1·2 = 15, as the book has it.
    @Test func convolution() throws {
        let y = try kernels.convolution(
            Self.image(), weights: Self.filter(), window: Window(3))
        #expect(y.shape == [1, 1, 2, 2])
        #expect(y.scalars == [15, 16, 6, 15])
        // With a bias of 3, figure 7-5.
        let biased = try kernels.convolution(
            Self.image(), weights: Self.filter(), bias: Tensor(shape: [1], scalars: [3]),
            window: Window(3))
        #expect(biased.scalars == [18, 19, 9, 18])
    }

    /// Rows are places, columns are taps.
    @Test func im2col() throws {
        let columns = try kernels.im2col(Self.image(), window: Window(3))
        #expect(columns.shape == [4, 9])
        #expect(Array(columns.scalars[0..<9]) == [1, 2, 3, 0, 1, 2, 3, 0, 1])
        #expect(Array(columns.scalars[27..<36]) == [1, 2, 3, 0, 1, 2, 3, 0, 1])
        // Padding reads 0: the top left place sees one row and one column of it.
        let padded = try kernels.im2col(Self.image(), window: Window(3, padding: 1))
        #expect(Array(padded.scalars[0..<9]) == [0, 0, 0, 0, 1, 2, 0, 0, 1])
    }

    /// Adding ones back counts how many windows see each pixel.
    @Test func col2im() throws {
        let ones = try Tensor(shape: [4, 9], repeating: 1)
        let counts = try kernels.col2im(ones, inputShape: [1, 1, 4, 4], window: Window(3))
        #expect(counts.scalars == [1, 2, 2, 1, 2, 4, 4, 2, 2, 4, 4, 2, 1, 2, 2, 1])
    }

    /// With a gradient of one output alone, the image's gradient is the filter where that output
    /// looked, and the filter's gradient is the patch it saw.
    @Test func convolutionGradients() throws {
        let dy = try Tensor(shape: [1, 1, 2, 2], scalars: [0, 1, 0, 0])
        let dx = try kernels.convolutionInputGradient(
            dy, weights: Self.filter(), inputShape: [1, 1, 4, 4], window: Window(3), groups: 1)
        #expect(dx.scalars == [0, 2, 0, 1, 0, 0, 1, 2, 0, 1, 0, 2, 0, 0, 0, 0])
        let dw = try kernels.convolutionWeightGradient(
            dy, input: Self.image(), window: Window(3), groups: 1)
        #expect(dw.scalars == [2, 3, 0, 1, 2, 3, 0, 1, 2])
    }

    /// Figure 7-14: 2×2 windows with stride 2 over the book's image.
    @Test func maxPooling() throws {
        let x = try Tensor(
            shape: [1, 1, 4, 4], scalars: [1, 2, 1, 0, 0, 1, 2, 3, 3, 0, 1, 2, 2, 4, 0, 1])
        let result = try kernels.maxPoolingWithArgmax(x, window: Window(2, stride: 2))
        #expect(result.output.scalars == [2, 3, 4, 2])
        #expect(result.argmax.indices == [1, 7, 13, 11])
        let dx = try kernels.maxPoolingGradient(
            Tensor(shape: [1, 1, 2, 2], scalars: [10, 20, 30, 40]), argmax: result.argmax,
            inputShape: x.shape)
        #expect(dx.scalars == [0, 10, 0, 0, 0, 0, 0, 20, 0, 0, 0, 40, 0, 30, 0, 0])
    }

    /// Padding counts as −∞, never as 0; the first of equals wins; NaN wins over all.
    @Test func maxPoolingAtTheEdges() throws {
        let negative = try Tensor(shape: [1, 1, 2, 2], scalars: [-1, -2, -3, -4])
        let padded = try kernels.maxPooling(negative, window: Window(2, stride: 2, padding: 1))
        #expect(padded.scalars == [-1, -2, -3, -4])
        let ties = try Tensor(shape: [1, 1, 1, 3], scalars: [5, 5, 5])
        let tied = try kernels.maxPoolingWithArgmax(ties, window: Window(height: 1, width: 3))
        #expect(tied.argmax.indices == [0])
        let nan = try Tensor(shape: [1, 1, 1, 3], scalars: [1, .nan, .infinity])
        let poisoned = try kernels.maxPoolingWithArgmax(nan, window: Window(height: 1, width: 3))
        #expect(poisoned.argmax.indices == [1])
        #expect(poisoned.output.scalars[0].isNaN)
    }

    @Test func averagePooling() throws {
        let x = try Tensor(shape: [1, 1, 2, 2], scalars: [4, 8, 12, 16])
        let window = try Window(2, stride: 2, padding: 1)
        #expect(
            try kernels.averagePooling(x, window: window, countIncludePad: true).scalars
                == [1, 2, 3, 4])
        #expect(
            try kernels.averagePooling(x, window: window, countIncludePad: false).scalars
                == [4, 8, 12, 16])
        // Ceil mode's taps beyond the padding count for nothing: the last mean is of one pixel.
        let row = try Tensor(shape: [1, 1, 1, 3], scalars: [1, 3, 5])
        let ceil = try Window(
            size: PerAxis(height: 1, width: 2), stride: PerAxis(height: 1, width: 2), padding: 0,
            dilation: 1, ceilMode: true)
        #expect(
            try kernels.averagePooling(row, window: ceil, countIncludePad: true).scalars == [2, 5])
    }

    @Test func softmaxAndLoss() throws {
        // ln 1, ln 2, ln 5: probabilities of 1/8, 2/8, 5/8.
        let logits = try Tensor(shape: [1, 3], doubles: [0, logarithm(2), logarithm(5)])
        let probabilities = try kernels.softmax(logits).doubles
        for (value, expected) in zip(probabilities, [0.125, 0.25, 0.625]) {
            #expect(abs(value - expected) <= 1e-15)
        }
        let result = try kernels.softmaxCrossEntropy(logits, labels: [1])
        #expect(abs(result.loss - logarithm(4)) <= 1e-15)
        for (value, expected) in zip(result.gradient.doubles, [0.125, -0.75, 0.625]) {
            #expect(abs(value - expected) <= 1e-15)
        }
        // A label is a row of probabilities with a single 1.
        let same = try kernels.softmaxCrossEntropy(
            logits, targets: Tensor(shape: [1, 3], doubles: [0, 1, 0]))
        #expect(same.loss == result.loss)
        #expect(same.gradient == result.gradient)
    }

    @Test func activations() throws {
        let x = try Tensor(shape: [4], scalars: [-1, 0, 2, .nan])
        let y = try kernels.relu(x)
        #expect(y.scalars[0...2] == [0, 0, 2])
        #expect(y.scalars[3].isNaN)
        let dy = try Tensor(shape: [4], scalars: [10, 20, 30, 40])
        #expect(try kernels.reluGradient(dy, output: y).scalars == [0, 0, 30, 40])
        #expect(try kernels.sigmoid(Tensor(shape: [1], scalars: [0])).scalars == [0.5])
    }

    @Test func products() throws {
        let a = try Tensor(shape: [2, 3], scalars: [1, 2, 3, 4, 5, 6])
        let b = try Tensor(shape: [3, 2], scalars: [7, 8, 9, 10, 11, 12])
        #expect(try kernels.gemm(MatrixView(a), MatrixView(b)).scalars == [58, 64, 139, 154])
        #expect(
            try kernels.gemm(MatrixView(a), MatrixView(a).transposed).scalars == [14, 32, 32, 77])
        var c = try Tensor(shape: [2, 2], repeating: 1)
        try kernels.gemm(
            alpha: 2, MatrixView(a), MatrixView(b), beta: 10, into: &c,
            layout: MatrixLayout(rows: 2, columns: 2))
        #expect(c.scalars == [126, 138, 288, 318])
    }
}
