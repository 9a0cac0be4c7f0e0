// SPDX-License-Identifier: MIT
//
// The optimisers' updates against the reference.

import ConvNetKernels
import ConvNetTensor
import ConvNetTestSupport
import Testing

@Suite struct UpdateTests {
    /// A drawn parameter, its gradient, and what an optimiser keeps.
    struct Case {
        let parameter, gradient, first, second: Tensor
        let adjustment: GradientAdjustment

        init(_ draw: inout Draw) throws {
            let shape = [draw.pick([1, 2, 15, 16, 17, 31, 33, 1000])]
            parameter = try draw.normal(shape)
            gradient = try draw.normal(shape)
            first = try draw.normal(shape)
            second = try draw.normal(shape).magnitudes().converted(to: .float32)
            adjustment =
                draw.oneIn(2)
                ? GradientAdjustment()
                : GradientAdjustment(
                    factor: draw.pick([0.3, 1, 2]), limit: draw.pick([0.5, .infinity]),
                    weightDecay: draw.pick([0, 0.1]))
        }

        /// Each number's gradient after its adjustment, the sum of its terms' sizes, and the state.
        var numbers: [(g: Double, size: Double, first: Double, second: Double)] {
            zip(zip(parameter.doubles, gradient.doubles), zip(first.doubles, second.doubles)).map {
                let ((p, g), (first, second)) = ($0, $1)
                let limit = adjustment.limit
                let scaled = adjustment.factor * min(max(g, -limit), limit)
                let decay = adjustment.weightDecay * p
                return (scaled + decay, abs(scaled) + abs(decay), first, second)
            }
        }

        /// Runs on both and compares the parameter and what is kept; `terms` are the sizes of what
        /// is added to the parameter. |each term| · γ_k bounds a short chain of roundings, the
        /// hyper-parameters' own rounding to Float included.
        func compare(
            _ name: String, _ kernels: any Kernels, terms: [Double],
            _ update: (any Kernels, inout Tensor) throws -> Void
        ) throws {
            var (result, expected) = (parameter, parameter)
            try update(kernels, &result)
            try update(reference, &expected)
            let comparison = Comparison(
                result, expected,
                bounds: zip(parameter.doubles, terms).map { (abs($0) + abs($1)) * gamma(12) })
            #expect(comparison.isWithinBounds, "\(name), \(adjustment): \(comparison)")
        }
    }

    @Test(arguments: InstructionSet.supported, 0..<drawnCases / 2)
    func stepsAlongTheGradientAgreeWithReference(_ set: InstructionSet, _ seed: Int) throws {
        var draw = Draw(seed: seed)
        let (drawn, kernels) = (try Case(&draw), try native(set))
        try drawn.compare("sgd, seed \(seed)", kernels, terms: drawn.numbers.map { 0.1 * $0.size })
        {
            try $0.sgdUpdate(
                &$1, gradient: drawn.gradient, learningRate: 0.1, adjustment: drawn.adjustment)
        }
        for isNesterov in [false, true] {
            let settings = MomentumSettings(
                learningRate: 0.1, momentum: 0.9, isNesterov: isNesterov)
            let terms = drawn.numbers.map {
                isNesterov
                    ? 0.1 * ($0.size + 0.9 * (0.9 * abs($0.first) + $0.size))
                    : 0.1 * $0.size + 0.9 * abs($0.first)
            }
            try drawn.compare("\(settings), seed \(seed)", kernels, terms: terms) {
                var velocity = drawn.first
                try $0.momentumUpdate(
                    &$1, velocity: &velocity, gradient: drawn.gradient, settings: settings,
                    adjustment: drawn.adjustment)
            }
        }
    }

    @Test(arguments: InstructionSet.supported, 0..<drawnCases / 2)
    func scaledStepsAgreeWithReference(_ set: InstructionSet, _ seed: Int) throws {
        var draw = Draw(seed: seed)
        let (drawn, kernels) = (try Case(&draw), try native(set))
        for (kept, added) in [(1.0, 1.0), (0.99, 0.01)] {
            let settings = SquaresSettings(
                learningRate: 0.1, kept: kept, added: added, epsilon: 1e-8)
            // g/√(a + b·g²) is nowhere steeper than 1/√(a + b·g²): an error of g comes out as its
            // size over the root.
            let terms = drawn.numbers.map {
                0.1 * $0.size / ((kept * $0.second + added * $0.g * $0.g).squareRoot() + 1e-8)
            }
            try drawn.compare("\(settings), seed \(seed)", kernels, terms: terms) {
                var squares = drawn.second
                try $0.squaresUpdate(
                    &$1, squares: &squares, gradient: drawn.gradient, settings: settings,
                    adjustment: drawn.adjustment)
            }
        }
        let step = draw.pick([1, 2, 10, 1000])
        let settings = AdamSettings(
            learningRate: 0.01, decoupledWeightDecay: draw.pick([0, 0.1]))
        let correction1 = 1 - power(0.9, step)
        let correction2 = 1 - power(0.999, step)
        // The relative error is that of numerator and divisor. An error e of g changes the second
        // moment v by 2·0.001·|g|·e, at most 2·√0.001·e·√v as 0.001·g² is at most v.
        let terms = drawn.numbers.map {
            let m = 0.9 * abs($0.first) + 0.1 * $0.size
            let v = 0.999 * $0.second + 0.001 * $0.g * $0.g
            let root = (v / correction2).squareRoot()
            return 0.01 * m / correction1 / (root + 1e-8)
                * (1 + 0.001.squareRoot() * $0.size / v.squareRoot())
        }
        try drawn.compare("adam, step \(step), seed \(seed)", kernels, terms: terms) {
            var (m, v) = (drawn.first, drawn.second)
            try $0.adamUpdate(
                &$1, firstMoment: &m, secondMoment: &v, gradient: drawn.gradient, step: step,
                settings: settings, adjustment: drawn.adjustment)
        }
    }

    /// What is kept is compared where it is exact: whole numbers, and powers of two for settings.
    @Test(arguments: InstructionSet.supported)
    func stateIsKept(_ set: InstructionSet) throws {
        let numbers: [Float] = [0, 1, -2, 3, 4, -5, 6, 7, 8, -9, 10, 11, 12, 13, 14, 15, 16]
        let gradient = try Tensor(shape: [17], scalars: numbers)
        let state = try Tensor(shape: [17], repeating: 2)
        for kernels: any Kernels in [try native(set), reference] {
            for isNesterov in [false, true] {
                var (p, v) = (gradient, state)
                try kernels.momentumUpdate(
                    &p, velocity: &v, gradient: gradient,
                    settings: MomentumSettings(
                        learningRate: 0.5, momentum: 0.25, isNesterov: isNesterov))
                #expect(v.scalars == numbers.map { 0.5 + (isNesterov ? $0 : -0.5 * $0) })
            }
            var (p, squares) = (gradient, state)
            try kernels.squaresUpdate(
                &p, squares: &squares, gradient: gradient,
                settings: SquaresSettings(learningRate: 1, kept: 0.5, added: 2, epsilon: 1e-8),
                adjustment: GradientAdjustment(limit: 4))
            #expect(squares.scalars == numbers.map { 1 + 2 * min($0 * $0, 16) })
            var (m, second) = (state, state)
            try kernels.adamUpdate(
                &p, firstMoment: &m, secondMoment: &second, gradient: gradient, step: 1,
                settings: AdamSettings(beta1: 0.5, beta2: 0.75))
            #expect(m.scalars == numbers.map { 1 + 0.5 * $0 })
            #expect(second.scalars == numbers.map { 1.5 + 0.25 * $0 * $0 })
        }
    }

    /// NaN is not clipped away.
    @Test(arguments: InstructionSet.supported)
    func clippingKeepsNaN(_ set: InstructionSet) throws {
        for kernels: any Kernels in [try native(set), reference] {
            var p = try Tensor(zeros: [3])
            try kernels.sgdUpdate(
                &p, gradient: Tensor(shape: [3], scalars: [.nan, .infinity, -.infinity]),
                learningRate: 1, adjustment: GradientAdjustment(limit: 2))
            #expect(p.scalars[0].isNaN)
            #expect(p.scalars[1...] == [-2, 2])
        }
    }

    /// Squares of whole numbers add up exactly in `Double`, in any order.
    @Test(arguments: InstructionSet.supported, [1, 31, 32, 33, 8191, 8192, 8193, 50_000])
    func sumsOfSquaresAreExact(_ set: InstructionSet, _ count: Int) throws {
        var draw = Draw(seed: count)
        let x = try draw.integers([count])
        let expected = x.doubles.reduce(0) { $0 + $1 * $1 }
        #expect(try native(set).sumOfSquares(x) == expected)
        #expect(try reference.sumOfSquares(x) == expected)
        // Large numbers do not overflow on the way.
        let large = try Tensor(shape: [2], scalars: [3e30, 4e30])
        let total = try native(set).sumOfSquares(large)
        #expect(total == large.doubles.reduce(0) { $0 + $1 * $1 })
    }
}
