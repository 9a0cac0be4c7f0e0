// SPDX-License-Identifier: MIT
//
// A layer's filters as a grid of small images, before and after training side by side, as in "Deep
// Learning from Scratch", figure 7-24.

import ConvNetTensor

extension Picture {
    /// The filters of a convolution as a grid; with those from before training on the left of it.
    ///
    /// Filters of one channel go from blue (negative) over white (0) to red (positive). Filters of
    /// three are in the colours of their channels, 0 being gray. Other filters show each of their
    /// channels by itself. Each grid has its own scale, which stands below it: drawn weights are
    /// often a hundred times as small as trained ones.
    ///
    /// - Parameters:
    ///   - weights: `[F, C, KH, KW]`.
    ///   - before: the same filters at an earlier time.
    ///   - title: what stands above the grid of `weights`.
    ///   - titleBefore: what stands above the grid of `before`.
    ///   - limit: the most filters to show; all when nil.
    /// - Throws: ``TensorError`` when the weights have other axes, both shapes differ, or there are
    ///   more than 1,024 images to show.
    public static func filters(
        _ weights: Tensor, before: Tensor? = nil, title: String = "after training",
        titleBefore: String = "before training", limit: Int? = nil
    ) throws(TensorError) -> Picture {
        var grids: [FilterGrid] = []
        if let before {
            guard before.shape == weights.shape else {
                throw TensorError(
                    operation: "Picture.filters", argument: "before", value: "\(before.shape)",
                    expected: "\(weights.shape), as the weights")
            }
            grids.append(try FilterGrid(before, title: titleBefore, limit))
        }
        grids.append(try FilterGrid(weights, title: before == nil ? "" : title, limit))
        let (width, height) = (grids[0].width, grids[0].height)
        let (margin, gap) = (16.0, 36.0)
        let all = grids
        return Picture(
            width: 2 * margin + Double(all.count) * (width + gap) - gap,
            height: 2 * margin + height
        ) { canvas in
            for (index, grid) in all.enumerated() {
                grid.draw(on: canvas, at: Point(margin + Double(index) * (width + gap), margin))
            }
        }
    }
}

/// The filters of one layer as images.
struct FilterGrid: Sendable {
    private static let labelHeight = 11.0, gap = 7.0, titleHeight = 22.0, mostImages = 1024

    private let title: String
    private let images: [Raster]
    private let labels: [String]
    private let scale: ColorScale
    private let isColored: Bool
    private let columns: Int
    private let cellWidth, cellHeight: Double

    init(_ weights: Tensor, title: String, _ limit: Int? = nil) throws(TensorError) {
        try Self.check(weights)
        let (channels, rows, taps) = (weights.shape[1], weights.shape[2], weights.shape[3])
        let count = min(weights.shape[0], max(limit ?? .max, 1))
        isColored = channels == 3
        // As many images as numbers at most, so the product fits.
        let imageCount = isColored ? count : count * channels
        guard imageCount <= Self.mostImages else {
            throw TensorError(
                operation: "Picture.filters", argument: "limit", value: "\(count)",
                expected: "at most \(max(Self.mostImages / channels, 1)) filters of "
                    + "\(channels) channels")
        }
        self.title = title
        (images, scale) = try Self.images(weights, count: count)
        labels = (0..<imageCount).map {
            channels == 1 || channels == 3 ? "\($0)" : "\($0 / channels).\($0 % channels)"
        }
        let pixel = max((44 / Double(max(rows, taps))).rounded(), 1)
        (cellWidth, cellHeight) = (pixel * Double(taps), pixel * Double(rows))
        columns = GridShape.columns(
            imageCount, cellWidth: cellWidth + Self.gap,
            cellHeight: cellHeight + Self.gap + Self.labelHeight)
    }

    static func check(_ weights: Tensor) throws(TensorError) {
        guard weights.shape.count == 4 else {
            throw TensorError(
                operation: "Picture.filters", argument: "weights", value: "\(weights.shape)",
                expected: "[F, C, KH, KW]")
        }
    }

    /// An image of each of the first filters, or of each of their channels where they are neither
    /// one nor three.
    static func images(
        _ weights: Tensor, count: Int
    ) throws(TensorError) -> ([Raster], ColorScale) {
        let (channels, rows, taps) = (weights.shape[1], weights.shape[2], weights.shape[3])
        let numbers = try weights.samples(0..<count).scalars
        let scale = ColorScale(signed: numbers)
        let isColored = channels == 3
        let size = isColored ? channels * rows * taps : rows * taps
        let images = (0..<numbers.count / size).map { index in
            let part = numbers[index * size..<(index + 1) * size]
            return isColored
                ? Raster(colors: part, width: taps, height: rows, scale)
                : Raster(plane: part, width: taps, scale)
        }
        return (images, scale)
    }

    private var rowCount: Int { (images.count + columns - 1) / columns }
    private var barWidth: Double { min(max(width, 150), 220) }
    private var gridWidth: Double { Double(columns) * (cellWidth + Self.gap) - Self.gap }

    /// The width with the title and the scale.
    var width: Double {
        max(gridWidth, 150, Canvas.width(of: title, size: 13, bold: true))
    }

    /// The height with the title and the scale.
    var height: Double {
        titleHeight + Double(rowCount) * (cellHeight + Self.gap + Self.labelHeight) + 8
            + (isColored ? 52 : 0) + Canvas.scaleBarHeight
    }

    private var titleHeight: Double { title.isEmpty ? 0 : Self.titleHeight }

    func draw(on canvas: Canvas, at place: Point) {
        if !title.isEmpty {
            canvas.text(title, at: Point(place.x, place.y + 12), size: 13, bold: true)
        }
        let top = place.y + titleHeight
        for (index, image) in images.enumerated() {
            let (column, row) = (Double(index % columns), Double(index / columns))
            let cell = Rectangle(
                place.x + column * (cellWidth + Self.gap),
                top + row * (cellHeight + Self.gap + Self.labelHeight) + Self.labelHeight,
                cellWidth, cellHeight)
            canvas.text(labels[index], at: Point(cell.x, cell.y - 3), size: 8, .faintInk)
            canvas.image(image, in: cell)
            canvas.frame(cell, .faintInk)
        }
        drawScale(
            on: canvas, at: Point(place.x, place.y + height - Canvas.scaleBarHeight))
    }

    private func drawScale(on canvas: Canvas, at place: Point) {
        guard isColored else { return canvas.scaleBar(scale, at: place, width: barWidth) }
        // One bar per channel, the two others being 0.
        for (index, name) in ["red", "green", "blue"].enumerated() {
            let bar = Rectangle(
                place.x + 40, place.y - Double(2 - index) * 16, barWidth - 40, 10)
            canvas.text(name, at: Point(place.x, bar.bottom - 1), size: 10)
            canvas.gradient(bar) { share in
                var parts = [0.5, 0.5, 0.5]
                parts[index] = share
                return Color(parts[0], parts[1], parts[2])
            }
            if index == 2 { canvas.scaleNumbers(under: bar, scale.lower, scale.upper) }
        }
    }
}

extension ColorScale {
    /// A signed scale, whatever the numbers: weights that happen to be positive are weights still.
    init(signed values: [Float], clippedShare: Double = 0) {
        let scale = ColorScale(for: values, clippedShare: clippedShare)
        self.init(from: -scale.upper, to: scale.upper, .signed)
    }
}

extension Raster {
    /// Three planes, one a colour; 0 is gray, the ends of the scale are black and full.
    fileprivate init(
        colors: ArraySlice<Float>, width: Int, height: Int, _ scale: ColorScale
    ) {
        let (plane, start) = (width * height, colors.startIndex)
        let pixels = (0..<plane).map { place in
            let parts = (0..<3).map {
                (Double(colors[start + $0 * plane + place]) - scale.lower)
                    / (scale.upper - scale.lower)
            }
            return parts.contains { $0.isNaN }
                ? Color.notANumber.code : Color(parts[0], parts[1], parts[2]).code
        }
        self.init(width: width, height: height, pixels: pixels)
    }
}

/// How many cells go into a row.
enum GridShape {
    /// So many that the grid is about a third wider than high, and full rows where that is close.
    static func columns(_ count: Int, cellWidth: Double, cellHeight: Double) -> Int {
        let wanted = (Double(count) * 1.33 * cellHeight / cellWidth).squareRoot()
        let nearest = min(max(Int(wanted.rounded()), 1), max(count, 1))
        let candidates = [nearest, nearest - 1, nearest + 1].filter { (1...max(count, 1)) ~= $0 }
        return candidates.first { count % $0 == 0 } ?? nearest
    }
}
