// SPDX-License-Identifier: MIT
//
// What layers with several inputs refuse, and what they may be asked for.

import Testing

@testable import ConvNet

struct JoinTests {
    @Test func whatJoinsCannotTakeIsRefused() throws {
        func expect(_ message: String, _ layer: any Layer, _ shapes: [Int]...) throws {
            let inputs = try shapes.map { try Tensor(zeros: $0) }
            for body in [
                { _ = try layer.outputShape(for: shapes) },
                { _ = try layer.predict(inputs, on: NativeKernels()) },
                { _ = try layer.forward(inputs, in: Pass()) },
            ] as [() throws -> Void] {
                let error = #expect(throws: TensorError.self) { try body() }
                #expect(error?.description == message)
            }
        }
        try expect(
            "Multiplication: inputs is 1, expected two or more", Multiplication(), [1, 2])
        try expect(
            "Multiplication: inputs is [2, 3, 1, 5], expected [2, 3, 4, 5], or [2, 3, 1, 1] for a gate",
            Multiplication(), [2, 3, 1, 1], [2, 3, 1, 5], [2, 3, 4, 5])
        try expect(
            "Multiplication: inputs is [2, 1, 4, 5], expected [2, 3, 4, 5], or [2, 3, 1, 1] for a gate",
            Multiplication(), [2, 3, 4, 5], [2, 1, 4, 5])
        try expect("Elementwise: inputs is 3, expected 2", Elementwise(.add), [1], [1], [1])
        try expect(
            "Elementwise: inputs is [2, 3], expected as many axes as [2, 1, 3] has",
            Elementwise(.power), [2, 1, 3], [2, 3])
        try expect(
            "Elementwise: inputs is [2, 4], expected a shape that broadcasts with [2, 3]",
            Elementwise(.maximum), [2, 3], [2, 4])
        try expect("MatrixProduct: inputs is 1, expected 2", MatrixProduct(), [1, 2, 3])
        for (one, other) in [
            ([2, 3], [3, 2]), ([2, 3, 4], [2, 3, 4]), ([2, 3, 4], [1, 2, 4, 3]),
        ] {
            try expect(
                "MatrixProduct: inputs is \(one) and \(other), expected [N, …, M, K] and "
                    + "[N, …, K, P]", MatrixProduct(), one, other)
        }
        try expect(
            "MatrixProduct: inputs is [2, 3], expected a shape that broadcasts with [2, 2]",
            MatrixProduct(), [2, 2, 3, 4], [2, 3, 4, 3])
    }

    /// A caller may ask for more gradients, or fewer, than there are inputs.
    @Test func anyNumberOfWantedGradientsIsTaken() throws {
        let x = try Tensor(shape: [1, 2, 2], repeating: 2)
        for layer in [
            Multiplication(), Elementwise(.divide), MatrixProduct(),
            BroadcastProduct(transposesA: true),
        ] as [any Layer] {
            let pullback = try layer.forward([x, x], in: Pass()).pullback
            for count in [0, 1, 3] {
                _ = try pullback(x, wanted: WantedGradients(inputs: count))
            }
        }
    }
}
