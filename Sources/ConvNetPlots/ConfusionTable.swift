// SPDX-License-Identifier: MIT
//
// The table of which classes are taken for which, and the pairs that are confused most often.

import ConvNetTensor

/// The table of counts.
struct ConfusionTable: Sendable {
    static let margin = 16.0
    private static let top = 62.0, recallWidth = 62.0, bottom = 66.0
    /// Beyond so many classes a cell is a pixel of an image.
    private static let mostCells = 100

    let counts: [[Int]]
    /// What the classes are called; none where numbers say it.
    let names: [String]
    /// The room for what stands at the left.
    private let left: Double

    init(counts: [[Int]], names: [String]) {
        self.counts = counts
        self.names = names
        let isNamed = counts.count <= 20
        let longest = isNamed ? names.map { Canvas.width(of: $0) }.max() ?? 0 : 0
        left = 44 + min(longest, 110)
    }

    private var side: Double { counts.count <= 20 ? 36 : 720 / Double(counts.count) }
    private var tableSide: Double { side * Double(counts.count) }
    var width: Double { max(left + tableSide + Self.recallWidth, 280) }
    var height: Double { Self.top + tableSide + Self.bottom }

    func draw(on canvas: Canvas, at corner: Point) {
        let total = counts.joined().reduce(0, +)
        let right = counts.indices.map { counts[$0][$0] }.reduce(0, +)
        let area = Rectangle(corner.x + left, corner.y + Self.top, tableSide, tableSide)
        canvas.text(
            "\(right) of \(total) right", at: Point(corner.x, corner.y + 12), size: 13, bold: true)
        canvas.text(
            "taken for", at: Point(area.center.x, area.y - 22), size: 11, .ink, .center)
        canvas.text(
            "label", at: Point(corner.x + 10, area.center.y), size: 11, .ink, .center, upwards: true
        )
        if isSpacious {
            canvas.text(
                "right", at: Point(area.right + 54, area.y - 6), size: 10, .faintInk, .right)
        }
        let most = mostMistakes
        if counts.count > Self.mostCells { canvas.image(raster(most: most), in: area) }
        for row in counts.indices {
            drawHeads(row, on: canvas, area)
            guard counts.count <= Self.mostCells else { continue }
            let sum = counts[row].reduce(0, +)
            for column in counts.indices {
                let count = counts[row][column]
                let color = color(of: count, isRight: row == column, sum: sum, most: most)
                let cell = Rectangle(
                    area.x + Double(column) * side, area.y + Double(row) * side, side, side)
                drawCell(cell, count, color, on: canvas, isRight: row == column)
            }
            if sum > 0, isSpacious {
                canvas.text(
                    Labels.percent(Double(counts[row][row]) / Double(sum)),
                    at: Point(area.right + 54, area.y + (Double(row) + 0.5) * side + 4), size: 10,
                    .ink, .right)
            }
        }
        canvas.frame(area, .faintInk, width: 1)
        drawScales(on: canvas, at: Point(area.x, area.bottom + 18), most)
    }

    private func color(of count: Int, isRight: Bool, sum: Int, most: Int) -> Color {
        isRight
            ? Palette.blue.color(at: sum > 0 ? Double(count) / Double(sum) : 0)
            : Palette.orange.color(at: most > 0 ? Double(count) / Double(most) : 0)
    }

    /// The table as an image, one pixel per cell. One mistake alone would be too pale to
    /// be seen there.
    private func raster(most: Int) -> Raster {
        var pixels: [UInt32] = []
        pixels.reserveCapacity(counts.count * counts.count)
        for (row, numbers) in counts.enumerated() {
            let sum = numbers.reduce(0, +)
            for (column, count) in numbers.enumerated() {
                let shown = row == column || count == 0 ? count : max(count, (most + 1) / 2)
                pixels.append(
                    color(of: shown, isRight: row == column, sum: sum, most: most).code)
            }
        }
        return Raster(width: counts.count, height: counts.count, pixels: pixels)
    }

    /// Whether there is room for numbers.
    private var isSpacious: Bool { side >= 24 }

    /// The most mistakes of one kind.
    private var mostMistakes: Int {
        counts.indices.map { row in
            counts.indices.map { $0 == row ? 0 : counts[row][$0] }.max() ?? 0
        }.max() ?? 0
    }

    private func drawHeads(_ index: Int, on canvas: Canvas, _ area: Rectangle) {
        // Numbers stand at least 50 units apart.
        let step = isSpacious ? 1 : [10, 20, 50, 100].first { Double($0) * side >= 50 } ?? 100
        guard index % step == 0 else { return }
        let middle = (Double(index) + 0.5) * side
        canvas.text(
            "\(index)", at: Point(area.x + middle, area.y - 6), size: 11, .ink, .center, bold: true)
        canvas.text(
            "\(index)", at: Point(area.x - 8, area.y + middle + 4), size: 11, .ink, .right,
            bold: true)
        guard isSpacious, !names.isEmpty else { return }
        canvas.text(
            Labels.fitted(names[index], width: left - 44),
            at: Point(area.x - 28, area.y + middle + 4),
            size: 11, .ink, .right)
    }

    private func drawCell(
        _ cell: Rectangle, _ count: Int, _ color: Color, on canvas: Canvas, isRight: Bool
    ) {
        canvas.fill(cell, color)
        if isSpacious { canvas.frame(cell, .grid) }
        guard isSpacious, count > 0 || isRight else { return }
        let text = "\(count)"
        // Large counts get smaller letters rather than leave their cell.
        let size = min(11, 11 * (side - 4) / Canvas.width(of: text, size: 11))
        canvas.text(
            text, at: Point(cell.center.x, cell.center.y + size * 0.36), size: size,
            color.readableInk, .center)
    }

    private func drawScales(on canvas: Canvas, at place: Point, _ most: Int) {
        let scales = [
            ("right, share of the row", "0", "100 %", Palette.blue),
            ("mistakes, count", "0", "\(most)", Palette.orange),
        ]
        let width = max((tableSide - 24) / 2, 96)
        for (index, (title, lower, upper, palette)) in scales.enumerated() {
            let bar = Rectangle(
                place.x + Double(index) * (width + 24), place.y + 4, width, 10)
            canvas.text(
                Labels.fitted(title, width: width, size: 10), at: Point(bar.x, bar.y - 5), size: 10)
            canvas.gradient(bar) { palette.color(at: $0) }
            canvas.text(lower, at: Point(bar.x, bar.bottom + 12), size: 10)
            canvas.text(upper, at: Point(bar.right, bar.bottom + 12), size: 10, .ink, .right)
        }
    }
}

/// The pairs of classes that were confused most often, in words.
struct ConfusedPairs: Sendable {
    private static let most = 24, lineHeight = 16.0, head = 36.0
    /// The number of classes up to which the table shows its numbers.
    private static let fewClasses = 20

    private let pairs: [(label: Int, prediction: Int, count: Int)]
    private let names: [String]

    init(counts: [[Int]], names: [String]) {
        self.names = names
        guard counts.count > Self.fewClasses else {
            pairs = []
            return
        }
        var pairs: [(label: Int, prediction: Int, count: Int)] = []
        for (label, row) in counts.enumerated() {
            for (prediction, count) in row.enumerated() where count > 0 && prediction != label {
                pairs.append((label, prediction, count))
            }
        }
        // Among equals the first one, so that the picture is the same each time.
        pairs.sort { ($1.count, $0.label, $0.prediction) < ($0.count, $1.label, $1.prediction) }
        self.pairs = Array(pairs.prefix(Self.most))
    }

    /// `7 as 9`, or both by name; where that is wider than there is room, each name is cut
    /// to half of it.
    static func text(
        _ label: Int, _ prediction: Int, _ names: [String], width: Double = .infinity
    ) -> String {
        func name(_ index: Int) -> String {
            names.indices.contains(index) ? names[index] : "\(index)"
        }
        let whole = "\(name(label)) as \(name(prediction))"
        guard Canvas.width(of: whole) > width else { return whole }
        let half = (width - Canvas.width(of: " as ")) / 2
        return Labels.fitted(name(label), width: half) + " as "
            + Labels.fitted(name(prediction), width: half)
    }

    var isEmpty: Bool { pairs.isEmpty }
    private var textWidth: Double {
        let widths = pairs.map { Canvas.width(of: Self.text($0.label, $0.prediction, names)) }
        return min(widths.max() ?? 0, 260)
    }
    var width: Double { max(textWidth + 44, 120) }

    func draw(on canvas: Canvas, at corner: Point) {
        guard !isEmpty else { return }
        canvas.text(
            "confused most", at: Point(corner.x, corner.y + 12), size: 13, bold: true)
        for (place, pair) in pairs.enumerated() {
            let y = corner.y + Self.head + Double(place) * Self.lineHeight
            canvas.text(
                Self.text(pair.label, pair.prediction, names, width: width - 44),
                at: Point(corner.x, y), size: 11)
            canvas.text(
                "\(pair.count)", at: Point(corner.x + width, y), size: 11, .ink, .right)
        }
    }
}
