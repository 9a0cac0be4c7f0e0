// SPDX-License-Identifier: MIT
//
// A benchmark as a picture: the roofline, and one row per case with what it reaches, its speed-up
// over the reference and its ratios to other libraries.

import ConvNetTensor

extension Picture {
    /// A roofline, and below it a row of bars for each case.
    ///
    /// - Parameters:
    ///   - points: the cases.
    ///   - limits: what the machine can do, measured in the same run.
    /// - Throws: ``TensorError`` when there are no cases, more than 1,000, or a number is not from
    ///   1e-30 to 1e30 (operations may be 0).
    public static func benchmark(
        _ points: [BenchmarkPoint], limits: MachineLimits
    ) throws(TensorError) -> Picture {
        guard (1...1000).contains(points.count) else {
            throw TensorError(
                operation: "Picture.benchmark", argument: "points.count", value: "\(points.count)",
                expected: "1 to 1000")
        }
        // Neither products nor ratios of such numbers leave those that an axis can have.
        let drawn = 1e-30...1e30
        for point in points {
            let positive =
                [point.seconds, point.bytes] + [point.speedup].compactMap { $0 }
                + point.peers.values
            guard positive.allSatisfy(drawn.contains),
                point.operations == 0 || drawn.contains(point.operations)
            else {
                throw TensorError(
                    operation: "Picture.benchmark", argument: "points", value: point.name,
                    expected: "numbers from \(drawn.lowerBound) to \(drawn.upperBound)")
            }
        }
        guard drawn.contains(limits.peak), drawn.contains(limits.bandwidth) else {
            throw TensorError(
                operation: "Picture.benchmark", argument: "limits",
                value: "\(limits.peak), \(limits.bandwidth)",
                expected: "numbers from \(drawn.lowerBound) to \(drawn.upperBound)")
        }
        var families: [String] = []
        for point in points where !families.contains(point.family) {
            families.append(point.family)
        }
        let table = BenchmarkTable(points: points, limits: limits, families: families)
        let margin = 16.0
        let width = max(table.width, 780)
        let roofline = RooflineChart(
            points: points, limits: limits, families: families, width: width)
        return Picture(
            width: width + 2 * margin,
            height: RooflineChart.height + 16 + table.height + 2 * margin
        ) { canvas in
            roofline.draw(on: canvas, at: Point(margin, margin))
            table.draw(on: canvas, at: Point(margin, margin + RooflineChart.height + 16))
        }
    }
}

/// One row per case.
private struct BenchmarkTable: Sendable {
    private static let rowHeight = 15.0, head = 40.0, foot = 20.0, gap = 22.0
    private static let shareWidth = 170.0, speedupWidth = 190.0, peerWidth = 120.0
    /// The room for a number behind the longest bar.
    private static let numberWidth = 46.0

    let points: [BenchmarkPoint]
    let limits: MachineLimits
    let families: [String]

    private var peers: [String] { Set(points.flatMap(\.peers.keys)).sorted() }
    private var hasSpeedups: Bool { points.contains { $0.speedup != nil } }
    private var nameWidth: Double {
        34 + (points.map { Canvas.width(of: $0.name, size: 10) }.max() ?? 0)
    }

    var width: Double {
        nameWidth + Self.gap + Self.shareWidth
            + (hasSpeedups ? Self.gap + Self.speedupWidth : 0)
            + Double(peers.count) * (Self.gap + Self.peerWidth)
    }
    var height: Double { Self.head + Double(points.count) * Self.rowHeight + Self.foot }

    func draw(on canvas: Canvas, at corner: Point) {
        let top = corner.y + Self.head
        for (index, point) in points.enumerated() {
            let line = top + Double(index) * Self.rowHeight + 10
            canvas.text("\(index + 1)", at: Point(corner.x + 18, line), size: 9, .faintInk, .right)
            let family = families.firstIndex(of: point.family) ?? 0
            canvas.disc(
                Point(corner.x + 26, line - 3.5), radius: 3.5,
                Color.distinct[family % Color.distinct.count])
            canvas.text(point.name, at: Point(corner.x + 34, line), size: 10)
        }
        var left = corner.x + nameWidth + Self.gap
        let shares = points.map { Optional(limits.share(of: $0)) }
        column(
            on: canvas, Rectangle(left, top, Self.shareWidth, 0), title: "of the roof",
            note: "peak, or bandwidth where that is lower", shares, from: 0,
            Axis(linear: 0...max(shares.compactMap { $0 }.max() ?? 1, 1)), mark: 1
        ) { Labels.fixed($0 * 100, 0) + " %" }
        left += Self.shareWidth + Self.gap
        if hasSpeedups {
            let speedups = points.map(\.speedup)
            column(
                on: canvas, Rectangle(left, top, Self.speedupWidth, 0),
                title: "speed-up over the reference", note: "logarithmic; 1 is as fast", speedups,
                from: 1, Self.axis(around: speedups), mark: 1
            ) { Labels.number($0) + "×" }
            left += Self.speedupWidth + Self.gap
        }
        for peer in peers {
            let ratios = points.map { $0.peers[peer] }
            column(
                on: canvas, Rectangle(left, top, Self.peerWidth, 0), title: peer,
                note: "its time / ours", ratios, from: 1, Self.axis(around: ratios), mark: 1
            ) { Labels.fixed($0, 2) + "×" }
            left += Self.peerWidth + Self.gap
        }
    }

    /// An axis for ratios that has 1 on it.
    private static func axis(around ratios: [Double?]) -> Axis {
        let known = ratios.compactMap { $0 } + [1]
        return Axis(logarithmic: (known.min() ?? 1)...max(known.max() ?? 1, 1.1))
    }

    /// A bar for each case, from `base` on; what falls short of `mark` is orange, the rest blue.
    private func column(
        on canvas: Canvas, _ area: Rectangle, title: String, note: String, _ values: [Double?],
        from base: Double, _ axis: Axis, mark: Double, label: (Double) -> String
    ) {
        canvas.text(
            Labels.fitted(title, width: area.width + 12, size: 11.5),
            at: Point(area.x, area.y - 24), size: 11, bold: true)
        canvas.text(
            Labels.fitted(note, width: area.width + 16, size: 9), at: Point(area.x, area.y - 10),
            size: 9, .faintInk)
        // Ratios may lie on both sides of 1: there is room for a number on both.
        let isTwoSided = axis.lower < base
        let room = area.width - Self.numberWidth * (isTwoSided ? 2 : 1)
        let start = area.x + (isTwoSided ? Self.numberWidth : 0)
        func place(_ value: Double) -> Double { start + axis.share(of: value) * room }
        let bottom = area.y + Double(points.count) * Self.rowHeight
        canvas.line(
            [Point(place(mark), area.y - 4), Point(place(mark), bottom)], .faintInk, width: 0.75,
            dashes: [3, 2])
        for (index, value) in values.enumerated() {
            let y = area.y + Double(index) * Self.rowHeight
            guard let value else { continue }
            let (zero, end) = (place(base), place(value))
            canvas.fill(
                Rectangle(min(zero, end), y + 2.5, max(abs(end - zero), 0.75), 8.5),
                base == mark && value < mark ? Color.distinct[1] : Color.distinct[5])
            let (text, left) = (label(value), end < zero)
            let size = Canvas.width(of: text, size: 9)
            let x = left ? end - 4 - size : end + 4
            // Not through the dashed line.
            canvas.fill(Rectangle(x - 1, y + 1.5, size + 2, 11), .paper)
            canvas.text(text, at: Point(x, y + 10.5), size: 9)
        }
    }
}
