// SPDX-License-Identifier: MIT
//
// Layers: made from sizes and from tensors, used in any order, changed in between; what
// describes them.

import ConvNet

extension Call {
    static let layers = [
        Call("Layer: forward, pullback") { draw in
            let layer = try draw.layer()
            let (kernels, x) = (try draw.kernels(), try draw.tensor(draw.input))
            _ = try layer.predict([x], on: kernels)
            let forward = try layer.forward(
                [x], in: Pass(kernels: kernels, step: draw.integer()))
            if draw.once(in: 8) { _ = try layer.predict([draw.tensor()], on: kernels) }
            let wanted = WantedGradients(inputs: [draw.flag()], parameters: draw.flag())
            let gradients = try forward.pullback(
                draw.tensor(draw.once(in: 8) ? draw.input : forward.output.shape), wanted: wanted)
            precondition(!wanted.input || gradients.input?.shape == x.shape)
            if wanted.parameters {
                precondition(gradients.parameters.map(\.shape) == layer.parameters.map(\.shape))
            }
        },
        Call("Layer: any number of inputs") { draw in
            let layer = draw.once(in: 2) ? draw.join() : try draw.layer()
            let inputs = try draw.list(upTo: 3) {
                try $0.tensor($0.once(in: 4) ? $0.input : [2, 3])
            }
            _ = try? layer.outputShape(for: inputs.map(\.shape))
            let forward = try layer.forward(inputs, in: Pass(kernels: draw.kernels()))
            _ = try forward.pullback(forward.output)
        },
        Call("Layer: outputShape, operationCount, requireTrainable") { draw in
            let layer = try draw.layer()
            try? layer.requireTrainable(on: [draw.strange(draw.input)])
            _ = try layer.outputShape(for: [draw.strange(draw.input)])
            _ = try layer.operationCount(for: [draw.strange(draw.input)])
        },
        Call("Layer: parameters, buffers") { draw in
            var layer = try draw.layer()
            let kernels = try draw.kernels()
            let x = try draw.tensor(draw.input)
            // What is put in place may be of any shape: it is refused where it is used.
            for place in layer.parameters.indices {
                layer.parameters[place] =
                    draw.once(in: 2)
                    ? try draw.tensor() : try draw.tensor(layer.parameters[place].shape)
            }
            for place in layer.buffers.indices {
                layer.buffers[place] =
                    draw.once(in: 2)
                    ? try draw.tensor() : try draw.tensor(layer.buffers[place].shape)
            }
            if draw.once(in: 8) { layer.parameters = [] }
            if draw.once(in: 8) { layer.buffers = [] }
            _ = (layer.parameterNames, layer.bufferNames)
            _ = try? layer.converted(to: .float64)
            _ = try? layer.outputShape(for: [draw.input])
            _ = try? layer.operationCount(for: [draw.input])
            _ = try? layer.predict([x], on: kernels)
            let forward = try layer.forward([x], in: Pass(kernels: kernels))
            _ = try forward.pullback(forward.output)
        },
        Call("Layer: predict, forward on standard kernels") { draw in
            let layer = try draw.layer()
            let x = try draw.tensor(draw.input)
            guard let layer = layer as? any UnaryLayer else { return }
            _ = try layer.predict(x)
            let forward = try layer.forward(x)
            _ = try forward.pullback(forward.output)
        },
    ]

    static let settings = [
        Call("DescribedLayer(settings:tensors:)") { draw in
            let type = draw.pick(BuiltInLayers.types)
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
            _ = try layer.outputShape(for: [draw.input])
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
    static let settingNames = [
        "size", "stride", "padding", "dilation", "ceil_mode", "groups", "count_include_pad",
        "epsilon", "momentum", "rate", "seed", "stream", "negative_slope", "alpha", "beta", "k",
        "axis", "from", "to", "step", "permutation", "sample_shape", "factor", "mode", "value",
        "coordinates", "antialias", "sizes", "scale_height", "scale_width", "output_size",
        "output_padding", "name", "slope", "operation", "reduction", "axes", "keeps_axes",
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
        switch tell(below(12)) {
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
        case 9: return try shapeLayer()
        case 10: return try wholeTensorLayer()
        default: return plainLayer()
        }
    }

    private mutating func wholeTensorLayer() throws -> any Layer {
        switch tell(below(6)) {
        case 0:
            return try Reduce(
                pick(Reduction.allCases), axes: list(upTo: 3) { $0.size(1 + $0.below(3)) },
                keepsAxes: flag())
        case 1: return try PReLU(channels: size(pick([1, 4])), slope: real(0.25))
        case 2: return try LayerNormalization(shape: shape(pick([1, 2])), epsilon: real(1e-5))
        case 3:
            return try GroupNormalization(groups: size(2), channels: size(4), epsilon: real(1e-5))
        case 4: return try InstanceNormalization(channels: size(4), epsilon: real(1e-5))
        default: return Softmax(axis: size(1 + below(3)))
        }
    }

    /// A layer with several inputs.
    mutating func join() -> any Layer {
        let operation = pick(BinaryOperation.allCases)
        return tell(
            pick(
                [
                    Addition(), Multiplication(), MatrixProduct(), Elementwise(operation),
                ] as [any Layer]))
    }

    /// An activation, or a layer without settings.
    private mutating func plainLayer() -> any Layer {
        let plain = BuiltInLayers.types.compactMap { $0 as? any PlainLayer.Type }
        let layer: any Layer = once(in: 2) ? pick(Activation.examples) : pick(plain).init()
        return tell(layer)
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
