// SPDX-License-Identifier: MIT
//
// The mistakes that a network was surest of, as small images.

import ConvNetTensor

/// Small images of mistakes in a grid.
struct MistakeSheet: Sendable {
    struct Thumbnail: Sendable {
        let index: Int
        let caption: String
        let probability: Double
        let raster: Raster

        init(_ mistake: Mistake, _ raster: Raster, _ names: [String]) {
            (index, probability) = (mistake.index, mistake.probability)
            // A little wider than cells of numbers, so that most names have room.
            caption = ConfusedPairs.text(
                mistake.label, mistake.prediction, names, width: MistakeSheet.widestCaption)
            self.raster = raster
        }
    }

    /// The most mistakes that are shown.
    static let most = 60
    /// The room for a caption where names are long.
    static let widestCaption = 130.0
    private static let cellHeight = 100.0, side = 56.0, head = 36.0

    let thumbnails: [Thumbnail]
    /// The height of what stands beside it.
    let room: Double

    /// Captions stand apart.
    private var cellWidth: Double {
        max((thumbnails.map { Canvas.width(of: $0.caption) }.max() ?? 0) + 10, 84)
    }
    private var rows: Int { max(Int((room - Self.head) / Self.cellHeight), 3) }
    private var columns: Int { max((thumbnails.count + rows - 1) / rows, 2) }
    var width: Double { Double(columns) * cellWidth }
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
            let x = corner.x + Double(place % columns) * cellWidth
            let y = corner.y + Self.head + Double(place / columns) * Self.cellHeight
            let (width, height) = (
                Double(thumbnail.raster.width), Double(thumbnail.raster.height)
            )
            let factor = Self.side / max(width, height)
            let area = Rectangle(x, y, width * factor, height * factor)
            canvas.image(thumbnail.raster, in: area)
            canvas.frame(area, .faintInk)
            canvas.text(
                thumbnail.caption, at: Point(x, y + Self.side + 13), size: 11)
            canvas.text(
                Labels.percent(thumbnail.probability, digits: 2), at: Point(x, y + Self.side + 25),
                size: 10,
                .faintInk)
            canvas.text(
                "no. \(thumbnail.index)", at: Point(x, y + Self.side + 36), size: 8, .faintInk)
        }
    }
}
