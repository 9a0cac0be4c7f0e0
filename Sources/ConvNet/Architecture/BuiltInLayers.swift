// SPDX-License-Identifier: MIT
//
// How the package's own layers describe themselves. Names and settings are part of the file format:
// what stands here may be added to, but not changed.

/// The layers that every reader of files knows.
package enum BuiltInLayers {
    /// Their types.
    package static let types: [any DescribedLayer.Type] = [
        Activation.self, Addition.self, Affine.self, AveragePooling.self, BatchNormalization.self,
        Convolution.self,
        Dropout.self,
        Elementwise.self,
        Flatten.self, GlobalAveragePooling.self, GlobalMaxPooling.self,
        GroupNormalization.self, InstanceNormalization.self, LayerNormalization.self,
        LeakyReLU.self,
        LocalResponseNormalization.self,
        MatrixProduct.self,
        MaxPooling.self,
        Multiplication.self, PReLU.self,
        ReLU.self,
        Reduce.self,
        Sigmoid.self, Softmax.self,
        Tanh.self,
        // Where numbers lie, and images of other sizes.
        AdaptiveAveragePooling.self, Concatenation.self, ImagePadding.self, PixelShuffle.self,
        PixelUnshuffle.self, Reshape.self, Resize.self, Slice.self, Squeeze.self, Transpose.self,
        TransposedConvolution.self, Unsqueeze.self,
        // What imported models need besides.
        BroadcastProduct.self, CumulativeSum.self, GridSampling.self,
        IndexSelection.self, MaximumPlaces.self, Pointwise.self, Ranking.self, Resampling.self,
        Selection.self, WholeReshape.self,
    ]

    /// Those that take no input, or indices, which tests over layers of any numbers leave out.
    package static let typesOfOtherInputs: [any DescribedLayer.Type] = [
        Gathering.self, Scattering.self, StoredTensor.self,
    ]
}

/// A layer that its type alone describes.
package protocol PlainLayer: DescribedLayer {
    init()
}

extension PlainLayer {
    /// None.
    public var layerSettings: LayerSettings { [:] }

    /// The layer, if nothing else is described.
    public init(settings: LayerSettings, tensors: LayerTensors) throws {
        try settings.require(only: [])
        try tensors.require(only: [])
        self.init()
    }
}

extension Addition: PlainLayer {
    /// What files call the type.
    public static let typeName = "Addition"
}

extension ReLU: PlainLayer {
    /// What files call the type.
    public static let typeName = "ReLU"
}

extension Sigmoid: PlainLayer {
    /// What files call the type.
    public static let typeName = "Sigmoid"
}

extension Tanh: PlainLayer {
    /// What files call the type.
    public static let typeName = "Tanh"
}

extension Flatten: PlainLayer {
    /// What files call the type.
    public static let typeName = "Flatten"
}

extension GlobalAveragePooling: PlainLayer {
    /// What files call the type.
    public static let typeName = "GlobalAveragePooling"
}

extension GlobalMaxPooling: PlainLayer {
    /// What files call the type.
    public static let typeName = "GlobalMaxPooling"
}

extension Affine: DescribedLayer {
    /// What files call the type.
    public static let typeName = "Affine"

    /// None: the sizes are those of the weights.
    public var layerSettings: LayerSettings { [:] }

    /// The layer with the weights `W` and the bias `b`.
    public init(settings: LayerSettings, tensors: LayerTensors) throws {
        try settings.require(only: [])
        let tensors = try tensors.require(only: ["W", "b"])
        try self.init(weights: tensors[0], bias: tensors[1])
    }
}

extension Convolution: DescribedLayer {
    /// What files call the type.
    public static let typeName = "Convolution"

    /// The window and the groups.
    public var layerSettings: LayerSettings {
        window.layerSettings.merging(["groups": .integer(groups)])
    }

    /// The layer with the filters `W` and the bias `b`, if there is one.
    public init(settings: LayerSettings, tensors: LayerTensors) throws {
        try settings.require(only: Window.settingNames + ["groups"])
        let tensors = try tensors.require(only: tensors.has("b") ? ["W", "b"] : ["W"])
        try self.init(
            weights: tensors[0], bias: tensors.count > 1 ? tensors[1] : nil,
            window: Window(settings: settings),
            groups: settings.integer("groups", in: 1...Shape.largestExtent))
    }
}

extension MaxPooling: DescribedLayer {
    /// What files call the type.
    public static let typeName = "MaxPooling"

    /// The window.
    public var layerSettings: LayerSettings { window.layerSettings }

    /// The layer with a window.
    public init(settings: LayerSettings, tensors: LayerTensors) throws {
        try settings.require(only: Window.settingNames)
        try tensors.require(only: [])
        self.init(window: try Window(settings: settings))
    }
}

extension AveragePooling: DescribedLayer {
    /// What files call the type.
    public static let typeName = "AveragePooling"

    /// The window, and whether padding counts.
    public var layerSettings: LayerSettings {
        window.layerSettings.merging(["count_include_pad": .flag(countIncludePad)])
    }

    /// The layer with a window.
    public init(settings: LayerSettings, tensors: LayerTensors) throws {
        try settings.require(only: Window.settingNames + ["count_include_pad"])
        try tensors.require(only: [])
        self.init(
            window: try Window(settings: settings),
            countIncludePad: try settings.flag("count_include_pad"))
    }
}

extension Dropout: DescribedLayer {
    /// What files call the type.
    public static let typeName = "Dropout"

    /// The rate, and what is drawn from.
    public var layerSettings: LayerSettings {
        [
            "rate": .number(rate), "seed": .integer(Int(truncatingIfNeeded: seed)),
            "stream": .integer(Int(truncatingIfNeeded: stream)),
        ]
    }

    /// The layer that drops at a rate.
    public init(settings: LayerSettings, tensors: LayerTensors) throws {
        try settings.require(only: ["rate", "seed", "stream"])
        try tensors.require(only: [])
        // Seeds beyond 63 bits are negative in the file.
        let all = Int.min...Int.max
        try self.init(
            rate: settings.number("rate"),
            seed: UInt64(truncatingIfNeeded: settings.integer("seed", in: all)),
            stream: UInt64(truncatingIfNeeded: settings.integer("stream", in: all)))
    }
}

extension LocalResponseNormalization: DescribedLayer {
    /// What files call the type.
    public static let typeName = "LocalResponseNormalization"

    /// The constants of the formula.
    public var layerSettings: LayerSettings {
        [
            "size": .integer(settings.size), "alpha": .number(settings.alpha),
            "beta": .number(settings.beta), "k": .number(settings.k),
        ]
    }

    /// The layer with the constants.
    public init(settings: LayerSettings, tensors: LayerTensors) throws {
        try settings.require(only: ["size", "alpha", "beta", "k"])
        try tensors.require(only: [])
        try self.init(
            size: settings.integer("size", in: 1...Shape.largestExtent),
            alpha: settings.number("alpha"), beta: settings.number("beta"),
            k: settings.number("k"))
    }
}

extension LeakyReLU: DescribedLayer {
    /// What files call the type.
    public static let typeName = "LeakyReLU"

    /// The slope.
    public var layerSettings: LayerSettings { ["negative_slope": .number(negativeSlope)] }

    /// The layer with a slope.
    public init(settings: LayerSettings, tensors: LayerTensors) throws {
        try settings.require(only: ["negative_slope"])
        try tensors.require(only: [])
        try self.init(negativeSlope: settings.number("negative_slope"))
    }
}

extension BatchNormalization: DescribedLayer {
    /// What files call the type.
    public static let typeName = "BatchNormalization"

    /// Epsilon and the momentum.
    public var layerSettings: LayerSettings {
        ["epsilon": .number(epsilon), "momentum": .number(momentum)]
    }

    /// The layer with its parameters `gamma` and `beta` and its buffers `mean` and `variance`.
    public init(settings: LayerSettings, tensors: LayerTensors) throws {
        try settings.require(only: ["epsilon", "momentum"])
        let tensors = try tensors.require(only: ["gamma", "beta", "mean", "variance"])
        try self.init(
            gamma: tensors[0], beta: tensors[1], mean: tensors[2], variance: tensors[3],
            epsilon: settings.number("epsilon"), momentum: settings.number("momentum"))
    }
}
