// SPDX-License-Identifier: MIT
//
// Several trainings in one picture, a colour each, so that they can be compared.

import ConvNetTensor

/// A training by name.
public struct TrainingRun: Sendable, Hashable {
    /// What it is called.
    public var name: String
    /// Its numbers.
    public var curves: LearningCurves

    /// A training by name.
    public init(name: String, curves: LearningCurves) {
        (self.name, self.curves) = (name, curves)
    }
}

extension Picture {
    /// The most trainings that are drawn in one picture.
    public static let mostRuns = 8

    /// Loss and accuracy of several trainings over the epochs: held-out samples as full lines,
    /// those that were trained with as dashed ones.
    ///
    /// - Throws: ``TensorError`` when there are not from 1 to ``mostRuns`` trainings, or the curves
    ///   of one are no curves (as ``learningCurves(_:)`` has it).
    public static func learningCurves(of runs: [TrainingRun]) throws(TensorError) -> Picture {
        guard (1...mostRuns).contains(runs.count) else {
            throw TensorError(
                operation: "Picture.learningCurves", argument: "runs.count",
                value: "\(runs.count)", expected: "from 1 to \(mostRuns)")
        }
        // What one picture takes, several do.
        for run in runs { _ = try learningCurves(run.curves) }
        let panels = [
            RunPanel(
                title: "loss", yTitle: "mean cross-entropy (nats)", isShare: false,
                pairs: runs.map { ($0.curves.trainLoss, $0.curves.testLoss) }),
            RunPanel(
                title: "accuracy", yTitle: "images classified correctly", isShare: true,
                pairs: runs.map { ($0.curves.trainAccuracy, $0.curves.testAccuracy) }),
        ].filter { !$0.isEmpty }
        let legend = RunLegend(runs: runs)
        return Picture(
            width: Double(panels.count) * RunPanel.width + 16,
            height: RunPanel.height + legend.height
        ) { canvas in
            for (index, panel) in panels.enumerated() {
                panel.draw(on: canvas, left: Double(index) * RunPanel.width)
            }
            legend.draw(on: canvas, top: RunPanel.height)
        }
    }
}

/// One chart with the curves of all trainings.
private struct RunPanel: Sendable {
    static let width = 420.0, height = 330.0
    static let trainDashes = [4.0, 3.0]

    let title, yTitle: String
    let isShare: Bool
    /// A training's curves, of what was trained with and of what was held out.
    let pairs: [(train: [Double], test: [Double])]

    private var values: [Double] { pairs.flatMap { $0.train + $0.test } }
    var isEmpty: Bool { values.isEmpty }

    func draw(on canvas: Canvas, left: Double) {
        let (least, most) = (values.min() ?? 0, values.max() ?? 1)
        let epochs = pairs.map { max($0.train.count, $0.test.count) }.max() ?? 1
        let chart = Chart(
            area: Rectangle(left + 70, 42, Self.width - 90, Self.height - 96),
            x: Axis(wholeNumbersTo: Double(epochs)),
            y: Axis(linear: isShare ? min(least, 1)...1 : 0...max(most, 1e-12)))
        chart.draw(
            on: canvas, title: title, xTitle: "epoch", yTitle: yTitle,
            yLabel: { isShare ? Labels.fixed($0 * 100, 0) + " %" : Labels.number($0) })
        for (index, pair) in pairs.enumerated() {
            let color = Color.distinct[index]
            func line(_ values: [Double], width: Double, dashes: [Double], dots: Double) {
                let points = values.enumerated().map { chart.place(Double($0 + 1), $1) }
                canvas.line(points, color, width: width, dashes: dashes)
                guard points.count <= 40 else { return }
                for point in points { canvas.disc(point, radius: dots, color) }
            }
            line(pair.train, width: 1.25, dashes: Self.trainDashes, dots: 1.75)
            line(pair.test, width: 2, dashes: [], dots: 3)
        }
    }
}

/// Which colour is which training, and its last and best figures.
private struct RunLegend: Sendable {
    let runs: [TrainingRun]

    private static let lineHeight = 17.0

    var height: Double { Double(runs.count + 1) * Self.lineHeight + 14 }

    func draw(on canvas: Canvas, top: Double) {
        func sample(_ y: Double, _ color: Color, width: Double, dashes: [Double]) {
            canvas.line(
                [Point(70, y), Point(100, y)], color, width: width, dashes: dashes)
        }
        for (index, run) in runs.enumerated() {
            let y = top + Double(index) * Self.lineHeight
            sample(y, Color.distinct[index], width: 2, dashes: [])
            let epochs = run.curves.trainLoss.count
            var text = "\(run.name): \(epochs == 1 ? "1 epoch" : "\(epochs) epochs")"
            if let last = run.curves.testAccuracy.last, let best = run.curves.testAccuracy.max() {
                text += ", test \(Labels.percent(last, digits: 2))"
                if best > last { text += ", best \(Labels.percent(best, digits: 2))" }
            }
            canvas.text(
                Labels.fitted(text, width: RunPanel.width - 36), at: Point(108, y + 4), size: 11)
        }
        let y = top + Double(runs.count) * Self.lineHeight
        sample(y, .faintInk, width: 1.25, dashes: RunPanel.trainDashes)
        canvas.text("on what is trained with", at: Point(108, y + 4), size: 11, .faintInk)
    }
}
