// SPDX-License-Identifier: MIT
//
// The kernels that go from number to number: activations, normalization, losses, updates.

import ConvNet

extension Call {
    static let activations = [
        Call("relu, sigmoid, tanh and their gradients") { draw in
            let kernels = try draw.kernels()
            let x = try draw.tensor()
            let gradient = try draw.tensor(x.shape)
            switch draw.tell(draw.below(4)) {
            case 0:
                _ = try kernels.reluGradient(gradient, output: kernels.relu(x))
            case 1:
                _ = try kernels.sigmoidGradient(gradient, output: kernels.sigmoid(x))
            case 2:
                _ = try kernels.tanhGradient(gradient, output: kernels.tanh(x))
            default:
                let slope = draw.real()
                _ = try kernels.leakyReLU(x, negativeSlope: slope)
                _ = try kernels.leakyReLUGradient(gradient, input: x, negativeSlope: slope)
            }
        },
        Call("softmaxGradient") { draw in
            let kernels = try draw.kernels()
            let output = try kernels.softmax(draw.tensor(draw.shape(2)))
            _ = try kernels.softmaxGradient(draw.tensor(output.shape), output: output)
            _ = try kernels.softmaxGradient(draw.tensor(), output: draw.tensor())
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
        Call("SoftmaxWithLoss") { draw in
            var loss = SoftmaxWithLoss()
            let (rows, classes, kernels) = (draw.small(), draw.small(), try draw.kernels())
            if draw.once(in: 8) { _ = try loss.backward() }
            let logits = try draw.tensor([rows, classes])
            _ = try loss.predict(logits, on: kernels)
            _ = try loss.forward(
                logits, labels: draw.labels(rows, classes: classes), on: kernels)
            _ = try loss.backward()
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
