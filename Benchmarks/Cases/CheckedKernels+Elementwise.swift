// SPDX-License-Identifier: MIT
//
// Checks of what is computed number by number, joined or moved: activations, operations of two
// tensors, reductions, copies.

import ConvNet

extension CheckedKernels {
    func activation(_ x: Tensor, _ activation: Activation) throws -> Tensor {
        let result = try kernels.activation(x, activation)
        let part = try x.samples(at: places)
        let expected = try reference.activation(part, activation)
        switch activation {
        case .relu, .clip: try compareSamples(result, roundings: 0, expected)
        // 4 units in the last place, which are 8 roundings; the reference's own is another.
        case .sigmoid: try compareSamples(result, roundings: 9, least: 0x1p-126, expected)
        default:
            // What CConvKernels.h promises of all of them.
            log.check.compare(
                try result.samples(at: places).doubles, expected.doubles,
                bounds: zip(part.doubles, expected.doubles).map {
                    16 * unitRoundoff * (abs($0) + abs($1)) + 0x1p-126
                })
        }
        return result
    }

    func activationGradient(
        _ outputGradient: Tensor, from value: Tensor, _ activation: Activation
    ) throws -> Tensor {
        let result = try kernels.activationGradient(outputGradient, from: value, activation)
        let expected = try reference.activationGradient(
            outputGradient.samples(at: places), from: value.samples(at: places), activation)
        switch activation {
        case .relu, .clip: try compareSamples(result, roundings: 0, expected)
        case .sigmoid: try compareSamples(result, roundings: 4, expected)
        default: throw unchecked("\(activation.name)Gradient")
        }
        return result
    }

    func elementwise(_ operation: BinaryOperation, _ a: Tensor, _ b: Tensor) throws -> Tensor {
        guard operation != .power else { throw unchecked(operation.name) }
        let result = try kernels.elementwise(operation, a, b)
        func part(_ operand: Tensor) throws -> Tensor {
            let isBatch =
                operand.shape.count == result.shape.count && operand.shape[0] == result.shape[0]
            return isBatch ? try operand.samples(at: places) : operand
        }
        // The reference's double and its float are rounded, ours once.
        try compareSamples(
            result, roundings: 3, reference.elementwise(operation, part(a), part(b)))
        return result
    }

    func reduced(
        _ x: Tensor, _ reduction: Reduction, axes: [Int], keepsAxes: Bool
    ) throws -> Tensor {
        guard reduction != .l2, !axes.contains(0), !axes.contains(-x.shape.count) else {
            throw unchecked("\(reduction.name) over \(axes)")
        }
        func reduced(_ kernels: any Kernels, _ x: Tensor) throws -> Tensor {
            try kernels.reduced(x, reduction, axes: axes, keepsAxes: keepsAxes)
        }
        let (result, part) = (try reduced(kernels, x), try x.samples(at: places))
        let expected = try reduced(reference, part)
        if reduction == .maximum || reduction == .minimum {
            try compareSamples(result, roundings: 0, expected)
        } else {
            compareSums(
                try result.samples(at: places), expected,
                magnitudes: try reduced(reference, part.magnitudes()),
                terms: x.count / result.count + 1)
        }
        return result
    }

    func addBias(_ bias: Tensor, to x: inout Tensor) throws {
        var expected = try x.samples(at: places)
        try kernels.addBias(bias, to: &x)
        try reference.addBias(bias, to: &expected)
        try compareSamples(x, roundings: 2, expected)
    }

    /// Compares some of the numbers that are copied.
    func copy(
        _ x: Tensor, from source: StridedView, into y: inout Tensor, at target: StridedView
    ) throws {
        try kernels.copy(x, from: source, into: &y, at: target)
        let count = source.shape.reduce(1, *)
        let some = Inputs.spread(10_000, of: count).map { place in
            var (rest, from, to) = (place, source.offset, target.offset)
            for axis in source.shape.indices.reversed() {
                let index = rest % source.shape[axis]
                rest /= source.shape[axis]
                from += index * source.strides[axis]
                to += index * target.strides[axis]
            }
            return (from: from, to: to)
        }
        func numbers(_ tensor: Tensor, _ places: [Int]) -> [Double] {
            tensor.withUnsafeScalars(of: Float.self) { scalars in
                places.map { Double(scalars[$0]) }
            }
        }
        log.check.compareExactly(numbers(y, some.map(\.to)), numbers(x, some.map(\.from)))
    }
}
