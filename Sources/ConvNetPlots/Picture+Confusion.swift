// SPDX-License-Identifier: MIT
//
// Which classes a network takes for which, and the mistakes that it was surest of.

import ConvNetTensor

/// A sample that was sorted wrongly.
public struct Mistake: Sendable {
    /// The sample's place in the data.
    public let index: Int
    /// The class that it has.
    public let label: Int
    /// The class that it was taken for.
    public let prediction: Int
    /// How probable the network called that, from 0 to 1.
    public let probability: Double
    /// The sample: `[1, C, H, W]`, from 0 to 1, one channel or three.
    public let image: Tensor

    /// A sample that was sorted wrongly.
    public init(index: Int, label: Int, prediction: Int, probability: Double, image: Tensor) {
        self.index = index
        self.label = label
        self.prediction = prediction
        self.probability = probability
        self.image = image
    }
}

extension Picture {
    /// The most classes that a confusion matrix is drawn for.
    public static let mostClasses = 100

    /// A table of how often each class was taken for which, and images of some mistakes.
    ///
    /// Blue cells on the diagonal are what was right, as a share of the row; orange cells are
    /// mistakes, the darker the more, on a scale of their own.
    ///
    /// - Parameters:
    ///   - counts: a row a label, in it a count a prediction; as many rows as columns.
    ///   - mistakes: what to show beside it, in this order.
    /// - Throws: ``TensorError`` when the counts are no square of 1 to ``mostClasses`` classes, one
    ///   is negative, or a mistake's image has another shape.
    public static func confusion(
        _ counts: [[Int]], mistakes: [Mistake] = []
    ) throws(TensorError) -> Picture {
        let classes = counts.count
        guard (1...mostClasses).contains(classes), counts.allSatisfy({ $0.count == classes }) else {
            throw TensorError(
                operation: "Picture.confusion", argument: "counts",
                value: "\(classes) rows of \(counts.first?.count ?? 0)",
                expected: "a square of 1 to \(mostClasses) classes")
        }
        guard counts.allSatisfy({ $0.allSatisfy { (0...(1 << 40)).contains($0) } }) else {
            throw TensorError(
                operation: "Picture.confusion", argument: "counts", value: "out of range",
                expected: "counts from 0 to 2^40")
        }
        var thumbnails: [MistakeSheet.Thumbnail] = []
        for mistake in mistakes.prefix(MistakeSheet.most) {
            thumbnails.append(
                MistakeSheet.Thumbnail(
                    mistake, try Raster(image: mistake.image, operation: "Picture.confusion")))
        }
        let table = ConfusionTable(counts: counts)
        let sheet = MistakeSheet(thumbnails: thumbnails, room: table.height)
        let width = table.width + (thumbnails.isEmpty ? 0 : 24 + sheet.width)
        return Picture(
            width: width + 2 * ConfusionTable.margin,
            height: max(table.height, sheet.height) + 2 * ConfusionTable.margin
        ) { canvas in
            let corner = Point(ConfusionTable.margin, ConfusionTable.margin)
            table.draw(on: canvas, at: corner)
            sheet.draw(on: canvas, at: Point(corner.x + table.width + 24, corner.y))
        }
    }
}

/// The table of counts.
private struct ConfusionTable: Sendable {
    static let margin = 16.0
    private static let left = 44.0, top = 62.0, recallWidth = 62.0, bottom = 66.0

    let counts: [[Int]]

    private var side: Double { counts.count <= 20 ? 36 : 720 / Double(counts.count) }
    private var tableSide: Double { side * Double(counts.count) }
    var width: Double { max(Self.left + tableSide + Self.recallWidth, 280) }
    var height: Double { Self.top + tableSide + Self.bottom }

    func draw(on canvas: Canvas, at corner: Point) {
        let total = counts.joined().reduce(0, +)
        let right = counts.indices.map { counts[$0][$0] }.reduce(0, +)
        let area = Rectangle(corner.x + Self.left, corner.y + Self.top, tableSide, tableSide)
        canvas.text(
            "\(right) of \(total) right", at: Point(corner.x, corner.y + 12), size: 13, bold: true)
        canvas.text(
            "taken for", at: Point(area.center.x, area.y - 22), size: 11, .ink, .center)
        canvas.text(
            "label", at: Point(corner.x + 10, area.center.y), size: 11, .ink, .center, upwards: true
        )
        canvas.text(
            "right", at: Point(area.right + 54, area.y - 6), size: 10, .faintInk, .right)
        let most = mostMistakes
        for row in counts.indices {
            drawHeads(row, on: canvas, area)
            let sum = counts[row].reduce(0, +)
            for column in counts.indices {
                let count = counts[row][column]
                let color =
                    row == column
                    ? Palette.blue.color(at: sum > 0 ? Double(count) / Double(sum) : 0)
                    : Palette.orange.color(at: most > 0 ? Double(count) / Double(most) : 0)
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

    /// Whether there is room for numbers.
    private var isSpacious: Bool { side >= 24 }

    /// The most mistakes of one kind.
    private var mostMistakes: Int {
        counts.indices.map { row in
            counts.indices.map { $0 == row ? 0 : counts[row][$0] }.max() ?? 0
        }.max() ?? 0
    }

    private func drawHeads(_ index: Int, on canvas: Canvas, _ area: Rectangle) {
        guard isSpacious || index % 10 == 0 else { return }
        let middle = (Double(index) + 0.5) * side
        canvas.text(
            "\(index)", at: Point(area.x + middle, area.y - 6), size: 11, .ink, .center, bold: true)
        canvas.text(
            "\(index)", at: Point(area.x - 8, area.y + middle + 4), size: 11, .ink, .right,
            bold: true)
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

/// Small images of mistakes in a grid.
private struct MistakeSheet: Sendable {
    struct Thumbnail: Sendable {
        let index, label, prediction: Int
        let probability: Double
        let raster: Raster

        init(_ mistake: Mistake, _ raster: Raster) {
            (index, label) = (mistake.index, mistake.label)
            (prediction, probability) = (mistake.prediction, mistake.probability)
            self.raster = raster
        }
    }

    /// The most mistakes that are shown.
    static let most = 60
    private static let cellWidth = 84.0, cellHeight = 100.0, side = 56.0, head = 36.0

    let thumbnails: [Thumbnail]
    /// The height of what stands beside it.
    let room: Double

    private var rows: Int { max(Int((room - Self.head) / Self.cellHeight), 3) }
    private var columns: Int { max((thumbnails.count + rows - 1) / rows, 2) }
    var width: Double { Double(columns) * Self.cellWidth }
    var height: Double {
        let used = (thumbnails.count + columns - 1) / columns
        return thumbnails.isEmpty ? 0 : Self.head + Double(used) * Self.cellHeight
    }

    func draw(on canvas: Canvas, at corner: Point) {
        guard !thumbnails.isEmpty else { return }
        canvas.text(
            Labels.fitted("surest mistakes", width: width, size: 14),
            at: Point(corner.x, corner.y + 12), size: 13, bold: true)
        for (place, thumbnail) in thumbnails.enumerated() {
            let x = corner.x + Double(place % columns) * Self.cellWidth
            let y = corner.y + Self.head + Double(place / columns) * Self.cellHeight
            let (width, height) = (
                Double(thumbnail.raster.width), Double(thumbnail.raster.height)
            )
            let factor = Self.side / max(width, height)
            let area = Rectangle(x, y, width * factor, height * factor)
            canvas.image(thumbnail.raster, in: area)
            canvas.frame(area, .faintInk)
            canvas.text(
                "\(thumbnail.label) as \(thumbnail.prediction)",
                at: Point(x, y + Self.side + 13), size: 11)
            canvas.text(
                Labels.percent(thumbnail.probability, digits: 2), at: Point(x, y + Self.side + 25),
                size: 10,
                .faintInk)
            canvas.text(
                "no. \(thumbnail.index)", at: Point(x, y + Self.side + 36), size: 8, .faintInk)
        }
    }
}
