// SPDX-License-Identifier: MIT
//
// The matrix product against the reference: sizes around the tiles, transpositions, leading
// dimensions, and surroundings that must stay as they are.

import ConvNetKernels
import ConvNetTestSupport
import Testing

@Suite struct ProductTests {
    /// A drawn product: operands with room around them, C inside a larger tensor.
    struct Product {
        let a, b: MatrixView
        let c: Tensor
        let layout: MatrixLayout
        let alpha, beta: Double

        init(seed: Int, integers: Bool) throws {
            var draw = Draw(seed: seed)
            // Sizes at the edges of every tile in the table, primes, 1, and beyond one block of k.
            let sizes = [1, 2, 3, 4, 5, 7, 8, 9, 13, 14, 15, 16, 17, 31, 32, 33, 47, 64, 97]
            let (m, n) = (draw.pick(sizes), draw.pick(sizes))
            let k = draw.pick(sizes + [255, 256, 257, 521])
            func operand(_ rows: Int, _ columns: Int) throws -> MatrixView {
                let transposes = draw.oneIn(2)
                let (storedRows, storedColumns) = transposes ? (columns, rows) : (rows, columns)
                let leading = storedColumns + draw.int(0...3)
                let offset = draw.int(0...2)
                let shape = [offset + storedRows * leading]
                let tensor = integers ? try draw.integers(shape) : try draw.normal(shape)
                let view = try MatrixView(
                    tensor,
                    layout: MatrixLayout(
                        rows: storedRows, columns: storedColumns, leadingDimension: leading,
                        offset: offset))
                return transposes ? view.transposed : view
            }
            a = try operand(m, k)
            b = try operand(k, n)
            layout = try MatrixLayout(
                rows: m, columns: n, leadingDimension: n + draw.int(0...5), offset: draw.int(0...3))
            alpha = draw.pick([1, 1, -2, 0.5, 0])
            beta = draw.pick([0, 0, 1, -0.5])
            // Around C lies NaN; inside too where beta says that C is not read.
            let count = layout.offset + m * layout.leadingDimension + 2
            var numbers = [Float](repeating: .nan, count: count)
            if beta != 0 {
                for i in 0..<m {
                    for j in 0..<n {
                        numbers[layout.offset + i * layout.leadingDimension + j] =
                            Float(draw.int(-4...4))
                    }
                }
            }
            c = try Tensor(shape: [count], scalars: numbers)
        }

        func run(_ kernels: any Kernels) throws -> Tensor {
            var result = c
            try kernels.gemm(alpha: alpha, a, b, beta: beta, into: &result, layout: layout)
            return result
        }

        /// |alpha| · Σ|a·b| + |beta · c| for each element of C.
        func magnitudes() throws -> Tensor {
            func absolute(_ view: MatrixView) throws -> MatrixView {
                let result = try MatrixView(view.tensor.magnitudes(), layout: view.layout)
                return view.isTransposed ? result.transposed : result
            }
            var result = try c.magnitudes()
            try reference.gemm(
                alpha: abs(alpha), absolute(a), absolute(b), beta: abs(beta), into: &result,
                layout: layout)
            return result
        }
    }

    /// Few rows by a large, transposed B, as in an affine layer's gradient: C is computed the other
    /// way round where it is not read. Around C lies NaN.
    @Test(
        arguments: InstructionSet.supported,
        [
            (1, 700, 400), (2, 1031, 257), (5, 300, 900), (8, 530, 500), (16, 640, 410),
            (31, 515, 511),
        ])
    func fewRowsByATransposedMatrix(_ set: InstructionSet, _ sizes: (Int, Int, Int)) throws {
        let (m, n, k) = sizes
        var draw = Draw(seed: m)
        let a = try MatrixView(draw.normal([m, k]))
        let b = try MatrixView(draw.normal([n, k])).transposed
        let layout = try MatrixLayout(rows: m, columns: n, leadingDimension: n + 3, offset: 2)
        for (alpha, beta) in [(1.0, 0.0), (-0.5, 0), (1, 1)] {
            let count = 2 + m * (n + 3)
            let c = try Tensor(
                shape: [count],
                scalars: (0..<count).map {
                    let isOutside = $0 < 2 || ($0 - 2) % (n + 3) >= n
                    return isOutside || beta == 0 ? .nan : Float($0 % 7)
                })
            func run(_ kernels: any Kernels, _ a: MatrixView, _ b: MatrixView) throws -> Tensor {
                var result = c
                try kernels.gemm(alpha: alpha, a, b, beta: beta, into: &result, layout: layout)
                return result
            }
            let (values, wanted) = (try run(native(set), a, b), try run(reference, a, b))
            var magnitudes = try c.magnitudes()
            try reference.gemm(
                alpha: abs(alpha), MatrixView(a.tensor.magnitudes()),
                MatrixView(b.tensor.magnitudes()).transposed, beta: beta, into: &magnitudes,
                layout: layout)
            let (expected, scales) = (wanted.doubles, magnitudes.doubles)
            let wrong = values.doubles.enumerated().first { place, value in
                let isOutside = place < 2 || (place - 2) % (n + 3) >= n
                // K products and their sums, alpha, beta · c and their sum, and the
                // reference's own.
                let bound = scales[place] * gamma(k + 4)
                return isOutside ? !value.isNaN : !(abs(value - expected[place]) <= bound)
            }
            #expect(
                wrong == nil,
                "\(set), \(m)×\(n)×\(k), alpha \(alpha), beta \(beta): \(String(describing: wrong))"
            )
        }
    }

    @Test(arguments: InstructionSet.supported, 0..<drawnCases)
    func agreesWithReference(_ set: InstructionSet, _ seed: Int) throws {
        let product = try Product(seed: seed, integers: false)
        let result = try product.run(native(set))
        let expected = try product.run(reference)
        // K products and their sums, then alpha, beta · c and their sum: K + 3 roundings at most on
        // the way of any term, and one more for the reference's own result.
        let factor = gamma(product.a.columns + 4)
        let bounds = try product.magnitudes().doubles.map { $0 * factor }
        let (values, wanted) = (result.doubles, expected.doubles)
        for i in 0..<product.layout.rows {
            for j in 0..<product.layout.columns {
                let place = product.layout.offset + i * product.layout.leadingDimension + j
                #expect(
                    abs(values[place] - wanted[place]) <= bounds[place],
                    "seed \(seed), \(set), element (\(i), \(j))")
            }
        }
    }

    @Test(arguments: InstructionSet.supported, 0..<drawnCases)
    func isExactOnIntegersAndLeavesSurroundingsAlone(_ set: InstructionSet, _ seed: Int) throws {
        let product = try Product(seed: seed, integers: true)
        // Bits, not values: NaN lies around C and must still be there.
        #expect(
            try product.run(native(set)).scalars.map(\.bitPattern).elementsEqual(
                product.run(reference).scalars.map(\.bitPattern).map { $0 },
                by: { $0 == $1 || (Float(bitPattern: $0) == 0 && Float(bitPattern: $1) == 0) }),
            "seed \(seed), \(set)")
    }

    /// Products that span several blocks along every axis, on several threads.
    @Test(
        arguments: [
            [300, 4100, 40], [4500, 30, 25], [131, 67, 1100], [1, 500, 300], [260, 1, 700],
            // B packed along the way in several groups, A in place, and A whose rows collide.
            [291, 709, 1100], [290, 331, 2048], [287, 33, 2050],
        ])
    func blocksFitTogether(_ sizes: [Int]) throws {
        var draw = Draw(seed: 7)
        let a = try draw.integers([sizes[0], sizes[2]])
        let b = try draw.integers([sizes[2], sizes[1]])
        let expected = try reference.gemm(MatrixView(a), MatrixView(b))
        for set in InstructionSet.supported {
            let result = try native(set, threads: 3).gemm(MatrixView(a), MatrixView(b))
            #expect(result == expected, "\(set)")
        }
    }

    /// Around the limits of what is multiplied without a plan, with and without a narrow panel.
    @Test(arguments: InstructionSet.supported, [127, 128, 129])
    func smallProductsAreExact(_ set: InstructionSet, _ size: Int) throws {
        var draw = Draw(seed: size)
        for (m, n, k) in [(size, 64, 13), (13, size, 64), (14, 96, size), (size, size, size)] {
            let a = try draw.integers([m, k])
            let b = try draw.integers([k, n])
            for threads in [1, 2] {
                let result = try native(set, threads: threads).gemm(MatrixView(a), MatrixView(b))
                #expect(
                    try result == reference.gemm(MatrixView(a), MatrixView(b)),
                    "\(set), \(m)×\(n)×\(k), \(threads) threads")
            }
        }
    }

    /// Sizes of every way that a product takes, and whether B is transposed: one row, few rows by a
    /// transposed matrix, small ones, and those that go by a plan.
    static let ways = [
        (1, 700, 300, false), (1, 5, 3, true), (5, 300, 900, true), (31, 515, 511, true),
        (13, 40, 64, false), (14, 97, 33, true), (200, 131, 300, false), (131, 67, 1100, true),
    ]

    private static func operand(
        _ rows: Int, _ columns: Int, _ value: Double, isTransposed: Bool = false,
        type: ScalarType = .float32
    ) throws -> MatrixView {
        let shape = isTransposed ? [columns, rows] : [rows, columns]
        let view = try MatrixView(Tensor(shape: shape, repeating: value, scalarType: type))
        return isTransposed ? view.transposed : view
    }

    /// As in BLAS: with alpha 0 A and B may hold anything, with beta 0 C may.
    @Test(arguments: ways)
    func whatAFactorOfZeroLeavesOutMayBeNaN(_ way: (Int, Int, Int, Bool)) throws {
        let (m, n, k, isTransposed) = way
        let layout = try MatrixLayout(rows: m, columns: n, leadingDimension: n)
        var all: [(any Kernels, ScalarType)] = try InstructionSet.supported.map {
            (try native($0), .float32)
        }
        all += [(reference, .float32), (reference, .float64)]
        for (kernels, type) in all {
            func product(
                alpha: Double, _ value: Double, beta: Double, _ old: Double
            ) throws -> [Double] {
                var c = try Tensor(shape: [m, n], repeating: old, scalarType: type)
                try kernels.gemm(
                    alpha: alpha, Self.operand(m, k, value, type: type),
                    Self.operand(k, n, value, isTransposed: isTransposed, type: type), beta: beta,
                    into: &c, layout: layout)
                return c.doubles
            }
            func all(_ value: Double) -> [Double] { [Double](repeating: value, count: m * n) }
            let about = "\(kernels.name), \(type), \(way)"
            for value in [Double.nan, .infinity] {
                // A factor that is 0 as a Float is 0.
                for alpha in type == .float32 ? [0, -0.0, 1e-60] : [0, -0.0] {
                    #expect(try product(alpha: alpha, value, beta: 0, .nan) == all(0), "\(about)")
                    #expect(try product(alpha: alpha, value, beta: 1, 3) == all(3), "\(about)")
                    #expect(try product(alpha: alpha, value, beta: -2, 3) == all(-6), "\(about)")
                }
                for beta in type == .float32 ? [0, -0.0, 1e-60] : [0, -0.0] {
                    #expect(
                        try product(alpha: 2, 1, beta: beta, value) == all(Double(2 * k)),
                        "\(about)")
                }
            }
            // Other factors hide nothing.
            #expect(try product(alpha: 1, .nan, beta: 0, 1).allSatisfy(\.isNaN), "\(about)")
            #expect(try product(alpha: 0, 1, beta: 1, .nan).allSatisfy(\.isNaN), "\(about)")
        }
    }

    @Test func aTensorMayBeOperandAndResult() throws {
        var draw = Draw(seed: 3)
        let x = try draw.integers([20, 20])
        var result = x
        try native(.best).gemm(
            alpha: 1, MatrixView(x), MatrixView(x).transposed, beta: 1, into: &result,
            layout: MatrixLayout(rows: 20, columns: 20))
        var expected = x
        try reference.gemm(
            alpha: 1, MatrixView(x), MatrixView(x).transposed, beta: 1, into: &expected,
            layout: MatrixLayout(rows: 20, columns: 20))
        #expect(result == expected)
    }
}
