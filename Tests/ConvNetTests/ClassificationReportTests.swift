// SPDX-License-Identifier: MIT
//
// Counts of what is taken for what, by numbers that one can count by hand.

import Foundation
import Testing

@testable import ConvNet

struct ClassificationReportTests {
    /// Four samples of three classes, and one whose logits tie.
    private static func report(top: Int) throws -> ClassificationReport {
        var report = try ClassificationReport(classCount: 3, top: top)
        try report.add(
            Tensor(shape: [2, 3], scalars: [9, 5, 1, 2, 3, 1] as [Float]), labels: [0, 0])
        try report.add(
            Tensor(shape: [3, 3], scalars: [5, 4, 3, 7, 7, 7, 1, 2, .nan] as [Float]),
            labels: [2, 1, 0])
        return report
    }

    @Test func figuresAreThoseThatOneCounts() throws {
        let report = try Self.report(top: 2)
        // Taken for 0, 1, 0, 0, 2.
        #expect(report.accuracy == Accuracy(correct: 1, total: 5))
        // Ranks from 0: 0, 1, 2, 1 (of equals the first is larger), 2 (NaN, 2, 1).
        #expect(report.topAccuracy == Accuracy(correct: 3, total: 5))
        #expect(try Self.report(top: 3).topAccuracy.correct == 5)
        #expect(try Self.report(top: 1).topAccuracy == report.accuracy)
        // Of equal logits the first is the largest.
        for (label, right) in [(0, 1), (1, 0), (2, 0)] {
            var one = try ClassificationReport(classCount: 3, top: 1)
            try one.add(Tensor(shape: [1, 3], repeating: 7), labels: [label])
            #expect(one.topAccuracy.correct == right && one.accuracy.correct == right)
        }
        let classes = report.classes
        #expect(classes.map(\.samples) == [3, 1, 1])
        #expect(classes.map(\.predicted) == [3, 1, 1])
        #expect(classes.map(\.correct) == [1, 0, 0])
        #expect(classes[0].recall == 1.0 / 3 && classes[0].precision == 1.0 / 3)
        #expect(classes[0].f1 == 1.0 / 3 && classes[1].f1 == 0)
        #expect(
            report.worstPairs(9) == [
                .init(label: 0, prediction: 1, count: 1), .init(label: 0, prediction: 2, count: 1),
                .init(label: 1, prediction: 0, count: 1), .init(label: 2, prediction: 0, count: 1),
            ])
        #expect(report.worstPairs(1).count == 1)
        #expect(report[0, 1] == 1 && report[1, 1] == 0)
        let nothing = try ClassificationReport(classCount: 1).classes[0]
        #expect(nothing.recall == nil && nothing.precision == nil && nothing.f1 == nil)
    }

    @Test func aNetworksReportAgreesWithItsAccuracy() throws {
        let network = try smallNetwork()
        let source = GivenSamples(try smallImages(11), (0..<11).map { $0 % 4 })
        let report = try network.report(on: source, top: 4, batchSize: 4)
        #expect(report.accuracy == (try network.accuracy(source)))
        #expect(report.topAccuracy.correct == 11)
        #expect(report.classes.map(\.samples) == [3, 3, 3, 2])
    }

    @Test func whatDoesNotSuitIsRefused() throws {
        var report = try ClassificationReport(classCount: 3)
        let logits = try Tensor(zeros: [1, 3])
        for (logits, labels, argument, value, rule) in [
            (logits, [0, 1], "logits", "[1, 3]", "[2, 3]"),
            (logits, [3], "labels", "3", "from 0 to 2"),
        ] {
            #expect(
                throws: TensorError(
                    operation: "ClassificationReport", argument: argument, value: value,
                    expected: rule)
            ) { try report.add(logits, labels: labels) }
        }
        #expect(throws: TensorError.self) { _ = try ClassificationReport(classCount: 0) }
        #expect(throws: TensorError.self) { _ = try ClassificationReport(classCount: 2, top: 0) }
    }
}
