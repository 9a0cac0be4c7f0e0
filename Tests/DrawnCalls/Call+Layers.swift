// SPDX-License-Identifier: MIT
//
// Layers: made from sizes and from tensors, used in any order, changed in between; what describes them.

import ConvNet

extension Call {
    static let layers = [
        Call("Layer: forward, backward") { draw in
            var layer = try draw.layer()
            let (kernels, x) = (try draw.kernels(), try draw.tensor(draw.input))
            if draw.once(in: 16) {
                _ = try layer.backward(x, needsInputGradient: true, on: kernels)
            }
            layer.willTrain(step: draw.integer())
            _ = try layer.predict(x, on: kernels)
            let output = try layer.forward(x, on: kernels)
            if draw.once(in: 8) { _ = try layer.predict(draw.tensor(), on: kernels) }
            _ = try layer.backward(
                draw.tensor(output.shape), needsInputGradient: draw.flag(), on: kernels)
            try layer.updateParameters { _, value, gradient in
                if let gradient { precondition(gradient.shape == value.shape) }
            }
        },
        Call("Layer: outputShape, operationCount") { draw in
            let layer = try draw.layer()
            _ = try layer.outputShape(for: draw.strange(draw.input))
            _ = try layer.operationCount(for: draw.strange(draw.input))
        },
        Call("Layer: updateParameters, updateBuffers") { draw in
            var layer = try draw.layer()
            let kernels = try draw.kernels()
            let x = try draw.tensor(draw.input)
            if draw.flag() { _ = try layer.forward(x, on: kernels) }
            // What is put in place may be of any shape: it is refused there, or where it is used.
            try? layer.updateParameters { _, value, _ in
                value = draw.once(in: 2) ? try draw.tensor() : try draw.tensor(value.shape)
            }
            try? layer.updateBuffers { _, value in
                value = draw.once(in: 2) ? try draw.tensor() : try draw.tensor(value.shape)
            }
            _ = (layer.parameters, layer.buffers)
            _ = try? layer.converted(to: .float64)
            _ = try? layer.outputShape(for: draw.input)
            _ = try? layer.operationCount(for: draw.input)
            _ = try? layer.predict(x, on: kernels)
            let output = try layer.forward(x, on: kernels)
            _ = try layer.backward(output, needsInputGradient: true, on: kernels)
        },
        Call("Layer: predict, forward, backward on standard kernels") { draw in
            var layer = try draw.layer()
            let x = try draw.tensor(draw.input)
            _ = try layer.predict(x)
            _ = try layer.backward(layer.forward(x))
        },
    ]

    static let settings = [
        Call("DescribedLayer(settings:tensors:)") { draw in
            let type = draw.pick(Arguments.describedLayers)
            var settings: LayerSettings = [:]
            for name in Arguments.settingNames where !draw.once(in: 3) {
                settings[name] = draw.setting()
            }
            let names = draw.once(in: 2) ? ["W", "b"] : ["gamma", "beta", "mean", "variance"]
            var tensors: [String: Tensor] = [:]
            for name in names { tensors[name] = try draw.tensor() }
            if draw.once(in: 2) {
                settings = (try draw.layer() as? any DescribedLayer)?.layerSettings ?? [:]
            }
            let layer = try type.init(
                settings: settings, tensors: LayerTensors(draw.once(in: 2) ? [:] : tensors))
            _ = try layer.outputShape(for: draw.input)
        },
        Call("LayerSettings") { draw in
            let name = draw.text()
            let settings: LayerSettings = [name: draw.setting(), "": .integer(draw.integer())]
            let bounds = [draw.integer(), draw.integer()].sorted()
            switch draw.tell(draw.below(6)) {
            case 0: _ = try settings.integer(name, in: bounds[0]...bounds[1])
            case 1:
                _ = try settings.integers(name, count: draw.integer(), in: bounds[0]...bounds[1])
            case 2: _ = try settings.number(name)
            case 3: _ = try settings.flag(name)
            case 4: _ = try settings.text(name)
            default: try settings.require(only: [draw.text()])
            }
        },
        Call("LayerTensors.require(only:)") { draw in
            let tensors = LayerTensors(["W": try draw.tensor(), draw.text(): try draw.tensor()])
            _ = try tensors.require(only: draw.list(upTo: 3) { $0.text() })
        },
        Call("Initialization") { draw in
            let initialization =
                draw.once(in: 2)
                ? draw.initialization() : try Initialization(name: draw.text())
            _ = initialization.standardDeviation(fanIn: draw.integer(), fanOut: draw.integer())
        },
    ]
}

extension Arguments {
    static let describedLayers: [any DescribedLayer.Type] = [
        Affine.self, AveragePooling.self, BatchNormalization.self, Convolution.self, Dropout.self,
        Flatten.self, GlobalAveragePooling.self, GlobalMaxPooling.self, LeakyReLU.self,
        LocalResponseNormalization.self, MaxPooling.self, ReLU.self, Sigmoid.self, Softmax.self,
        Tanh.self,
    ]
    static let settingNames = [
        "size", "stride", "padding", "dilation", "ceil_mode", "groups", "count_include_pad",
        "epsilon", "momentum", "rate", "seed", "stream", "negative_slope", "alpha", "beta", "k",
    ]

    /// Images that most layers of ``layer()`` take.
    var input: [Int] { [2, 4, 6, 6] }

    mutating func setting() -> LayerSetting {
        switch below(6) {
        case 0: return .flag(flag())
        case 1: return .integer(integer())
        case 2: return .number(real())
        case 3: return .integers([size(), size()])
        case 4: return .integers([size(0), size(0), size(0), size(0)])
        default: return .text(text())
        }
    }

    /// A layer of any kind; most take ``input``.
    mutating func layer() throws -> any Layer {
        once(in: 2) ? try drawnLayer() : try givenLayer()
    }

    private mutating func drawnLayer() throws -> any Layer {
        switch tell(below(10)) {
        case 0:
            return try Affine(
                inputSize: size(4 * 36), outputSize: size(), initialization: initialization(),
                seed: seed(), stream: seed())
        case 1:
            return try Convolution(
                inputChannels: size(4), outputChannels: size(4), kernel: size(3), stride: size(1),
                padding: size(1), dilation: size(1), groups: size(pick([1, 1, 2, 4])),
                initialization: initialization(), seed: seed(), stream: seed())
        case 2:
            return try Convolution(
                inputChannels: size(4), outputChannels: size(4), window: window(),
                groups: size(pick([1, 2])), initialization: initialization())
        case 3:
            return try BatchNormalization(
                channels: size(4), epsilon: real(1e-5), momentum: real(0.1))
        case 4:
            return try MaxPooling(
                size(2), stride: once(in: 2) ? nil : size(1), padding: size(0), ceilMode: flag())
        case 5:
            return try AveragePooling(
                size(2), stride: once(in: 2) ? nil : size(1), padding: size(0), ceilMode: flag(),
                countIncludePad: flag())
        case 6: return try Dropout(rate: real(0.5), seed: seed(), stream: seed())
        case 7: return try LeakyReLU(negativeSlope: real(0.01))
        case 8:
            return try LocalResponseNormalization(
                size: size(5), alpha: real(1e-4), beta: real(0.75), k: real(2))
        default: return plainLayer()
        }
    }

    private mutating func plainLayer() -> any Layer {
        tell(
            pick(
                [
                    ReLU(), Sigmoid(), Tanh(), Softmax(), Flatten(), GlobalAveragePooling(),
                    GlobalMaxPooling(),
                ] as [any Layer]))
    }

    private mutating func givenLayer() throws -> any Layer {
        switch tell(below(5)) {
        case 0:
            let outputs = small()
            return try Affine(weights: tensor([4 * 36, outputs]), bias: tensor([outputs]))
        case 1:
            let window = try window()
            let (height, width) = (window.size.height, window.size.width)
            _ = try Call.small(height, width, 64)
            return try Convolution(
                weights: tensor([4, 2, height, width]), bias: tensor([4]), window: window,
                groups: size(2))
        case 2:
            return try BatchNormalization(
                gamma: tensor([4]), beta: tensor([4]), mean: tensor([4]), variance: tensor([4]),
                epsilon: real(1e-5), momentum: real(0.1))
        case 3: return MaxPooling(window: try window())
        default: return AveragePooling(window: try window(), countIncludePad: flag())
        }
    }
}
