// SPDX-License-Identifier: MIT
//
// Softmax and cross-entropy. The largest logit of a row is taken off before exponentiating, which
// changes nothing but keeps exp from overflowing ("Deep Learning from Scratch", section 3.5.2).

import ConvNetTensor

extension ReferenceKernels {
    /// The softmax along an axis.
    ///
    /// - Throws: ``TensorError`` when there is no such axis.
    public func softmax(_ x: Tensor, axis: Int) throws -> Tensor {
        let sizes = try KernelChecks.softmax(x.shape, axis: axis, operation: "softmax")
        var values = x.doubles
        for places in Self.places(along: sizes) {
            let probabilities = Self.softmax(places.map { values[$0] }).probabilities
            for (place, probability) in zip(places, probabilities) { values[place] = probability }
        }
        return try Tensor(x.shape, values, like: x)
    }

    /// The places of each row of classes that `[outer, classes, inner]` holds.
    static func places(
        along sizes: (outer: Int, classes: Int, inner: Int)
    ) -> [StrideTo<Int>] {
        let block = sizes.classes * sizes.inner
        return (0..<sizes.outer).flatMap { outer in
            (0..<sizes.inner).map { inner in
                let first = outer * block + inner
                return stride(from: first, to: first + block, by: sizes.inner)
            }
        }
    }

    /// Cross-entropy of the softmax against class labels, and its gradient.
    ///
    /// - Throws: ``TensorError`` when there is not one label per row, or one is no class.
    public func softmaxCrossEntropy(
        _ logits: Tensor, labels: [Int]
    ) throws -> LossAndGradient {
        let operation = "softmaxCrossEntropy"
        let (rows, classes) = try KernelChecks.logits(logits, operation: operation)
        try KernelChecks.labels(labels, rows: rows, classes: classes, operation: operation)
        let targets = labels.map { label in (0..<classes).map { $0 == label ? 1.0 : 0.0 } }
        return try Self.crossEntropy(logits, Self.rows(of: logits, classes), targets)
    }

    /// Cross-entropy of the softmax against rows of probabilities, and its gradient.
    ///
    /// - Throws: ``TensorError`` when shapes or number types differ.
    public func softmaxCrossEntropy(
        _ logits: Tensor, targets: Tensor
    ) throws -> LossAndGradient {
        let operation = "softmaxCrossEntropy"
        let (_, classes) = try KernelChecks.logits(logits, operation: operation)
        try KernelChecks.require(
            targets, matches: logits, operation: operation, argument: "targets")
        return try Self.crossEntropy(
            logits, Self.rows(of: logits, classes), Self.rows(of: targets, classes))
    }

    private static func rows(of matrix: Tensor, _ columns: Int) -> [[Double]] {
        let values = matrix.doubles
        return stride(from: 0, to: values.count, by: columns).map {
            Array(values[$0..<$0 + columns])
        }
    }

    /// A row's softmax, and the logarithm of the sum it is divided by.
    private static func softmax(
        _ row: [Double]
    ) -> (probabilities: [Double], logSum: Double) {
        let largest = row.reduce(-.infinity) { $0.isNaN || $0 > $1 ? $0 : $1 }
        let exponentials = row.map { exponential($0 - largest) }
        let sum = exponentials.reduce(0, +)
        return (exponentials.map { $0 / sum }, largest + logarithm(sum))
    }

    private static func crossEntropy(
        _ logits: Tensor, _ rows: [[Double]], _ targets: [[Double]]
    ) throws -> LossAndGradient {
        let count = Double(rows.count)
        var loss = 0.0
        var gradient: [Double] = []
        gradient.reserveCapacity(logits.count)
        for (row, target) in zip(rows, targets) {
            let (probabilities, logSum) = softmax(row)
            let total = target.reduce(0, +)
            for (k, probability) in probabilities.enumerated() {
                // A target of 0 asks nothing of its logit, not even to be finite.
                if target[k] != 0 { loss += target[k] * (logSum - row[k]) }
                gradient.append((probability * total - target[k]) / count)
            }
        }
        return LossAndGradient(
            loss: loss / count, gradient: try Tensor(logits.shape, gradient, like: logits))
    }
}
