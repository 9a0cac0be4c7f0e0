// SPDX-License-Identifier: MIT
//
// Local response normalization and dropout against the reference, within bounds that follow from
// their formulas.

import ConvNetKernels
import ConvNetTestSupport
import Testing

@Suite struct NormalizationTests {
    /// Shapes around the vectors' and blocks' sizes, with few channels and many.
    static func shape(_ draw: inout Draw) -> [Int] {
        let channels = draw.pick([1, 2, 3, 5, 8, 17, 33])
        return draw.oneIn(4)
            ? [draw.int(1...9), channels]
            : [draw.int(1...2), channels, draw.int(1...9), draw.pick([1, 7, 8, 63, 64, 65, 130])]
    }

    static func settings(_ draw: inout Draw) throws -> LocalResponseSettings {
        try LocalResponseSettings(
            size: draw.pick([1, 2, 3, 4, 5, 5, 5, 6, 9, 40]), alpha: draw.pick([5e-4, 1, 3]),
            beta: draw.pick([0.75, 0.75, 0.5, 1, 1.3]), k: draw.pick([1, 2, 0.5]))
    }

    /// By how many roundings the power `s^−beta` is off at most, with s from the sum of `size`
    /// squares.
    ///
    /// A square and its sum are off by `size + 1` roundings, s by 4 more (alpha/size and k are
    /// rounded themselves), which the power multiplies by beta. Roots and their product add 5; the
    /// logarithm's 6 and the rounded beta are multiplied by beta and the logarithm, and the
    /// exponential adds 6.
    static func powerRoundings(_ settings: LocalResponseSettings, largest x: Double) -> Int {
        let largest = settings.k + settings.alpha * x * x
        let logarithms = max(abs(logarithm(largest)), abs(logarithm(settings.k)), 1)
        let sum = settings.beta * Double(settings.size + 5)
        return settings.beta == 0.75
            ? Int(sum) + 6 : Int(sum + settings.beta * logarithms * 8) + 8
    }

    @Test(arguments: InstructionSet.supported, 0..<drawnCases)
    func localResponseNormalizationAgreesWithReference(
        _ set: InstructionSet, _ seed: Int
    ) throws {
        var draw = Draw(seed: seed)
        let settings = try Self.settings(&draw)
        let x = try draw.normal(Self.shape(&draw))
        let dy = try draw.normal(x.shape)
        let kernels = try native(set)
        let roundings = Self.powerRoundings(settings, largest: x.doubles.map(abs).reduce(0, max))
        let y = try reference.localResponseNormalization(
            x.converted(to: .float64), settings: settings)
        let forward = Comparison(
            try kernels.localResponseNormalization(x, settings: settings), y,
            bounds: y.doubles.map { abs($0) * gamma(roundings + 1) })
        #expect(forward.isWithinBounds, "seed \(seed), \(x.shape), \(settings): \(forward)")

        // With absolute values all terms but the first, |dy · y/x|, are taken off it.
        let difference = try reference.localResponseNormalizationGradient(
            dy.magnitudes(), input: x.magnitudes(), settings: settings)
        let terms = zip(zip(y.doubles, x.doubles), zip(dy.doubles, difference.doubles))
            .map { 2 * abs($1.0 * $0.0 / $0.1) - $1.1 }
        // The power once, its inverse, products, and a sum of at most `size` terms.
        let length = 2 * roundings + settings.size + 8
        let backward = Comparison(
            try kernels.localResponseNormalizationGradient(dy, input: x, settings: settings),
            try reference.localResponseNormalizationGradient(
                dy.converted(to: .float64), input: x.converted(to: .float64), settings: settings),
            bounds: terms.map { $0 * gamma(length) })
        #expect(backward.isWithinBounds, "seed \(seed), \(x.shape), \(settings): \(backward)")
    }

    /// Whole numbers by hand: with alpha = size, beta 1 and k 1, y = x / (1 + Σx²).
    @Test(arguments: InstructionSet.supported)
    func localResponseNormalizationByHand(_ set: InstructionSet) throws {
        let x = try Tensor(shape: [1, 4], scalars: [1, 2, -3, 0])
        let settings = try LocalResponseSettings(size: 3, alpha: 3, beta: 1, k: 1)
        let y = try native(set).localResponseNormalization(x, settings: settings)
        let expected = try Tensor(shape: [1, 4], doubles: [1.0 / 6, 2.0 / 15, -3.0 / 14, 0])
        let bounds = expected.doubles.map { abs($0) * gamma(40) }
        #expect(Comparison(y, expected, bounds: bounds).isWithinBounds, "\(y.scalars)")
    }

    /// An even window reaches one channel further back than forth, as PyTorch's does.
    @Test(arguments: InstructionSet.supported)
    func anEvenWindowReachesFurtherBack(_ set: InstructionSet) throws {
        let x = try Tensor(shape: [1, 3], scalars: [1, 0, 1])
        let settings = try LocalResponseSettings(size: 2, alpha: 2, beta: 0.75, k: 1)
        let y = try native(set).localResponseNormalization(x, settings: settings).scalars
        // Each 1 sees itself and what is before it: itself alone.
        #expect(y[0] == y[2] && abs(Double(y[0]) - 0.5946035575013605) <= 8 * unitRoundoff)
        let even = try native(set).localResponseNormalizationGradient(
            Tensor(shape: [1, 3], scalars: [0, 1, 0]),
            input: Tensor(shape: [1, 3], scalars: [1, 1, 1]),
            settings: settings)
        #expect(even.scalars[0] < 0 && even.scalars[2] == 0)
    }

    @Test(arguments: InstructionSet.supported, 0..<drawnCases)
    func dropoutAgreesWithReference(_ set: InstructionSet, _ seed: Int) throws {
        var draw = Draw(seed: seed)
        let count = draw.pick([1, 2, 15, 63, 64, 65, 128, 1000, 8191, 8192, 8193, 20000])
        let x = try draw.normal([count])
        let mask = try DropoutMask(
            rate: draw.pick([0, 0.1, 0.25, 0.5, 0.75, 0.999]),
            seed: UInt64(draw.int(0...1 << 62)), layer: UInt64(draw.int(0...3)),
            step: draw.int(0...1_000_000))
        let result = try native(set).dropout(x, mask: mask)
        let expected = try reference.dropout(x, mask: mask)
        // The same are dropped; what is kept is off by the factor's rounding and the product's.
        let comparison = Comparison(
            result, expected, bounds: expected.doubles.map { abs($0) * gamma(3) })
        #expect(comparison.isWithinBounds, "seed \(seed), \(mask): \(comparison)")
    }

    /// As many are dropped as the rate says, to within five standard deviations; other seeds,
    /// layers and steps drop others.
    @Test func dropoutDropsItsShare() throws {
        let count = 1 << 20
        let ones = try Tensor(shape: [count], repeating: 1)
        let first = try DropoutMask(rate: 0.25, seed: 1, layer: 2)
        func dropped(_ mask: DropoutMask) throws -> [Bool] {
            try NativeKernels().dropout(ones, mask: mask).scalars.map { $0 == 0 }
        }
        let one = try dropped(first)
        let deviation = (Double(count) * 0.25 * 0.75).squareRoot()
        #expect(abs(Double(one.count { $0 }) - Double(count) / 4) <= 5 * deviation)
        var second = first
        second.step = 1
        for other in [
            second, try DropoutMask(rate: 0.25, seed: 2, layer: 2),
            try DropoutMask(rate: 0.25, seed: 1, layer: 3),
        ] {
            // Independent masks drop an element both with probability 1/16.
            let both = zip(one, try dropped(other)).count { $0 && $1 }
            let expected = Double(count) / 16
            #expect(abs(Double(both) - expected) <= 5 * expected.squareRoot(), "\(other)")
        }
    }

    @Test func wrongSettingsAreRefused() throws {
        func expect(_ message: String, _ body: () throws -> Void) {
            let error = #expect(throws: TensorError.self, performing: body)
            #expect(error?.description == message)
        }
        let name = "LocalResponseNormalization"
        expect("\(name): size is 0, expected from 1 to 2147483647") {
            _ = try LocalResponseSettings(size: 0)
        }
        expect("\(name): alpha is -1.0, expected from 0 to 1e30") {
            _ = try LocalResponseSettings(alpha: -1)
        }
        expect("\(name): beta is nan, expected from 0 to 1e30") {
            _ = try LocalResponseSettings(beta: .nan)
        }
        expect("\(name): k is 0.0, expected from 1e-30 to 1e30") {
            _ = try LocalResponseSettings(k: 0)
        }
        for rate in [-0.1, 1, .nan, .infinity] {
            expect("Dropout: rate is \(rate), expected at least 0 and below 1") {
                _ = try DropoutMask(rate: rate, seed: 0, layer: 0)
            }
        }
        let settings = try LocalResponseSettings()
        BadInputTests.expect("localResponseNormalization: x is [3], expected [N, C] or [N, C, …]") {
            _ = try $0.localResponseNormalization(Tensor(zeros: [3]), settings: settings)
        }
        BadInputTests.expect(
            "localResponseNormalizationGradient: outputGradient is [2, 3], expected [3, 2]"
        ) {
            _ = try $0.localResponseNormalizationGradient(
                Tensor(zeros: [2, 3]), input: Tensor(zeros: [3, 2]), settings: settings)
        }
    }
}
