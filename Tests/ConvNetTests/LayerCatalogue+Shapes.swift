// SPDX-License-Identifier: MIT
//
// The catalogue's layers that put numbers in other places or resample images.

import ConvNet
import ConvNetTestSupport

extension LayerCatalogue {
    static func shapes() throws -> [LayerEntry] {
        try copies() + [paddings(), try resizings(), try adaptivePoolings()]
            + [transposedConvolutions()]
    }

    private static func exact(
        _ name: String, _ shape: [Int], _ layer: any DescribedLayer
    ) -> LayerExample {
        LayerExample(name, shape, isExact: true, layer: layer)
    }

    private static func copies() throws -> [LayerEntry] {
        try [
            LayerEntry(Slice.self, slices()),
            LayerEntry(
                Concatenation.self,
                [
                    exact("concatenation of one", [2, 3, 2], Concatenation(axis: 1)),
                    LayerExample(
                        "concatenation", [2, 1, 2, 3], [2, 3, 2, 3], [2, 2, 2, 3], isExact: true,
                        layer: Concatenation(axis: 1)),
                    LayerExample(
                        "concatenation of rows", [2, 3, 4], [2, 3, 1], isExact: true,
                        layer: Concatenation(axis: -1)),
                ]),
            LayerEntry(
                Transpose.self,
                [
                    exact("transpose", [2, 3, 2, 4], Transpose([0, 2, 3, 1])),
                    exact("transpose back", [2, 2, 3, 4], Transpose([0, 3, 1, 2])),
                ]),
            LayerEntry(
                Reshape.self,
                [
                    exact("reshape", [2, 3, 4], Reshape(to: [2, -1])),
                    exact("reshape to three axes", [2, 3, 4], Reshape(to: [2, -1, 2])),
                    exact("reshape to rows", [2, 3, 2, 2], Reshape(to: [12])),
                ]),
            LayerEntry(
                Squeeze.self,
                [
                    exact("squeeze", [2, 3, 1, 4], Squeeze(axis: 2)),
                    exact("squeeze counted from the end", [2, 3, 1, 2], Squeeze(axis: -2)),
                ]),
            LayerEntry(
                Unsqueeze.self,
                [
                    exact("unsqueeze", [2, 3, 4], Unsqueeze(axis: -1)),
                    exact("unsqueeze in front", [2, 3, 2], Unsqueeze(axis: 1)),
                ]),
            LayerEntry(
                PixelShuffle.self,
                [
                    exact("pixel shuffle", [2, 8, 2, 3], PixelShuffle(2)),
                    exact("pixel shuffle by 3", [2, 18, 2, 3], PixelShuffle(3)),
                ]),
            LayerEntry(
                PixelUnshuffle.self,
                [exact("pixel unshuffle", [2, 2, 4, 6], PixelUnshuffle(2))]),
        ]
    }

    private static func slices() throws -> [LayerExample] {
        try [
            exact("slice", [2, 5, 3], Slice(axis: 1, from: 1, to: -1)),
            exact("slice of one index", [2, 3, 2], Slice(axis: 1, from: -1)),
            exact("slice counted from the end", [2, 5, 2], Slice(axis: 1, from: -4, to: 4)),
            exact("slice of all", [2, 5, 2], Slice(axis: -2)),
            exact("slice of every third", [2, 2, 9], Slice(axis: 2, from: 1, step: 3)),
            exact("slice backwards", [2, 2, 7], Slice(axis: -1, from: 5, step: -2)),
            exact("slice backwards from the end", [2, 2, 9, 2], Slice(axis: 2, step: -2)),
            exact(
                "slice backwards to an index", [2, 9], Slice(axis: -1, from: 7, to: 0, step: -2)),
            exact("slice beyond the ends", [2, 4], Slice(axis: 1, from: -90, to: 90)),
        ]
    }

    private static func paddings() throws -> LayerEntry {
        let modes: [(String, ImagePadding.Mode)] = [
            ("zeros", .constant(0)), ("a number", .constant(1.5)),
            ("a number below 0", .constant(-1.5)), ("a reflection", .reflect), ("the edge", .edge),
        ]
        return LayerEntry(
            ImagePadding.self,
            try modes.map { name, mode in
                exact(
                    "padding by \(name)", [2, 2, 4, 3],
                    try ImagePadding(top: 3, bottom: 1, left: 2, right: 0, mode: mode))
            })
    }

    private static func resizings() throws -> LayerEntry {
        var examples: [LayerExample] = []
        func add(
            _ name: String, _ shape: [Int], _ layer: Resize, isExact: Bool
        ) {
            examples.append(LayerExample("resize \(name)", shape, isExact: isExact, layer: layer))
        }
        for mode in Resize.Mode.allCases {
            for coordinates in Resize.Coordinates.allCases {
                let (name, isExact) = ("\(mode) \(coordinates)", mode == .nearest)
                for antialias in mode == .nearest ? [false] : [false, true] {
                    add(
                        "\(name)\(antialias ? " antialias" : "")", [1, 2, 5, 4],
                        try Resize(
                            sizes: PerAxis(height: 3, width: 7), mode: mode,
                            coordinates: coordinates, antialias: antialias), isExact: isExact)
                }
                for (what, scales, shape) in [
                    ("larger", (2, 1.5), [1, 2, 4, 5]), ("smaller", (0.5, 0.25), [2, 1, 7, 9]),
                ] as [(String, (Double, Double), [Int])] {
                    add(
                        "\(name) \(what)", shape,
                        try Resize(scales: scales, mode: mode, coordinates: coordinates),
                        isExact: isExact)
                }
            }
        }
        let columns = PerAxis(height: 4, width: 7)
        add(
            "to a square", [1, 2, 8, 9], try Resize(sizes: 3, mode: .bicubic, antialias: true),
            isExact: false)
        add("to itself", [2, 2, 4, 4], try Resize(sizes: 4, mode: .nearest), isExact: true)
        add("of columns", [2, 2, 4, 3], try Resize(sizes: columns, mode: .nearest), isExact: true)
        add(
            "by scales with a rest", [2, 1, 4, 5], try Resize(scales: (1.75, 0.6), mode: .bilinear),
            isExact: false)
        return LayerEntry(Resize.self, terms: .ofInterpolation, examples)
    }

    private static func adaptivePoolings() throws -> LayerEntry {
        LayerEntry(
            AdaptiveAveragePooling.self,
            [
                LayerExample(
                    "adaptive average pooling", [2, 2, 7, 3],
                    layer: try AdaptiveAveragePooling(PerAxis(height: 3, width: 5))),
                LayerExample(
                    "adaptive average pooling to sizes that divide", [2, 2, 6, 5],
                    layer: try AdaptiveAveragePooling(PerAxis(height: 3, width: 1))),
            ])
    }

    private static func transposedConvolutions() throws -> LayerEntry {
        var draw = Draw(seed: 3)
        let window = try Window(
            size: PerAxis(height: 2, width: 3), stride: PerAxis(height: 3, width: 2),
            padding: Padding(top: 1, bottom: 2, left: 0, right: 3),
            dilation: PerAxis(height: 3, width: 2), ceilMode: false)
        return LayerEntry(
            TransposedConvolution.self,
            [
                exact(
                    "transposed convolution", [2, 2, 3, 4],
                    try TransposedConvolution(
                        weights: draw.integers([2, 3, 3, 3]), bias: draw.integers([3]),
                        window: Window(3, stride: 2, padding: 1), outputPadding: 1)),
                exact(
                    "transposed convolution with everything", [2, 4, 4, 3],
                    try TransposedConvolution(
                        weights: draw.integers([4, 3, 2, 3]), bias: draw.integers([6]),
                        window: window, outputPadding: PerAxis(height: 2, width: 0), groups: 2)),
            ])
    }
}
