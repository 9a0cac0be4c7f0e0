// SPDX-License-Identifier: MIT
//
// What a caller can get wrong, and the words it gets: the same from both implementations, since
// they share their checks.

import ConvNetKernels
import ConvNetReference
import ConvNetTestSupport
import Testing

@Suite struct BadInputTests {
    static let conformers: [any Kernels] = [NativeKernels(), ReferenceKernels()]

    /// Expects the same one-line error of both implementations.
    static func expect(
        _ message: String, sourceLocation: SourceLocation = #_sourceLocation,
        _ body: (any Kernels) throws -> Void
    ) {
        for kernels in conformers {
            let error = #expect(throws: TensorError.self, sourceLocation: sourceLocation) {
                try body(kernels)
            }
            #expect(error?.description == message, sourceLocation: sourceLocation)
        }
    }

    static func zeros(_ shape: [Int]) throws -> Tensor { try Tensor(zeros: shape) }

    @Test func products() throws {
        let (a, b) = (try Self.zeros([2, 3]), try Self.zeros([4, 5]))
        Self.expect("gemm: b is 4×5, expected 3 rows, the columns of a (2×3)") {
            _ = try $0.gemm(MatrixView(a), MatrixView(b))
        }
        var c = try Self.zeros([2, 5])
        let fits = try Self.zeros([3, 5])
        Self.expect("gemm: layout is 2×4, expected 2×5") {
            try $0.gemm(
                alpha: 1, MatrixView(a), MatrixView(fits), beta: 0, into: &c,
                layout: MatrixLayout(rows: 2, columns: 4))
        }
        Self.expect("gemm: layout is 2×5 up to 12, expected inside the 10 numbers of [2, 5]") {
            try $0.gemm(
                alpha: 1, MatrixView(a), MatrixView(fits), beta: 0, into: &c,
                layout: MatrixLayout(rows: 2, columns: 5, leadingDimension: 7))
        }
        let double = try Tensor(zeros: [3, 5], scalarType: .float64)
        Self.expect("gemm: b is float64, expected float32") {
            _ = try $0.gemm(MatrixView(a), MatrixView(double))
        }
    }

    @Test func windows() throws {
        let x = try Self.zeros([1, 2, 4, 5])
        Self.expect("im2col: window is 7×7, expected at most the padded input's 6×7") {
            _ = try $0.im2col(x, window: Window(7, padding: 1))
        }
        Self.expect("im2col: x is [4, 5], expected [N, C, H, W]") {
            _ = try $0.im2col(Self.zeros([4, 5]), window: Window(1))
        }
        Self.expect("col2im: columns is [3, 3], expected [6, 18]") {
            _ = try $0.col2im(
                Self.zeros([3, 3]), inputShape: x.shape, window: Window(3))
        }
        Self.expect(
            "maxPooling: window is padded by (2, 2, 2, 2), expected padding of at most half the "
                + "window's size 3×3"
        ) { _ = try $0.maxPooling(x, window: Window(3, padding: 2)) }
        Self.expect(
            "maxPooling: window is 2×2 with dilation 3×3, expected at least one pixel of "
                + "[1, 1, 2, 2] under each place"
        ) {
            _ = try $0.maxPooling(
                Self.zeros([1, 1, 2, 2]), window: Window(2, padding: 1, dilation: 3))
        }
        Self.expect(
            "im2col: x is [0, 2, 4, 5], expected extents from 1 to 2147483647 and a size that fits "
                + "in memory"
        ) { _ in
            _ = try KernelChecks.columns(
                inputShape: [0, 2, 4, 5], window: Window(3), operation: "im2col")
        }
        Self.expect("Window: stride is 0×0, expected from 1 to 2147483647 along each axis") { _ in
            _ = try Window(3, stride: 0)
        }
        Self.expect("Window: padding is -1×-1, expected from 0 to 2147483647 along each axis") {
            _ in
            _ = try Window(3, padding: -1)
        }
    }

    @Test func hugeWindowsAreRefusedBeforeAnythingIsAllocated() throws {
        let x = try Self.zeros([1, 1, 4, 4])
        for kernels in Self.conformers {
            #expect(throws: TensorError.self) {
                try kernels.im2col(x, window: Window(1, padding: Int(Int32.max)))
            }
        }
    }

    /// 2⁵¹ numbers, more than an address space holds, and filters of more taps than a
    /// number counts.
    @Test func hugeResultsAreRefused() throws {
        let x = try Self.zeros([1, 1, 4, 4])
        let padding = Padding(top: 0, bottom: Int(Int32.max), left: 0, right: 1 << 20)
        let size = PerAxis(Int(Int32.max))
        for kernels in Self.conformers {
            #expect(throws: TensorError.self) {
                try kernels.convolution(
                    x, weights: Self.zeros([1, 1, 1, 1]),
                    window: Window(height: 1, width: 1, padding: padding))
            }
            let filters = 64
            #expect(throws: TensorError.self) {
                try kernels.convolutionWeightGradient(
                    Self.zeros([1, filters, 1, 1]), input: Self.zeros([1, filters, 4, 4]),
                    window: Window(
                        size: size, stride: 9,
                        padding: Padding(
                            top: 0, bottom: size.height - 4, left: 0, right: size.width - 4),
                        dilation: 1, ceilMode: false), groups: 1)
            }
        }
    }

    @Test func convolutions() throws {
        let x = try Self.zeros([1, 4, 6, 6])
        Self.expect(
            "convolution: weights is [8, 3, 3, 3], expected [8, 4, 3, 3] for images [1, 4, 6, 6] "
                + "and this window"
        ) { _ = try $0.convolution(x, weights: Self.zeros([8, 3, 3, 3]), window: Window(3)) }
        Self.expect("convolution: groups is 3, expected a divisor of 4 channels and 8 filters") {
            _ = try $0.convolution(
                x, weights: Self.zeros([8, 4, 3, 3]), bias: nil, window: Window(3), groups: 3)
        }
        Self.expect("convolution: bias is [4], expected [8]") {
            _ = try $0.convolution(
                x, weights: Self.zeros([8, 4, 3, 3]), bias: Self.zeros([4]), window: Window(3))
        }
        Self.expect(
            "convolutionInputGradient: outputGradient is [1, 8, 6, 6], expected [1, 8, 4, 4]"
        ) {
            _ = try $0.convolutionInputGradient(
                Self.zeros([1, 8, 6, 6]), weights: Self.zeros([8, 4, 3, 3]), inputShape: x.shape,
                window: Window(3), groups: 1)
        }
        Self.expect(
            "convolutionWeightGradient: outputGradient is [1, 8], expected [N, F, OH, OW]"
        ) {
            _ = try $0.convolutionWeightGradient(
                Self.zeros([1, 8]), input: x, window: Window(3), groups: 1)
        }
    }

    @Test func losses() throws {
        let logits = try Self.zeros([2, 10])
        Self.expect("softmaxCrossEntropy: labels is 10, expected from 0 to 9") {
            _ = try $0.softmaxCrossEntropy(logits, labels: [3, 10])
        }
        Self.expect("softmaxCrossEntropy: labels is -1, expected from 0 to 9") {
            _ = try $0.softmaxCrossEntropy(logits, labels: [-1, 0])
        }
        Self.expect("softmaxCrossEntropy: labels.count is 1, expected 2, one per sample") {
            _ = try $0.softmaxCrossEntropy(logits, labels: [3])
        }
        Self.expect("softmaxCrossEntropy: targets is [2, 9], expected [2, 10]") {
            _ = try $0.softmaxCrossEntropy(logits, targets: Self.zeros([2, 9]))
        }
        Self.expect("softmax: logits is [10], expected [N, K]") {
            _ = try $0.softmax(Self.zeros([10]))
        }
    }

    @Test func theRest() throws {
        var x = try Self.zeros([2, 3])
        Self.expect("addBias: bias is [2], expected [3]") {
            try $0.addBias(Self.zeros([2]), to: &x)
        }
        Self.expect("biasGradient: outputGradient is [3], expected [N, C] or [N, C, …]") {
            _ = try $0.biasGradient(Self.zeros([3]))
        }
        Self.expect("reluGradient: output is [3, 2], expected [2, 3]") {
            _ = try $0.reluGradient(x, output: Self.zeros([3, 2]))
        }
        Self.expect("sgdUpdate: gradient is [3, 2], expected [2, 3]") {
            try $0.sgdUpdate(&x, gradient: Self.zeros([3, 2]), learningRate: 1)
        }
        Self.expect("adamUpdate: step is 0, expected at least 1") {
            var (m, v) = (try Self.zeros([2, 3]), try Self.zeros([2, 3]))
            try $0.adamUpdate(
                &x, firstMoment: &m, secondMoment: &v, gradient: Self.zeros([2, 3]), step: 0,
                settings: AdamSettings())
        }
        let argmax = try IndexTensor(shape: [1, 1, 1, 1], indices: [16])
        Self.expect("maxPoolingGradient: argmax is 16, expected from 0 to 15, inside a plane") {
            _ = try $0.maxPoolingGradient(
                Self.zeros([1, 1, 1, 1]), argmax: argmax, inputShape: [1, 1, 4, 4])
        }
    }

    @Test func nativeKernelsTakeFloat32Only() throws {
        let x = try Tensor(zeros: [1, 1, 4, 4], scalarType: .float64)
        let error = #expect(throws: TensorError.self) { try NativeKernels().relu(x) }
        #expect(error?.description == "relu: x is float64, expected float32")
        #expect(try ReferenceKernels().relu(x).scalarType == .float64)
    }
}
