// SPDX-License-Identifier: MIT
//
// How well a network classifies samples, class by class. Pairs of classes that never occur are not
// stored, so that thousands of classes take no table of millions.

/// How many samples of each class were predicted as which class.
///
/// ```swift
/// let report = try network.report(on: test)
/// print(report.accuracy.fraction, report.topAccuracy.fraction)
/// for pair in report.worstPairs(3) { print(pair.label, "as", pair.prediction, pair.count) }
/// ```
public struct ClassificationReport: Sendable, Hashable {
    /// The figures of one class.
    public struct ClassFigures: Sendable, Hashable {
        /// The class.
        public let label: Int
        /// How many samples have it.
        public let samples: Int
        /// How many samples were predicted as it.
        public let predicted: Int
        /// How many of those have it.
        public let correct: Int

        /// The share of its samples that were found; nil without any.
        public var recall: Double? {
            samples > 0 ? Double(correct) / Double(samples) : nil
        }
        /// The share of the samples predicted as it that have it; nil without any.
        public var precision: Double? {
            predicted > 0 ? Double(correct) / Double(predicted) : nil
        }
        /// The harmonic mean of precision and recall; nil where the class neither occurs
        /// nor is predicted.
        public var f1: Double? {
            samples + predicted > 0 ? Double(2 * correct) / Double(samples + predicted) : nil
        }
    }

    /// Two classes of which one was predicted as the other.
    public struct Pair: Sendable, Hashable {
        /// The class that the samples have.
        public let label: Int
        /// The class that was predicted.
        public let prediction: Int
        /// How many they are.
        public let count: Int
    }

    /// How many classes there are.
    public let classCount: Int
    /// How many of the largest logits ``topAccuracy`` looks at.
    public let top: Int
    private var counts: [Int: Int] = [:]
    private var total = 0
    private var rightAtTop = 0

    /// A report of nothing yet.
    ///
    /// - Parameters:
    ///   - classCount: how many classes there are.
    ///   - top: how many of the largest logits ``topAccuracy`` looks at.
    /// - Throws: ``TensorError`` when there are not from 1 to 2²⁰ classes, or the top is below 1.
    public init(classCount: Int, top: Int = 5) throws(TensorError) {
        func fail(_ argument: String, _ value: Int, _ rule: String) -> TensorError {
            TensorError(
                operation: "ClassificationReport", argument: argument, value: "\(value)",
                expected: rule)
        }
        guard (1...1 << 20).contains(classCount) else {
            throw fail("classCount", classCount, "from 1 to 2^20")
        }
        guard top >= 1 else { throw fail("top", top, "at least 1") }
        self.classCount = classCount
        self.top = top
    }

    /// Takes samples into account.
    ///
    /// - Parameters:
    ///   - logits: `[N, K]`; of equal ones the first counts as the larger, and NaN as the largest.
    ///   - labels: N classes.
    /// - Throws: ``TensorError`` when the logits have another shape, or a label is not
    ///   from 0 to K − 1.
    public mutating func add(_ logits: Tensor, labels: [Int]) throws(TensorError) {
        guard logits.shape == [labels.count, classCount] else {
            throw TensorError(
                operation: "ClassificationReport", argument: "logits", value: "\(logits.shape)",
                expected: "[\(labels.count), \(classCount)]")
        }
        if let wrong = labels.first(where: { !(0..<classCount).contains($0) }) {
            throw TensorError(
                operation: "ClassificationReport", argument: "labels", value: "\(wrong)",
                expected: "from 0 to \(classCount - 1)")
        }
        let values = logits.doubles
        for (place, (label, prediction)) in zip(labels, try logits.argmaxOfRows()).enumerated() {
            counts[label * classCount + prediction, default: 0] += 1
            let row = values[place * classCount..<(place + 1) * classCount]
            if Self.rank(of: label, in: row) < top { rightAtTop += 1 }
        }
        total += labels.count
    }

    /// How many logits of a row come before a class's.
    private static func rank(of label: Int, in row: ArraySlice<Double>) -> Int {
        let own = row[row.startIndex + label]
        return row.enumerated().count { place, other in
            if own.isNaN { return other.isNaN && place < label }
            return other.isNaN || other > own || (other == own && place < label)
        }
    }

    /// How many samples were classified correctly.
    public var accuracy: Accuracy {
        let right = counts.filter { $0.key / classCount == $0.key % classCount }
        return Accuracy(correct: right.values.reduce(0, +), total: total)
    }

    /// How many samples had their class among the ``top`` largest logits.
    public var topAccuracy: Accuracy { Accuracy(correct: rightAtTop, total: total) }

    /// How many samples of one class were predicted as another, or as their own; 0 where there is
    /// no such class.
    public subscript(label: Int, prediction: Int) -> Int {
        let classes = 0..<classCount
        guard classes.contains(label), classes.contains(prediction) else { return 0 }
        return counts[label * classCount + prediction] ?? 0
    }

    /// The figures of each class.
    public var classes: [ClassFigures] {
        var samples = [Int](repeating: 0, count: classCount)
        var predicted = samples
        for (pair, count) in counts {
            samples[pair / classCount] += count
            predicted[pair % classCount] += count
        }
        return samples.indices.map {
            ClassFigures(
                label: $0, samples: samples[$0], predicted: predicted[$0], correct: self[$0, $0])
        }
    }

    /// The pairs of classes that were confused most often, the most frequent first; of equals the
    /// smaller label, then the smaller prediction.
    public func worstPairs(_ limit: Int) -> [Pair] {
        let wrong = counts.filter { $0.key / classCount != $0.key % classCount }
        return wrong.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(max(limit, 0)).map {
            Pair(label: $0.key / classCount, prediction: $0.key % classCount, count: $0.value)
        }
    }
}

extension Classifier {
    /// How many samples of each class are predicted as which class.
    ///
    /// - Parameters:
    ///   - source: the samples.
    ///   - top: how many of the largest logits ``ClassificationReport/topAccuracy`` looks at.
    ///   - batchSize: how many are predicted at a time.
    /// - Throws: ``TensorError`` when the samples don't suit the network, which gives `[N, K]`.
    public func report(
        on source: any BatchSource, top: Int = 5, batchSize: Int = 100
    ) throws -> ClassificationReport {
        let shape = network.outputShape
        guard shape.count == 1 else {
            throw TensorError(
                operation: "report", argument: "network", value: "an output of \(shape)",
                expected: "[K]")
        }
        var report = try ClassificationReport(classCount: shape[0], top: top)
        try forEachPrediction(of: source, batchSize: batchSize, operation: "report") {
            try report.add($0, labels: $1.labels)
        }
        return report
    }
}
