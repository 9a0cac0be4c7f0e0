// SPDX-License-Identifier: MIT
//
// Running sums along an axis: of imported models.

/// For each number the sum of those up to it along an axis, taken in `Double`.
struct CumulativeSum: UnaryLayer {
    let axis: Int
    /// Whether a number's own is left out.
    let isExclusive: Bool
    /// Whether sums are those of the numbers from it on.
    let isReversed: Bool

    /// - Throws: ``TensorError`` when the axis is negative.
    init(axis: Int, isExclusive: Bool = false, isReversed: Bool = false) throws {
        guard (0...64).contains(axis) else {
            throw TensorError(
                operation: "CumulativeSum", argument: "axis", value: "\(axis)",
                expected: "from 0 to 64")
        }
        (self.axis, self.isExclusive, self.isReversed) = (axis, isExclusive, isReversed)
    }

    func outputShape(for inputShape: [Int]) throws -> [Int] {
        guard inputShape.indices.contains(axis) else {
            throw TensorError(
                operation: "CumulativeSum", argument: "x", value: "\(inputShape)",
                expected: "a shape with axis \(axis)")
        }
        return inputShape
    }

    func predict(_ x: Tensor, on kernels: any Kernels) throws -> Tensor {
        _ = try outputShape(for: x.shape)
        return try summed(x, isReversed: isReversed)
    }

    func forward(_ x: Tensor, in pass: Pass) throws -> Forward {
        Forward(try predict(x, on: pass.kernels)) { [self] outputGradient, wanted in
            // A number is part of the sums behind it.
            LayerGradients(
                input: wanted.input ? try summed(outputGradient, isReversed: !isReversed) : nil)
        }
    }

    private func summed(_ x: Tensor, isReversed: Bool) throws -> Tensor {
        let extent = x.shape[axis]
        let inner = x.shape[(axis + 1)...].reduce(1, *)
        var numbers = x.doubles
        for block in 0..<numbers.count / (extent * inner) {
            for offset in 0..<inner {
                var sum = 0.0
                for step in 0..<extent {
                    let index = isReversed ? extent - 1 - step : step
                    let place = (block * extent + index) * inner + offset
                    let number = numbers[place]
                    numbers[place] = isExclusive ? sum : sum + number
                    sum += number
                }
            }
        }
        return try Tensor(shape: x.shape, doubles: numbers).converted(to: x.scalarType)
    }
}

extension CumulativeSum: DescribedLayer {
    static let typeName = "CumulativeSum"

    var layerSettings: LayerSettings {
        [
            "axis": .integer(axis), "exclusive": .flag(isExclusive), "reversed": .flag(isReversed),
        ]
    }

    init(settings: LayerSettings, tensors: LayerTensors) throws {
        try settings.require(only: ["axis", "exclusive", "reversed"])
        try tensors.require(only: [])
        try self.init(
            axis: settings.integer("axis", in: 0...64), isExclusive: settings.flag("exclusive"),
            isReversed: settings.flag("reversed"))
    }
}

extension CumulativeSum: ONNXLayer {
    func export(to graph: inout ONNXGraph, inputShape: [Int]) {
        graph.add(
            "CumSum", [graph.addIntegers("axis", [axis])],
            [
                ("exclusive", .int(isExclusive ? 1 : 0)), ("reverse", .int(isReversed ? 1 : 0)),
            ])
    }
}
