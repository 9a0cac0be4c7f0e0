// SPDX-License-Identifier: MIT
//
// The catalogue's layers that imported models alone have.

import ConvNetTestSupport

@testable import ConvNet

extension LayerCatalogue {
    private static let noPyTorch = "ONNX's own test cases are its numbers"

    static func imported() throws -> [LayerEntry] {
        [
            LayerEntry(
                BroadcastProduct.self, withoutPyTorch: noPyTorch,
                [
                    LayerExample(
                        "broadcast product", [2, 3, 2, 4], [2, 1, 4, 2], isExact: true,
                        layer: BroadcastProduct()),
                    LayerExample(
                        "broadcast product of one matrix", [2, 3, 4], [1, 4, 3], isExact: true,
                        layer: BroadcastProduct()),
                ]),
            LayerEntry(
                IndexSelection.self, terms: .ofSelection, withoutPyTorch: noPyTorch,
                [
                    LayerExample(
                        "selection of indices", [2, 4, 3], isExact: true,
                        layer: try IndexSelection(axis: 1, indices: [3, 0, 0, 2, 1], extent: 4)),
                    LayerExample(
                        "repetition", [2, 1, 3], isExact: true,
                        layer: try IndexSelection(axis: 1, indices: [0, 0, 0], extent: 1)),
                ]),
            LayerEntry(
                Pointwise.self, terms: .ofRoundedResults, withoutPyTorch: noPyTorch, pointwise()),
            LayerEntry(
                CumulativeSum.self, withoutPyTorch: noPyTorch,
                [
                    LayerExample(
                        "running sums", [2, 5, 3], isExact: true,
                        layer: try CumulativeSum(axis: 1)),
                    LayerExample(
                        "running sums from the end", [2, 5, 3], isExact: true,
                        layer: try CumulativeSum(axis: 2, isExclusive: true, isReversed: true)),
                ]),
            LayerEntry(
                MaximumPlaces.self, terms: .ofSelection, withoutPyTorch: noPyTorch,
                [
                    LayerExample(
                        "places of maxima", [2, 2, 5, 4], isExact: true,
                        layer: MaximumPlaces(window: try Window(3, stride: 2, padding: 1))),
                    LayerExample(
                        "places of maxima by columns", [2, 2, 4, 6], isExact: true,
                        layer: MaximumPlaces(
                            window: try Window(2, stride: 2), countsColumns: true)),
                ]),
            LayerEntry(
                GridSampling.self, terms: .ofInterpolation, withoutPyTorch: noPyTorch,
                gridSampling()),
            LayerEntry(
                Ranking.self, terms: .ofSelection, withoutPyTorch: noPyTorch,
                [
                    LayerExample(
                        "place of the maximum", [2, 5, 3], isExact: true,
                        layer: try Ranking(
                            axis: 1, count: 1, isDescending: true, givesIndices: true)),
                    LayerExample(
                        "two smallest", [2, 5, 3], isExact: true,
                        layer: try Ranking(
                            axis: 1, count: 2, isDescending: false, givesIndices: false)),
                ]),
            LayerEntry(
                Resampling.self, terms: .ofInterpolation, withoutPyTorch: noPyTorch,
                try resampling()),
            LayerEntry(
                Selection.self, terms: .ofSelection, withoutPyTorch: noPyTorch,
                [Selection.Rule.equal, .less, .greaterOrEqual, .and, .xor].map {
                    LayerExample(
                        "truth of \($0)", [2, 3, 2], [2, 3, 2], isExact: true,
                        layer: Selection($0))
                } + [
                    LayerExample(
                        "choice", [2, 3, 2], [2, 1, 2], [2, 3, 1], isExact: true,
                        layer: Selection(.byTruth))
                ]),
            LayerEntry(
                WholeReshape.self, terms: .ofSelection, withoutPyTorch: noPyTorch,
                [
                    LayerExample(
                        "whole reshape", [2, 3, 4], isExact: true,
                        layer: try WholeReshape(to: [-1, 12]))
                ]),
        ]
    }

    /// Roots, logarithms and reciprocals are of numbers above 0, and some inverses of numbers from
    /// -1 to 1, or above 1.
    private static func pointwise() -> [LayerExample] {
        Pointwise.Function.allCases.map { function in
            let isPositive = [.squareRoot, .logarithm, .reciprocal].contains(function)
            let values: LayerExample.Values =
                switch function {
                case .arcSine, .arcCosine, .areaTangent: .small
                case .areaCosine: .aboveOne
                default: isPositive ? .positive : .any
                }
            return LayerExample(
                "pointwise \(function)", [2, 3, 4], values: values,
                layer: Pointwise(function, a: 1.25, b: 0.75))
        }
    }

    /// No place here lies where pixels change over, in which a gradient has a step.
    private static func gridSampling() -> [LayerExample] {
        GridSampling.Mode.allCases.flatMap { mode in
            GridSampling.Border.allCases.map { border in
                LayerExample(
                    "grid sampling, \(mode) with \(border)", [2, 2, 4, 4], [2, 3, 2, 2],
                    layer: GridSampling(
                        mode: mode, border: border, alignsCorners: border == .border))
            }
        }
    }

    private static func resampling() throws -> [LayerExample] {
        let rules = [
            Resampling.Rule(axis: 2, inputSize: 3, outputSize: 5, scale: 5.0 / 3),
            Resampling.Rule(axis: 3, inputSize: 4, outputSize: 2, scale: 0.5),
        ]
        func example(
            _ name: String, _ change: (inout Resampling.Method) -> Void
        ) throws -> LayerExample {
            var method = Resampling.Method()
            change(&method)
            return LayerExample(
                "resampling, \(name)", [2, 1, 3, 4], layer: try Resampling(rules, method))
        }
        return [
            try example("nearest") { $0.rounding = .ceiling },
            try example("linear") { ($0.mode, $0.coordinates) = (.linear, .pytorchHalfPixel) },
            try example("cubic") { ($0.mode, $0.excludesOutside) = (.cubic, true) },
            try example("antialias") { ($0.mode, $0.antialias) = (.linear, true) },
        ]
    }
}
