// SPDX-License-Identifier: MIT
//
// The contract that results don't depend on the number of threads, to the bit, for every operation,
// on sizes that are really shared.

import ConvNetKernels
import ConvNetTestSupport
import Testing

@Suite struct SameBitsTests {
    /// (input, filters, window, groups): few filters, many channels, a stride, groups, one image,
    /// three by Winograd's algorithm, the last with more tiles than are taken at a time, filters of
    /// one tap for one image and for many, groups of one channel, many and few, few channels and
    /// filters, a stride with filters of one tap, many filters, Winograd's algorithm with few
    /// tiles, groups of one channel at strides and of many rows, and too few channels for
    /// Winograd's algorithm.
    static var convolutions: [([Int], filters: Int, window: Window, groups: Int)] {
        get throws {
            [
                ([20, 1, 28, 28], 30, try Window(5), 1),
                ([4, 48, 13, 13], 40, try Window(3, padding: 1), 1),
                ([3, 3, 41, 41], 24, try Window(7, stride: 3), 1),
                ([4, 12, 20, 20], 18, try Window(3, padding: 1, dilation: 2), 3),
                ([1, 32, 30, 30], 64, try Window(3), 1),
                ([9, 64, 15, 14], 66, try Window(3, padding: 1), 1),
                ([2, 66, 17, 19], 64, try Window(5, padding: 2), 2),
                ([17, 48, 24, 24], 48, try Window(3, padding: 1), 1),
                ([1, 40, 23, 23], 90, try Window(1), 1),
                ([9, 90, 14, 13], 70, try Window(1), 2),
                ([5, 90, 5, 5], 70, try Window(1), 2),
                ([5, 37, 17, 19], 37, try Window(3, padding: 1), 37),
                ([1, 2, 70, 90], 4, try Window(5, padding: 2), 2),
                ([1, 3, 40, 41], 3, try Window(3, padding: 1), 1),
                ([3, 70, 30, 30], 50, try Window(1, stride: 2), 1),
                ([1, 40, 9, 8], 260, try Window(3), 1),
                ([1, 50, 28, 28], 100, try Window(3, padding: 1), 1),
                ([2, 11, 40, 37], 11, try Window(3, stride: 2, padding: 1), 11),
                ([1, 3, 90, 61], 6, try Window(4, stride: 2, padding: 1), 3),
                ([3, 2, 130, 80], 2, try Window(3, padding: 1), 2),
                ([2, 15, 20, 20], 16, try Window(3, padding: 1), 1),
            ]
        }
    }

    /// Every operation's results for one drawn set of inputs.
    static func results(_ kernels: any Kernels) throws -> [(name: String, tensor: Tensor)] {
        var draw = Draw(seed: 11)
        var results: [(String, Tensor)] = []
        let a = try draw.normal([150, 300])
        let b = try draw.normal([300, 210])
        results.append(("gemm", try kernels.gemm(MatrixView(a), MatrixView(b))))
        let tall = try draw.normal([6000, 25])
        let thin = try draw.normal([25, 30])
        results.append(("tall gemm", try kernels.gemm(MatrixView(tall), MatrixView(thin))))
        let few = try draw.normal([7, 600])
        let transposed = try draw.normal([900, 600])
        results.append(
            ("few rows", try kernels.gemm(MatrixView(few), MatrixView(transposed).transposed)))
        let bias = try draw.normal([210])
        results.append(("affine", try kernels.affine(a, weights: b, bias: bias, rectified: true)))
        let row = try draw.normal([1, 1500])
        let weights = try draw.normal([1500, 210])
        results.append(
            ("row", try kernels.affine(row, weights: weights, bias: bias, rectified: true)))

        for (shape, filters, window, groups) in try convolutions {
            let x = try draw.normal(shape)
            let weights = try draw.normal(
                [filters, shape[1] / groups, window.size.height, window.size.width])
            let y = try kernels.convolution(
                x, weights: weights, bias: nil, window: window, groups: groups)
            results.append(("convolution", y))
            results.append(
                (
                    "input gradient",
                    try kernels.convolutionInputGradient(
                        y, weights: weights, inputShape: shape, window: window, groups: groups)
                ))
            results.append(
                (
                    "weight gradient",
                    try kernels.convolutionWeightGradient(
                        y, input: x, window: window, groups: groups)
                ))
            results.append(
                (
                    "rectified convolution",
                    try kernels.convolution(
                        x, weights: weights, prepacked: nil, bias: nil, window: window,
                        groups: groups, rectified: true)
                ))
            var part = try Tensor(zeros: [y.shape[0], y.shape[1] + 1] + y.shape[2...])
            try kernels.convolution(
                x, channels: 0..<x.shape[1], weights: weights, prepacked: nil,
                ConvolutionDescriptor(window, groups: groups), epilogue: Epilogue(),
                into: &part, fromChannel: 1)
            results.append(("convolution among other channels", part))
            let pooling = try Window(3, stride: 2, padding: 1)
            let pooled = try kernels.convolutionMaxPooling(
                x, weights: weights, prepacked: nil, bias: nil, window: window, groups: groups,
                pooling: pooling, rectified: true, wantsArgmax: true)
            results.append(("pooled convolution", pooled.output))
            guard let argmax = pooled.argmax else { continue }
            results.append(
                (
                    "weight gradient of a pooled convolution",
                    try kernels.convolutionMaxPoolingWeightGradient(
                        pooled.output, argmax: argmax, input: x, window: window, groups: groups,
                        pooling: pooling)
                ))
        }
        let (expansion, depthwise) = try ExpansionTests.stages(
            { try draw.normal($0) }, [2, 9, 71, 48], 70)
        results.append(
            (
                "expansion",
                try kernels.convolution(
                    draw.normal([2, 9, 71, 48]), expansion, then: depthwise)
            ))
        let x = try draw.normal([8, 20, 30, 30])
        let window = try Window(3, stride: 2, padding: 1)
        let columns = try kernels.im2col(x, window: window)
        results.append(("im2col", columns))
        results.append(("col2im", try kernels.col2im(columns, inputShape: x.shape, window: window)))
        let pooled = try kernels.maxPoolingWithArgmax(x, window: window)
        results.append(("max pooling", pooled.output))
        results.append(("maxima alone", try kernels.maxPooling(x, window: window)))
        results.append(
            (
                "max pooling gradient",
                try kernels.maxPoolingGradient(
                    pooled.output, argmax: pooled.argmax, inputShape: x.shape)
            ))
        results.append(
            (
                "average pooling",
                try kernels.averagePooling(x, window: window, countIncludePad: true)
            )
        )
        results.append(
            (
                "average pooling gradient",
                try kernels.averagePoolingGradient(
                    pooled.output, inputShape: x.shape, window: window, countIncludePad: false)
            ))
        results.append(("bias gradient", try kernels.biasGradient(x)))
        results.append(("bias gradient of a matrix", try kernels.biasGradient(tall)))
        var biased = x
        try kernels.addBias(try draw.normal([20]), to: &biased)
        results.append(("bias", biased))
        let rectified = try kernels.relu(x)
        results.append(("relu", rectified))
        results.append(("relu gradient", try kernels.reluGradient(x, output: rectified)))
        let squashed = try kernels.sigmoid(x)
        results.append(("sigmoid", squashed))
        results.append(("sigmoid gradient", try kernels.sigmoidGradient(x, output: squashed)))
        try results += activationResults(kernels, x, biased, logits: tall)
        try results += batchNormalizationResults(kernels, x, biased)
        try results += wholeTensorResults(kernels, x, biased)
        let local = try LocalResponseSettings()
        results.append(
            ("local response", try kernels.localResponseNormalization(x, settings: local)))
        results.append(
            (
                "local response gradient",
                try kernels.localResponseNormalizationGradient(biased, input: x, settings: local)
            ))
        let mask = try DropoutMask(rate: 0.4, seed: 3, layer: 1)
        results.append(("dropout", try kernels.dropout(x, mask: mask)))
        results.append(("softmax", try kernels.softmax(tall)))
        let labels = (0..<6000).map { $0 % 25 }
        let loss = try kernels.softmaxCrossEntropy(tall, labels: labels)
        results.append(("loss", try Tensor(shape: [1], doubles: [loss.loss])))
        results.append(("loss gradient", loss.gradient))
        let rows = try kernels.softmaxCrossEntropy(tall, targets: kernels.softmax(tall))
        results.append(("loss against rows", try Tensor(shape: [1], doubles: [rows.loss])))
        results.append(("its gradient", rows.gradient))
        var (parameter, m, v) = (x, x, squashed)
        try kernels.adamUpdate(
            &parameter, firstMoment: &m, secondMoment: &v, gradient: biased, step: 3,
            settings: AdamSettings())
        try kernels.momentumUpdate(
            &parameter, velocity: &m, gradient: biased,
            settings: MomentumSettings(learningRate: 0.1, momentum: 0.9))
        try kernels.squaresUpdate(
            &parameter, squares: &v, gradient: biased,
            settings: SquaresSettings(learningRate: 0.1, kept: 0.9, added: 0.1, epsilon: 1e-8),
            adjustment: GradientAdjustment(factor: 0.5, limit: 2, weightDecay: 0.01))
        results.append(
            ("sum of squares", try Tensor(shape: [1], doubles: [kernels.sumOfSquares(x)])))
        try kernels.sgdUpdate(&parameter, gradient: biased, learningRate: 0.1)
        results.append(("updates", parameter))
        return results
    }

    /// The contract is tested with every algorithm there is.
    @Test(arguments: InstructionSet.supported)
    func everyAlgorithmIsAmongTheConvolutions(_ set: InstructionSet) throws {
        let kernels = try native(set)
        let products: Set<ConvolutionAlgorithm> = [.winograd, .direct, .pointwise, .implicitGEMM]
        let depthwise: Set<ConvolutionAlgorithm> = set == .portable ? [] : [.depthwise]
        let expected: [ConvolutionPass: Set<ConvolutionAlgorithm>] = [
            .forward: products.union([.rows]).union(depthwise),
            .inputGradient: products.union([.rows, .columns]).union(depthwise),
            .weightGradient: products.union(depthwise),
        ]
        // A new one has to have a pass and a shape here.
        #expect(
            Set(expected.values.joined()).union([.depthwise]) == Set(ConvolutionAlgorithm.allCases))
        for pass in ConvolutionPass.allCases {
            let found = try Self.convolutions.map { shape, filters, window, groups in
                try kernels.convolutionAlgorithm(
                    inputShape: shape,
                    weightsShape: [
                        filters, shape[1] / groups, window.size.height, window.size.width,
                    ], window: window, groups: groups, pass: pass)
            }
            #expect(Set(found) == expected[pass], "\(set), \(pass)")
        }
    }

    private static func activationResults(
        _ kernels: any Kernels, _ x: Tensor, _ outputGradient: Tensor, logits: Tensor
    ) throws -> [(name: String, tensor: Tensor)] {
        let bent = try kernels.tanh(x)
        return [
            ("tanh", bent),
            ("tanh gradient", try kernels.tanhGradient(outputGradient, output: bent)),
            ("leaky ReLU", try kernels.leakyReLU(x, negativeSlope: 0.01)),
            (
                "leaky ReLU gradient",
                try kernels.leakyReLUGradient(outputGradient, input: x, negativeSlope: 0.01)
            ),
            (
                "softmax gradient",
                try kernels.softmaxGradient(logits, output: kernels.softmax(logits))
            ),
        ]
    }

    /// What broadcasts, reduces, copies and resamples; their own suites try more shapes.
    private static func wholeTensorResults(
        _ kernels: any Kernels, _ x: Tensor, _ outputGradient: Tensor
    ) throws -> [(name: String, tensor: Tensor)] {
        let gate = try kernels.reduced(x, .mean, axes: [2, 3], keepsAxes: true)
        var draw = Draw(seed: 12)
        let taps = try (0..<2).map { _ in
            try ShapeKernelTests.taps(from: 30, &draw, whole: false)
        }
        let view = try StridedView(shape: x.shape).transposed([0, 2, 3, 1])
        return [
            ("mean of planes", gate),
            ("gate", try kernels.elementwise(.multiply, x, gate)),
            (
                "gradient of a gate",
                try kernels.elementwiseGradient(
                    outputGradient, of: .multiply, x, gate, operand: .b)
            ),
            ("copy", try kernels.copied(x, as: view)),
            ("resampling", try kernels.resampled(x, rows: taps[0], columns: taps[1])),
        ]
    }

    /// Images, and rows of which there are many to a channel.
    private static func batchNormalizationResults(
        _ kernels: any Kernels, _ x: Tensor, _ outputGradient: Tensor
    ) throws -> [(name: String, tensor: Tensor)] {
        var results: [(name: String, tensor: Tensor)] = []
        let rows = [x.count / 20, 20]
        for (x, gradient) in [
            (x, outputGradient),
            (try x.reshaped(to: rows), try outputGradient.reshaped(to: rows)),
        ] {
            let statistics = try kernels.batchStatistics(x)
            let (gamma, beta) = (statistics.variance, statistics.mean)
            let gradients = try kernels.batchNormalizationGradient(
                gradient, input: x, statistics: statistics, gamma: gamma, epsilon: 1e-5)
            let normalization = ChannelNormalization(
                statistics: statistics, gamma: gamma, beta: beta, epsilon: 1e-5)
            let joined = try kernels.batchNormalizationGradient(
                gradient, input: x, normalization, activation: .relu)
            results += [
                (
                    "joined normalization",
                    try kernels.batchNormalization(
                        x, normalization, addend: gradient, activation: .relu6)
                ),
                ("joined normalization's gradient", joined.input),
                ("its gamma's gradient", joined.gamma),
                ("batch mean", statistics.mean), ("batch variance", statistics.variance),
                (
                    "batch normalization",
                    try kernels.batchNormalization(
                        x, statistics: statistics, gamma: gamma, beta: beta, epsilon: 1e-5)
                ),
                ("batch normalization gradient", gradients.input),
                ("gamma's gradient", gradients.gamma), ("beta's gradient", gradients.beta),
            ]
        }
        return results
    }

    @Test(arguments: InstructionSet.supported)
    func resultsDoNotDependOnThreads(_ set: InstructionSet) throws {
        let serial = try Self.results(native(set, threads: 1))
        for threads in [2, 3, 5, 8] {
            for (one, many) in zip(serial, try Self.results(native(set, threads: threads))) {
                // Doubles, so that the loss is compared to its last bit too; no NaN is among them.
                #expect(
                    one.tensor.doubles == many.tensor.doubles,
                    "\(one.name) on \(threads) threads, \(set)")
            }
        }
    }
}
