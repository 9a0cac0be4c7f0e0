// SPDX-License-Identifier: MIT
//
// The kernels that go from number to number: activations, normalization, losses, updates.

import ConvNet

extension Call {
    static let activations = [
        Call("activation, activationGradient") { draw in
            let kernels = try draw.kernels()
            let x = try draw.tensor()
            var activation = draw.pick(Activation.examples)
            if case .clip = activation, draw.flag() {
                activation = .clip(from: draw.real(), to: draw.real())
            }
            if draw.flag() { activation = .leakyReLU(slope: draw.real()) }
            let y = try kernels.activation(x, activation)
            _ = try kernels.activationGradient(
                draw.tensor(draw.once(in: 8) ? draw.shape(2) : x.shape),
                from: activation.gradientTakesOutput ? y : x, activation)
        },
        Call("softmaxGradient") { draw in
            let kernels = try draw.kernels()
            let output = try kernels.softmax(draw.tensor(draw.shape(2)))
            _ = try kernels.softmaxGradient(draw.tensor(output.shape), output: output)
            _ = try kernels.softmaxGradient(draw.tensor(), output: draw.tensor())
        },
        Call("softmax and its gradient along an axis") { draw in
            let (kernels, x) = (try draw.kernels(), try draw.tensor(draw.shape(3)))
            let axis = draw.size(draw.below(3))
            let y = try kernels.softmax(x, axis: axis)
            _ = try kernels.softmaxGradient(
                draw.tensor(draw.once(in: 8) ? draw.shape(3) : y.shape), output: y, axis: axis)
        },
        Call("elementwise, elementwiseGradient, summed") { draw in
            let kernels = try draw.kernels()
            let (a, b) = (
                try draw.tensor(draw.broadcasting()), try draw.tensor(draw.broadcasting())
            )
            let operation = draw.pick(BinaryOperation.allCases)
            let y = try kernels.elementwise(operation, a, b)
            let gradient = try kernels.elementwiseGradient(
                draw.tensor(draw.once(in: 2) ? draw.broadcasting() : y.shape), of: operation, a, b,
                operand: draw.pick(BinaryOperation.Operand.allCases))
            _ = try kernels.summed(
                gradient, to: draw.once(in: 4) ? draw.strange(a.shape) : a.shape)
        },
        Call("reduced(_:_:axes:keepsAxes:)") { draw in
            let (kernels, x) = (try draw.kernels(), try draw.tensor(draw.shape(4)))
            let axes = draw.list(upTo: 3) { $0.size($0.below(4)) }
            _ = try kernels.reduced(
                x, draw.pick(Reduction.allCases), axes: axes, keepsAxes: draw.flag())
        },
        Call("addBias, biasGradient") { draw in
            var x = try draw.tensor(draw.shape(draw.pick([2, 4, 4])))
            let kernels = try draw.kernels()
            _ = try kernels.biasGradient(x)
            try kernels.addBias(draw.tensor([x.shape.dropFirst().first ?? 1]), to: &x)
        },
    ]

    static let normalization = [
        Call("localResponseNormalization and its gradient") { draw in
            let settings = try LocalResponseSettings(
                size: draw.size(5), alpha: draw.real(1e-4), beta: draw.real(0.75), k: draw.real(2))
            let (kernels, x) = (try draw.kernels(), try draw.tensor(draw.shape(4)))
            _ = try kernels.localResponseNormalization(x, settings: settings)
            _ = try kernels.localResponseNormalizationGradient(
                draw.tensor(x.shape), input: x, settings: settings)
        },
        Call("batchNormalization and its gradient") { draw in
            let (kernels, x) = (try draw.kernels(), try draw.tensor(draw.shape(4)))
            var statistics = try kernels.batchStatistics(x)
            let channels = [x.shape.dropFirst().first ?? 1]
            if draw.once(in: 3) { statistics.mean = try draw.tensor(channels) }
            if draw.once(in: 3) { statistics.variance = try draw.tensor(channels) }
            let gamma = try draw.tensor(channels)
            _ = try kernels.batchNormalization(
                x, statistics: statistics, gamma: gamma, beta: draw.tensor(channels),
                epsilon: draw.real(1e-5))
            _ = try kernels.batchNormalizationGradient(
                draw.tensor(x.shape), input: x, statistics: statistics, gamma: gamma,
                epsilon: draw.real(1e-5))
        },
        Call("batchNormalization with what stands behind it") { draw in
            let (kernels, x) = (try draw.kernels(), try draw.tensor(draw.shape(4)))
            let channels = [x.shape.dropFirst().first ?? 1]
            let normalization = ChannelNormalization(
                statistics: BatchStatistics(
                    mean: try draw.tensor(channels), variance: try draw.tensor(channels)),
                gamma: try draw.tensor(channels), beta: try draw.tensor(channels),
                epsilon: draw.real(1e-5))
            let activation = draw.once(in: 2) ? Activation.relu : draw.pick(Activation.examples)
            _ = try kernels.batchNormalization(
                x, normalization,
                addend: draw.once(in: 2)
                    ? draw.tensor(draw.once(in: 8) ? draw.shape(4) : x.shape) : nil,
                activation: draw.once(in: 4) ? nil : activation)
            _ = try kernels.batchNormalizationGradient(
                draw.tensor(draw.once(in: 8) ? draw.shape(4) : x.shape), input: x, normalization,
                activation: activation)
        },
    ]

    static let losses = [
        Call("softmaxCrossEntropy(_:labels:)") { draw in
            let (rows, classes) = (draw.small(), draw.small())
            _ = try draw.kernels().softmaxCrossEntropy(
                draw.tensor([rows, classes]), labels: draw.labels(rows, classes: classes))
        },
        Call("softmaxCrossEntropy(_:targets:)") { draw in
            let shape = draw.shape(2)
            _ = try draw.kernels().softmaxCrossEntropy(
                draw.tensor(shape), targets: draw.tensor(shape))
        },
        Call("Loss.evaluate(_:_:on:)") { draw in
            let (rows, classes, kernels) = (draw.small(), draw.small(), try draw.kernels())
            let shape = draw.once(in: 3) ? [rows, classes, 2, 1] : [rows, classes]
            let output = try draw.tensor(draw.once(in: 8) ? draw.shape(3) : shape)
            let targets: Targets =
                draw.once(in: 2)
                ? .labels(draw.labels(shape.count == 4 ? 2 * rows : rows, classes: classes))
                : .values(try draw.tensor(draw.once(in: 8) ? draw.shape(2) : shape))
            let losses: [any Loss] = [
                MeanSquaredError(), BinaryCrossEntropyWithLogits(), SoftmaxCrossEntropy.standard,
                try SoftmaxCrossEntropy(
                    labelSmoothing: draw.once(in: 2) ? 0 : draw.real(0.1),
                    classWeights: draw.once(in: 2)
                        ? nil : draw.list(upTo: classes) { $0.real(1) },
                    ignoredLabel: draw.once(in: 2) ? nil : draw.integer()),
            ]
            let result = try draw.pick(losses).evaluate(output, targets, on: kernels)
            precondition(result.gradient.shape == output.shape)
        },
        Call("Tensor: arithmetic") { draw in
            let (left, right) = (try draw.tensor(draw.shape(2)), try draw.tensor(draw.shape(2)))
            _ = try draw.real(2) * left.map { $0 + 1 }
            switch draw.tell(draw.below(4)) {
            case 0: _ = try left + right
            case 1: _ = try left - right
            case 2: _ = try left * right
            default: _ = try left / right
            }
        },
    ]

    static let updates = [
        Call("sgdUpdate, momentumUpdate, squaresUpdate, adamUpdate") { draw in
            let (kernels, shape) = (try draw.kernels(), draw.shape(2))
            var (value, first) = (try draw.tensor(shape), try draw.tensor(shape))
            var second = draw.once(in: 4) ? first : try draw.tensor(shape)
            let gradient = draw.once(in: 4) ? value : try draw.tensor(shape)
            let adjustment = GradientAdjustment(
                factor: draw.real(), limit: draw.real(), weightDecay: draw.real())
            switch draw.tell(draw.below(4)) {
            case 0:
                try kernels.sgdUpdate(
                    &value, gradient: gradient, learningRate: draw.real(), adjustment: adjustment)
            case 1:
                try kernels.momentumUpdate(
                    &value, velocity: &first, gradient: gradient,
                    settings: MomentumSettings(
                        learningRate: draw.real(), momentum: draw.real(),
                        isNesterov: draw.flag()), adjustment: adjustment)
            case 2:
                try kernels.squaresUpdate(
                    &value, squares: &first, gradient: gradient,
                    settings: SquaresSettings(
                        learningRate: draw.real(), kept: draw.real(), added: draw.real(),
                        epsilon: draw.real()), adjustment: adjustment)
            default:
                try kernels.adamUpdate(
                    &value, firstMoment: &first, secondMoment: &second, gradient: gradient,
                    step: draw.integer(), settings: draw.adam(), adjustment: adjustment)
            }
        },
        Call("sumOfSquares") { draw in _ = try draw.kernels().sumOfSquares(draw.tensor()) },
    ]
}

extension Arguments {
    mutating func adam() -> AdamSettings {
        AdamSettings(
            learningRate: real(0.001), beta1: real(0.9), beta2: real(0.99), epsilon: real(1e-8),
            decoupledWeightDecay: real(0))
    }
}

extension Arguments {
    /// A shape that often broadcasts with others of its kind.
    fileprivate mutating func broadcasting() -> [Int] {
        tell([2, 3, 1, 5].suffix(below(5)).map { once(in: 3) ? 1 : $0 })
    }
}
