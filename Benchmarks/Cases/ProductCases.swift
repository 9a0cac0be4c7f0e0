// SPDX-License-Identifier: MIT
//
// Matrix products. The reference computes some rows of C.

import ConvNet

enum ProductCases {
    static var all: [BenchmarkCase] {
        Shapes.products.map { shape in
            let (m, n, k) = (shape.m, shape.n, shape.k)
            return BenchmarkCase(
                name: "sgemm.\(m)x\(n)x\(k)", sizes: shape.sizes,
                work: .operations(
                    2 * Double(m) * Double(n) * Double(k),
                    bytes: 4 * Double(m * k + k * n + m * n)), needsFull: shape.needsFull
            ) { try prepare(m, n, k, $0) }
        }
    }

    private static func prepare(_ m: Int, _ n: Int, _ k: Int, _ run: Run) throws -> PreparedCase {
        let a = try Inputs.tensor([m, k], seed: 1)
        let b = try Inputs.tensor([k, n], seed: 2)
        let c = Box(try Tensor(zeros: [m, n]))
        let layout = try MatrixLayout(rows: m, columns: n)
        let (aView, bView) = (try MatrixView(a), try MatrixView(b))
        let rows = Inputs.spread(run.referenceBudget / (n * k), of: m)
        let part = try a.samples(at: rows)
        func native() throws {
            try run.kernels.gemm(
                alpha: 1, aView, bView, beta: 0, into: &c.value, layout: layout)
        }
        func checked(_ expected: Tensor) throws -> Check {
            var check = Check()
            let magnitudes = try run.reference.gemm(
                MatrixView(part.magnitudes()), MatrixView(b.magnitudes()))
            // A sum of K products, and the reference's own rounding.
            check.compare(
                try c.value.samples(at: rows).doubles, expected.doubles,
                bounds: magnitudes.doubles.map { $0 * gamma(k + 1) })
            return check
        }
        return PreparedCase(
            native: native,
            reference: {
                let expected = try run.reference.gemm(MatrixView(part), bView)
                return {
                    try native()
                    return try checked(expected)
                }
            },
            referenceShare: Double(rows.count) / Double(m),
            peers: PeerCase(
                run: { $0.multiply(a, b, into: &c.value) },
                check: {
                    $0.multiply(a, b, into: &c.value)
                    return try checked(run.reference.gemm(MatrixView(part), bView))
                }))
    }
}

/// Something that closures share and change.
final class Box<Value> {
    var value: Value

    init(_ value: Value) { self.value = value }
}
