// SPDX-License-Identifier: MIT
//
// From logits to probabilities, in Double.

import ConvNet
import Foundation

enum Probabilities {
    /// The softmax of each row of `[N, K]`.
    ///
    /// - Throws: ``TensorError`` when a logit is not finite, as damaged parameters make it.
    static func rows(of logits: Tensor) throws(TensorError) -> [[Double]] {
        let (columns, values) = (logits.shape[1], logits.doubles)
        guard values.allSatisfy(\.isFinite) else {
            throw TensorError(
                operation: "predict", argument: "logits", value: "not finite",
                expected: "finite numbers: the parameters may be damaged")
        }
        return (0..<logits.shape[0]).map { row in
            let part = values[row * columns..<(row + 1) * columns]
            // Less the largest, so that nothing overflows.
            let largest = part.max() ?? 0
            let powers = part.map { exp($0 - largest) }
            let sum = powers.reduce(0, +)
            return powers.map { $0 / sum }
        }
    }
}
