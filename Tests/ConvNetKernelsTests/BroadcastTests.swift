// SPDX-License-Identifier: MIT
//
// Operations on two tensors with broadcasting: the native kernels against the reference on each
// instruction set, the same bits on any number of threads, and what is refused. Whatever stands in
// `BinaryOperation` is tried.

import ConvNetKernels
import ConvNetTestSupport
import Testing

@Suite struct BroadcastTests {
    /// A shape, and two or three that broadcast to it together; now and then without their first
    /// axes.
    private static func shapes(_ draw: inout Draw, _ count: Int) -> [[Int]] {
        let rank = draw.int(0...4)
        let whole = (0..<rank).map { _ in draw.pick([1, 2, 3, 5, 8, 17, 33]) }
        return (0..<count).map { _ in
            let shape = whole.map { draw.oneIn(3) ? 1 : $0 }
            return Array(shape.dropFirst(draw.oneIn(4) ? draw.int(0...rank) : 0))
        }
    }

    /// Gates of channels, their mirror, single numbers, and a bias.
    private static let usualShapes: [[[Int]]] = [
        [[3, 5, 7, 9], [3, 5, 7, 9]], [[3, 5, 7, 9], [3, 5, 1, 1]], [[3, 5, 1, 1], [3, 5, 7, 9]],
        [[3, 5, 7, 9], []], [[1], [3, 5, 7, 9]], [[2, 130], [130]], [[7, 1], [1, 9]],
        [[1, 5, 1, 1], [3, 5, 7, 9]], [[2, 3, 4, 5, 6, 2], [3, 1, 5, 1, 2]],
    ]

    /// Powers are those of numbers above 0.
    private static func base(_ x: Tensor, _ operation: BinaryOperation) throws -> Tensor {
        operation == .power ? try x.map { abs($0) + 0.125 } : x
    }

    /// How often a gradient is rounded, the reference's own being another; a sum, a product or a
    /// quotient of two numbers is the same in both.
    private static func roundings(
        _ operation: BinaryOperation, _ operand: BinaryOperation.Operand
    ) -> Int {
        switch (operation, operand) {
        case (.divide, .b): 4
        case (.power, _): 2
        default: 0
        }
    }

    @Test(arguments: InstructionSet.supported, 0..<drawnCases)
    func resultsAgreeWithReference(_ set: InstructionSet, _ seed: Int) throws {
        var draw = Draw(seed: seed)
        let operation = draw.pick(BinaryOperation.allCases)
        let drawn = Self.shapes(&draw, 3)
        let usual = draw.pick(Self.usualShapes)
        let shapes = draw.oneIn(2) ? drawn : usual + [usual[0]]
        let a = try Self.base(draw.normal(shapes[0]), operation)
        // Equal numbers, for maxima, and signs that differ.
        let b = try draw.oneIn(4) && shapes[1] == shapes[0] ? a : draw.normal(shapes[1])
        let kernels = try native(set)
        let (y, expected) = (
            try kernels.elementwise(operation, a, b), try reference.elementwise(operation, a, b)
        )
        let values = Comparison(
            y, expected,
            bounds: expected.doubles.map { operation == .power ? abs($0) * gamma(2) : 0 })
        #expect(values.isWithinBounds, "seed \(seed), \(operation) of \(shapes): \(values)")

        let whole = try reference.elementwise(.add, y, Tensor(zeros: shapes[2])).shape == y.shape
        let dy = try draw.normal(whole ? shapes[2] : y.shape)
        for operand in BinaryOperation.Operand.allCases {
            let gradient = try kernels.elementwiseGradient(
                dy, of: operation, a, b, operand: operand)
            let expected = try reference.elementwiseGradient(
                dy, of: operation, a, b, operand: operand)
            let factor = gamma(Self.roundings(operation, operand))
            let comparison = Comparison(
                gradient, expected, bounds: expected.doubles.map { abs($0) * factor })
            #expect(
                comparison.isWithinBounds,
                "seed \(seed), \(operation) of \(shapes), \(dy.shape), \(operand): \(comparison)")
        }
    }

    /// Each special number with each other one, beside one another and repeated.
    @Test(arguments: InstructionSet.supported, BinaryOperation.allCases)
    func specialNumbersAreThoseOfTheReference(
        _ set: InstructionSet, _ operation: BinaryOperation
    ) throws {
        let numbers = ElementwiseTests.special + [1, -1, 2, 0.5]
        let column = try Tensor(shape: [numbers.count, 1], scalars: numbers)
        let row = try Tensor(shape: [numbers.count], scalars: numbers)
        let wide = try reference.elementwise(
            .add, column, Tensor(shape: [1, 40], repeating: -0.0))
        let kernels = try native(set)
        for (a, b) in [(column, row), (row, column), (wide, column)] {
            #expect(
                try PoolingTests.areEqualOrBothNaN(
                    kernels.elementwise(operation, a, b), reference.elementwise(operation, a, b)),
                "\(operation) of \(a.shape) and \(b.shape)")
        }
    }

    @Test func threadsChangeNoBit() throws {
        var draw = Draw(seed: 41)
        let one = try NativeKernels(threads: 1)
        for shapes in [
            [[3, 5, 70, 70], [3, 5, 70, 70]], [[3, 5, 70, 70], [3, 5, 1, 1]],
            [[70_001], []], [[9, 1, 70, 3], [1, 70, 70, 1]],
        ] {
            for operation in BinaryOperation.allCases {
                let a = try Self.base(draw.normal(shapes[0]), operation)
                let b = try draw.normal(shapes[1])
                let y = try one.elementwise(operation, a, b)
                let dx = try one.elementwiseGradient(y, of: operation, a, b, operand: .b)
                for threads in [2, 3, 7] {
                    let kernels = try NativeKernels(threads: threads)
                    #expect(try kernels.elementwise(operation, a, b).hasSameBits(as: y))
                    #expect(
                        try kernels.elementwiseGradient(y, of: operation, a, b, operand: .b)
                            .hasSameBits(as: dx))
                }
            }
        }
    }

    /// By central differences, in `Double`, away from where there is no slope.
    @Test(arguments: BinaryOperation.allCases)
    func theReferencesGradientsAreTheSlopes(_ operation: BinaryOperation) {
        let step = 1e-5
        for a in stride(from: operation == .power ? 0.25 : -2, through: 2, by: 0.31) {
            for b in stride(from: -2.03, through: 2, by: 0.37) {
                let slopes = [
                    operation.value(a + step, b) - operation.value(a - step, b),
                    operation.value(a, b + step) - operation.value(a, b - step),
                ].map { $0 / (2 * step) }
                for (operand, slope) in zip(BinaryOperation.Operand.allCases, slopes) {
                    let gradient = operation.gradient(of: operand, 1, a, b)
                    // h²/6 times a third derivative, of which that of a⁻² at 1/4, 24 · 4⁵, is the
                    // largest here, and rounding of numbers below 32 over the step.
                    let bound = step * step / 6 * 24 * 1024 * 1.1 + 32 * 0x1p-52 / step
                    #expect(
                        abs(gradient - slope) <= bound, "\(operation), \(operand) at \(a), \(b)")
                }
            }
        }
    }

    /// As PyTorch has them where there is no slope.
    @Test func gradientsWhereThereIsNoSlope() {
        func gradients(_ operation: BinaryOperation, _ a: Double, _ b: Double) -> [Double] {
            BinaryOperation.Operand.allCases.map { operation.gradient(of: $0, 4, a, b) }
        }
        #expect(gradients(.maximum, 1, 1) == [2, 2] && gradients(.minimum, 1, 1) == [2, 2])
        #expect(gradients(.prelu, 0, 0.25) == [1, 0])
        #expect(gradients(.power, 0, 2) == [0, 0] && gradients(.power, 3, 0)[0] == 0)
    }

    @Test func gradientsAreAddedUpWhereATensorWasRepeated() throws {
        let x = try Tensor(shape: [2, 1, 3], scalars: [1, 2, 3, 4, 5, 6])
        for kernels in [NativeKernels(), reference] as [any Kernels] {
            #expect(try kernels.summed(x, to: [3]) == Tensor(shape: [3], scalars: [5, 7, 9]))
            #expect(try kernels.summed(x, to: [1, 1]) == Tensor(shape: [1, 1], scalars: [21]))
            #expect(try kernels.summed(x, to: [2, 1, 1]).scalars == [6, 15])
            #expect(try kernels.summed(x, to: x.shape) == x)
        }
    }

    @Test func whatDoesNotBroadcastIsRefused() throws {
        let (a, b) = (try Tensor(zeros: [2, 3]), try Tensor(zeros: [4, 3]))
        func expect(_ message: String, _ body: (any Kernels) throws -> Void) {
            for kernels in [NativeKernels(), reference] as [any Kernels] {
                let error = #expect(throws: TensorError.self) { try body(kernels) }
                #expect(error?.description == message)
            }
        }
        expect("add: b is [4, 3], expected a shape that broadcasts with [2, 3]") {
            _ = try $0.elementwise(.add, a, b)
        }
        expect("add: b is float64, expected float32") {
            _ = try $0.elementwise(.add, a, a.converted(to: .float64))
        }
        expect("powerGradient: b is [4, 3], expected a shape that broadcasts with [2, 3]") {
            _ = try $0.elementwiseGradient(a, of: .power, a, b, operand: .a)
        }
        expect(
            "addGradient: outputGradient is [4, 1, 1], expected a shape that broadcasts to [2, 3]"
        ) {
            _ = try $0.elementwiseGradient(
                Tensor(zeros: [4, 1, 1]), of: .add, a, a, operand: .a)
        }
        expect(
            "addGradient: outputGradient is [4, 3], expected a shape that broadcasts with [2, 3]"
        ) { _ = try $0.elementwiseGradient(b, of: .add, a, a, operand: .a) }
        expect("summed: shape is [4, 2, 3], expected one that broadcasts to [2, 3]") {
            _ = try $0.summed(a, to: [4, 2, 3])
        }
        // What would have more numbers than there can be.
        let error = #expect(throws: TensorError.self) {
            try KernelChecks.broadcast(
                [1 << 20, 1 << 20, 1], [1 << 20], operation: "add", argument: "b")
        }
        #expect(
            error?.description
                == "add: b is [1048576, 1048576, 1048576], expected extents from 1 to 2147483647 "
                + "and a size that fits in memory")
    }
}
