// SPDX-License-Identifier: MIT
//
// Reductions over axes, and the softmax along one: the native kernels against the reference on each
// instruction set, the same bits on any number of threads, and what is refused.

import ConvNetKernels
import ConvNetTestSupport
import Testing

@Suite struct ReductionTests {
    private static func shape(_ draw: inout Draw) -> [Int] {
        (0..<draw.int(0...4)).map { _ in draw.pick([1, 2, 3, 5, 15, 16, 17, 33]) }
    }

    @Test(arguments: InstructionSet.supported, 0..<drawnCases)
    func resultsAgreeWithReference(_ set: InstructionSet, _ seed: Int) throws {
        var draw = Draw(seed: seed)
        let shape = Self.shape(&draw)
        let axes = shape.indices.filter { _ in draw.oneIn(2) }
            .map { draw.oneIn(4) ? $0 - shape.count : $0 }
        let reduction = draw.pick(Reduction.allCases)
        let keepsAxes = draw.oneIn(2)
        let x = try draw.normal(shape)
        let result = try native(set).reduced(x, reduction, axes: axes, keepsAxes: keepsAxes)
        let expected = try reference.reduced(x, reduction, axes: axes, keepsAxes: keepsAxes)
        // Both add up in Double and round once. A maximum is one of the numbers.
        let total = x.doubles.map(abs).reduce(0, +) * Double(x.count) * 0x1p-52
        let isPicked = reduction == .maximum || reduction == .minimum
        let comparison = Comparison(
            result, expected,
            bounds: expected.doubles.map { isPicked ? 0 : abs($0) * gamma(2) + total })
        #expect(
            comparison.isWithinBounds,
            "seed \(seed), \(reduction) of \(shape) over \(axes): \(comparison)")
    }

    /// More columns than totals are kept of at a time, and more numbers than a row of lanes.
    @Test(arguments: InstructionSet.supported, Reduction.allCases)
    func longAxesAgreeWithReference(_ set: InstructionSet, _ reduction: Reduction) throws {
        var draw = Draw(seed: 43)
        let x = try draw.integers([5, 7, 601])
        for axes in [[0], [1], [2], [0, 1], [0, 2], [1, 2], [0, 1, 2], []] {
            // Sums of whole numbers are exact, and rounded once.
            #expect(
                try native(set).reduced(x, reduction, axes: axes, keepsAxes: true)
                    == reference.reduced(x, reduction, axes: axes, keepsAxes: true),
                "\(reduction) over \(axes)")
        }
    }

    @Test(arguments: InstructionSet.supported, Reduction.allCases)
    func notANumberIsNotHidden(_ set: InstructionSet, _ reduction: Reduction) throws {
        for place in [0, 5, 39] {
            var numbers = [Float](repeating: 1, count: 40)
            numbers[place] = .nan
            for shape in [[1, 40], [40, 1], [40, 3]] {
                let x = try Tensor(
                    shape: shape,
                    scalars: numbers.flatMap { number in
                        (0..<(shape[0] * shape[1] / 40)).map { _ in number }
                    })
                let result = try native(set).reduced(
                    x, reduction, axes: [shape[0] == 1 ? 1 : 0], keepsAxes: false)
                #expect(!result.scalars.contains { !$0.isNaN }, "\(reduction) of \(shape)")
            }
        }
        // Infinities that cancel, and squares that Float could not hold.
        let x = try Tensor(shape: [1, 2], scalars: [3e38, 3e38])
        let result = try native(set).reduced(x, .l2, axes: [1], keepsAxes: false)
        #expect(result.scalars[0] == .infinity || result.scalars[0] > 3e38)
        let small = try Tensor(shape: [1, 2], scalars: [3e30, 4e30])
        #expect(
            try native(set).reduced(small, .l2, axes: [1], keepsAxes: false).scalars == [5e30])
    }

    @Test func threadsChangeNoBit() throws {
        var draw = Draw(seed: 42)
        let x = try draw.normal([6, 5, 40, 41])
        let one = try NativeKernels(threads: 1)
        for reduction in Reduction.allCases {
            for axes in [[0], [1], [2, 3], [0, 2], [0, 1, 2, 3], [1, 3]] {
                let y = try one.reduced(x, reduction, axes: axes, keepsAxes: true)
                for threads in [2, 3, 7] {
                    let kernels = try NativeKernels(threads: threads)
                    #expect(
                        try kernels.reduced(x, reduction, axes: axes, keepsAxes: true)
                            .hasSameBits(as: y), "\(reduction) over \(axes), \(threads)")
                }
            }
        }
        for axis in 0..<4 {
            let y = try one.softmax(x, axis: axis)
            let dx = try one.softmaxGradient(x, output: y, axis: axis)
            for threads in [2, 3, 7] {
                let kernels = try NativeKernels(threads: threads)
                #expect(try kernels.softmax(x, axis: axis).hasSameBits(as: y))
                #expect(
                    try kernels.softmaxGradient(x, output: y, axis: axis).hasSameBits(as: dx))
            }
        }
    }

    @Test func anEmptyListOfAxesLeavesTheNumbers() throws {
        let x = try Tensor(shape: [2, 2], scalars: [3, -4, 0, 1])
        for kernels in [NativeKernels(), reference] as [any Kernels] {
            #expect(try kernels.reduced(x, .mean, axes: [], keepsAxes: false) == x)
            #expect(
                try kernels.reduced(x, .l2, axes: [], keepsAxes: false).scalars == [3, 4, 0, 1])
        }
    }

    @Test(arguments: InstructionSet.supported, 0..<drawnCases / 2)
    func softmaxAlongAnAxisAgreesWithReference(_ set: InstructionSet, _ seed: Int) throws {
        var draw = Draw(seed: seed)
        let shape = (0..<draw.int(1...4)).map { _ in draw.pick([1, 2, 3, 10, 17, 65]) }
        let axis = draw.int(-shape.count...shape.count - 1)
        let x = try draw.normal(shape).map { 10 * $0 }
        let (kernels, expected) = (try native(set), try reference.softmax(x, axis: axis))
        // As for rows: the difference to the largest number is rounded, which the exponential
        // multiplies by its size.
        let relative = (2 * x.doubles.map(abs).reduce(0, max) + 10) * unitRoundoff
        let values = Comparison(
            try kernels.softmax(x, axis: axis), expected,
            bounds: expected.doubles.map { $0 * relative * 2 + 0x1p-126 })
        #expect(values.isWithinBounds, "seed \(seed), \(shape), axis \(axis): \(values)")

        let dy = try draw.normal(shape)
        let total = dy.doubles.map(abs).reduce(0, +)
        let gradients = Comparison(
            try kernels.softmaxGradient(dy, output: expected, axis: axis),
            try reference.softmaxGradient(dy, output: expected, axis: axis),
            bounds: [Double](repeating: total * gamma(3), count: x.count))
        #expect(gradients.isWithinBounds, "seed \(seed), \(shape), axis \(axis): \(gradients)")
    }

    /// What lies along another axis than the last gives the bits that rows of the same numbers do.
    @Test(arguments: InstructionSet.supported)
    func columnsGiveTheBitsOfRows(_ set: InstructionSet) throws {
        var draw = Draw(seed: 44)
        let (rows, columns) = (37, 70)
        let x = try draw.normal([rows, columns])
        func transposed(_ x: Tensor) throws -> Tensor {
            let (height, width) = (x.shape[0], x.shape[1])
            let numbers = x.scalars
            return try Tensor(
                shape: [width, height],
                scalars: (0..<width).flatMap { column in
                    (0..<height).map { numbers[$0 * width + column] }
                })
        }
        let kernels = try native(set)
        let y = try kernels.softmax(x, axis: 0)
        #expect(try y.hasSameBits(as: transposed(kernels.softmax(transposed(x)))))
        #expect(
            try kernels.softmaxGradient(x, output: y, axis: 0).hasSameBits(
                as: transposed(
                    kernels.softmaxGradient(transposed(x), output: transposed(y)))))
    }

    @Test func wrongAxesAreRefused() throws {
        let x = try Tensor(zeros: [2, 3])
        func expect(_ message: String, _ body: (any Kernels) throws -> Void) {
            for kernels in [NativeKernels(), reference] as [any Kernels] {
                let error = #expect(throws: TensorError.self) { try body(kernels) }
                #expect(error?.description == message)
            }
        }
        expect("mean: axes is 2, expected an axis of [2, 3]") {
            _ = try $0.reduced(x, .mean, axes: [2], keepsAxes: true)
        }
        expect("l2: axes is -9223372036854775808, expected an axis of [2, 3]") {
            _ = try $0.reduced(x, .l2, axes: [.min], keepsAxes: true)
        }
        expect("sum: axes is [1, -1], expected each axis of [2, 3] once") {
            _ = try $0.reduced(x, .sum, axes: [1, -1], keepsAxes: true)
        }
        expect("softmax: axis is -3, expected an axis of [2, 3]") {
            _ = try $0.softmax(x, axis: -3)
        }
        expect("softmaxGradient: output is [6], expected [2, 3]") {
            _ = try $0.softmaxGradient(x, output: x.reshaped(to: [6]), axis: 0)
        }
    }
}
