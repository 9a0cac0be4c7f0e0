// SPDX-License-Identifier: MIT
//
// How loss and accuracy went from epoch to epoch, on the data that was trained with and on data
// that was held out.

import ConvNetTensor

/// Numbers of each epoch of a training; what was not measured is left out.
public struct LearningCurves: Sendable, Hashable {
    /// The mean loss of each epoch's steps, in nats.
    public var trainLoss: [Double]
    /// The loss on held-out data after each epoch, in nats.
    public var testLoss: [Double]
    /// The accuracy on the training data, from 0 to 1.
    public var trainAccuracy: [Double]
    /// The accuracy on held-out data after each epoch, from 0 to 1.
    public var testAccuracy: [Double]

    /// The curves of a training; each is empty or has a number for each epoch.
    public init(
        trainLoss: [Double], testLoss: [Double] = [], trainAccuracy: [Double] = [],
        testAccuracy: [Double] = []
    ) {
        self.trainLoss = trainLoss
        self.testLoss = testLoss
        self.trainAccuracy = trainAccuracy
        self.testAccuracy = testAccuracy
    }
}

extension Picture {
    /// Two charts side by side: loss and accuracy over the epochs. A ring marks the best test
    /// accuracy.
    ///
    /// - Throws: ``TensorError`` when the loss of training is empty, another curve has another
    ///   length, or a number is not finite.
    public static func learningCurves(_ curves: LearningCurves) throws(TensorError) -> Picture {
        let epochs = curves.trainLoss.count
        let named = [
            ("trainLoss", curves.trainLoss), ("testLoss", curves.testLoss),
            ("trainAccuracy", curves.trainAccuracy), ("testAccuracy", curves.testAccuracy),
        ]
        for (name, curve) in named {
            guard curve.count == epochs || (curve.isEmpty && name != "trainLoss"), epochs > 0 else {
                throw TensorError(
                    operation: "Picture.learningCurves", argument: name,
                    value: "\(curve.count) numbers",
                    expected: epochs > 0 ? "\(epochs), one for each epoch" : "at least one epoch")
            }
            guard curve.allSatisfy(\.isFinite) else {
                throw TensorError(
                    operation: "Picture.learningCurves", argument: name, value: "not finite",
                    expected: "finite numbers")
            }
        }
        let panels = [
            CurvePanel(
                title: "loss", yTitle: "mean cross-entropy (nats)", isShare: false,
                curves: [("train", curves.trainLoss), ("test", curves.testLoss)]),
            CurvePanel(
                title: "accuracy", yTitle: "images classified correctly", isShare: true,
                curves: [("train", curves.trainAccuracy), ("test", curves.testAccuracy)]),
        ].filter { !$0.curves.isEmpty }
        return Picture(
            width: Double(panels.count) * CurvePanel.width + 16, height: CurvePanel.height
        ) { canvas in
            for (index, panel) in panels.enumerated() {
                panel.draw(on: canvas, left: Double(index) * CurvePanel.width)
            }
        }
    }
}

/// One chart with up to two curves.
private struct CurvePanel: Sendable {
    static let width = 420.0, height = 330.0
    /// Training and testing are distinguished by colour, by dashes and by their names.
    private static let looks: [String: (color: Color, dashes: [Double])] = [
        "train": (Color.distinct[0], []), "test": (Color.distinct[1], [6, 3]),
    ]

    let title, yTitle: String
    /// Whether the numbers are shares, shown as percentages.
    let isShare: Bool
    let curves: [(name: String, values: [Double])]

    init(title: String, yTitle: String, isShare: Bool, curves: [(String, [Double])]) {
        (self.title, self.yTitle, self.isShare) = (title, yTitle, isShare)
        self.curves = curves.filter { !$0.1.isEmpty }
    }

    private func chart(left: Double) -> Chart {
        let values = curves.flatMap(\.values)
        let (least, most) = (values.min() ?? 0, values.max() ?? 1)
        // Losses begin at 0. Accuracies end at 1, and begin where they begin: from 0 on, the last
        // epochs would all look the same.
        let range = isShare ? min(least, 1)...1 : 0...max(most, 1e-12)
        let epochs = Double(curves[0].values.count)
        return Chart(
            area: Rectangle(left + 70, 42, Self.width - 90, Self.height - 96),
            x: Axis(wholeNumbersTo: epochs), y: Axis(linear: range))
    }

    func draw(on canvas: Canvas, left: Double) {
        let chart = chart(left: left)
        chart.draw(
            on: canvas, title: title, xTitle: "epoch", yTitle: yTitle,
            yLabel: { isShare ? Self.percent($0, step: chart.y.ticks) : Labels.number($0) })
        for (name, values) in curves {
            guard let look = Self.looks[name] else { continue }
            let points = values.enumerated().map { chart.place(Double($0 + 1), $1) }
            canvas.line(points, look.color, width: 1.75, dashes: look.dashes)
            if points.count <= 40 {
                for point in points { canvas.disc(point, radius: 3, look.color) }
            }
        }
        drawLegend(on: canvas, chart)
        if isShare, let best = curves.first(where: { $0.name == "test" }) {
            drawBest(best.values, on: canvas, chart)
        }
    }

    /// In the corner that curves of this kind leave free: losses fall, accuracies rise.
    private func drawLegend(on canvas: Canvas, _ chart: Chart) {
        let top = isShare ? chart.area.bottom - 12 - 16 * Double(curves.count) : chart.area.y + 8
        let area = Rectangle(chart.area.right - 84, top, 76, 8 + 16 * Double(curves.count))
        canvas.fill(area, .paper)
        canvas.frame(area, .grid)
        for (index, curve) in curves.enumerated() {
            guard let look = Self.looks[curve.name] else { continue }
            let y = area.y + 12 + 16 * Double(index)
            canvas.line(
                [Point(area.x + 8, y), Point(area.x + 34, y)], look.color, width: 1.75,
                dashes: look.dashes)
            canvas.text(curve.name, at: Point(area.x + 40, y + 4), size: 11)
        }
    }

    private func drawBest(_ values: [Double], on canvas: Canvas, _ chart: Chart) {
        guard let best = values.max(), let epoch = values.firstIndex(of: best) else { return }
        let place = chart.place(Double(epoch + 1), best)
        let ring = (0...24).map { step -> Point in
            let angle = Double(step) / 24 * 2 * Double.pi
            return Point(place.x + 6 * cosine(angle), place.y + 6 * cosine(angle - Double.pi / 2))
        }
        canvas.line(ring, .ink, width: 1)
        canvas.text(
            "best test \(Labels.percent(best, digits: 2)) in epoch \(epoch + 1)",
            at: Point(chart.area.right, chart.area.y - 12), size: 10, .ink, .right)
    }

    /// As many digits as the ticks need to differ.
    private static func percent(_ share: Double, step ticks: [Double]) -> String {
        let step = ticks.count > 1 ? ticks[1] - ticks[0] : 1
        let digits = step >= 0.0099 ? 0 : step >= 0.00099 ? 1 : 2
        return Labels.fixed(share * 100, digits) + " %"
    }
}
