// SPDX-License-Identifier: MIT
//
// The catalogue's layers that reduce, normalize or join whole tensors.

import ConvNet
import ConvNetTestSupport

extension LayerCatalogue {
    static func wholeTensors() throws -> [LayerEntry] {
        try [reductions(), parametricRectifiers()] + normalizations() + joins()
    }

    private static func reductions() throws -> LayerEntry {
        LayerEntry(
            Reduce.self, terms: .ofReductions,
            [
                LayerExample(
                    "sum of planes", [2, 3, 2, 3], layer: try Reduce(.sum, axes: [2, 3])),
                LayerExample(
                    "mean of all but samples", [3, 2, 4],
                    layer: try Reduce(.mean, axes: [-1, 1], keepsAxes: false)),
                LayerExample(
                    "maximum of channels", [2, 3, 2, 2], isExact: true,
                    layer: try Reduce(.maximum, axes: [1])),
                LayerExample(
                    "minimum of rows", [3, 5], isExact: true,
                    layer: try Reduce(.minimum, axes: [1], keepsAxes: false)),
                LayerExample("root of squares", [2, 3, 4], layer: try Reduce(.l2, axes: [2])),
            ])
    }

    private static func parametricRectifiers() throws -> LayerEntry {
        var draw = Draw(seed: 51)
        return LayerEntry(
            PReLU.self, terms: .ofParametricRectifiers,
            [
                LayerExample(
                    "PReLU", [2, 3, 2, 2],
                    layer: try PReLU(slope: draw.normal([3]).map { abs($0) / 4 + 0.125 })),
                LayerExample("PReLU of one slope", [4, 3], layer: try PReLU(slope: 0.2)),
            ])
    }

    private static func normalizations() throws -> [LayerEntry] {
        var draw = Draw(seed: 52)
        func tensor(_ shape: [Int]) throws -> Tensor { try draw.normal(shape) }
        return [
            LayerEntry(
                LayerNormalization.self,
                terms: .ofNormalization { layer, _ in layer.parameters[0].count },
                [
                    LayerExample(
                        "layer normalization", [2, 3, 5],
                        layer: try LayerNormalization(gamma: tensor([5]), beta: tensor([5]))),
                    LayerExample(
                        "layer normalization of two axes", [3, 2, 4],
                        layer: try LayerNormalization(
                            gamma: tensor([2, 4]), beta: tensor([2, 4]), epsilon: 0.1)),
                ]),
            LayerEntry(
                GroupNormalization.self,
                terms: .ofNormalization { layer, x in
                    x.count / x.shape[0] / ((layer as? GroupNormalization)?.groups ?? 1)
                },
                [
                    LayerExample(
                        "group normalization", [2, 4, 2, 3],
                        layer: try GroupNormalization(
                            groups: 2, gamma: tensor([4]), beta: tensor([4]))),
                    LayerExample(
                        "group normalization of rows", [3, 6],
                        layer: try GroupNormalization(groups: 2, channels: 6, epsilon: 0.1)),
                ]),
            LayerEntry(
                InstanceNormalization.self,
                terms: .ofNormalization { _, x in x.count / x.shape[0] / x.shape[1] },
                [
                    LayerExample(
                        "instance normalization", [2, 3, 2, 3],
                        layer: try InstanceNormalization(
                            gamma: tensor([3]), beta: tensor([3]), epsilon: 1e-3))
                ]),
        ]
    }

    private static func joins() -> [LayerEntry] {
        [
            LayerEntry(
                Addition.self,
                [
                    LayerExample(
                        "addition", [2, 3, 2], [2, 3, 2], isExact: true, layer: Addition()),
                    LayerExample(
                        "addition of three", [2, 5], [2, 5], [2, 5], isExact: true,
                        layer: Addition()),
                ]),
            LayerEntry(
                Multiplication.self,
                [
                    LayerExample(
                        "multiplication of three", [2, 3, 2], [2, 3, 2], [2, 3, 2],
                        layer: Multiplication()),
                    LayerExample(
                        "gate", [2, 3, 2, 2], [2, 3, 1, 1], isExact: true, layer: Multiplication()),
                    LayerExample(
                        "gate first", [2, 3, 1, 1], [2, 3, 1, 3], isExact: true,
                        layer: Multiplication()),
                ]),
            LayerEntry(
                MatrixProduct.self,
                [
                    LayerExample(
                        "matrix product", [2, 3, 2], [2, 2, 4], isExact: true,
                        layer: MatrixProduct()),
                    LayerExample(
                        "matrix product of one for several", [2, 1, 3, 2], [2, 3, 2, 2],
                        isExact: true, layer: MatrixProduct()),
                    LayerExample(
                        "matrix product of one for all samples", [2, 1, 3, 2], [1, 3, 2, 2],
                        isExact: true, layer: MatrixProduct()),
                ]),
            LayerEntry(Elementwise.self, terms: .ofElementwise, elementwise()),
        ]
    }

    /// Bases of powers and divisors are above 0.
    private static func elementwise() -> [LayerExample] {
        BinaryOperation.allCases.flatMap { operation in
            let isPositive = operation == .power || operation == .divide
            return [
                LayerExample(
                    "\(operation.name)", [2, 3, 2], [2, 3, 2],
                    values: isPositive ? .positive : .any,
                    layer: Elementwise(operation)),
                LayerExample(
                    "\(operation.name) with broadcasting", [2, 1, 3, 2], [1, 3, 1, 2],
                    values: isPositive ? .positive : .any, layer: Elementwise(operation)),
            ]
        }
    }
}
