// SPDX-License-Identifier: MIT
//
// What each depth of a network extracts from one image: one row per layer, the same channels in
// each, so that one can be followed downwards.

import ConvNetTensor

/// What came out of one layer.
public struct LayerOutput: Sendable {
    /// The layer's name.
    public let name: String
    /// What kind of layer it is, such as `Convolution`.
    public let kind: String
    /// What came out for one image: `[1, C, H, W]` or `[1, K]`.
    public let output: Tensor

    /// What came out of one layer.
    public init(name: String, kind: String, output: Tensor) {
        self.name = name
        self.kind = kind
        self.output = output
    }
}

extension Picture {
    /// An image and what comes out of each layer for it.
    ///
    /// Each layer has its own scale at its right: from violet to yellow where nothing is negative,
    /// from blue over white to red otherwise. Few numbers without a place in the image are bars,
    /// more are cells in a row.
    ///
    /// - Parameters:
    ///   - image: `[1, C, H, W]`, from 0 to 1, one channel or three.
    ///   - layers: what came out of the layers, in their order.
    ///   - channels: the most channels of a layer to show, the first ones.
    /// - Throws: ``TensorError`` when the image or an output has another shape, or there are more
    ///   than 64 channels to show.
    public static func features(
        image: Tensor, layers: [LayerOutput], channels: Int = 8
    ) throws(TensorError) -> Picture {
        guard (1...64).contains(channels) else {
            throw TensorError(
                operation: "Picture.features", argument: "channels", value: "\(channels)",
                expected: "from 1 to 64")
        }
        let photograph = try Raster(image: image, operation: "Picture.features")
        var rows: [FeatureRow] = []
        for layer in layers { rows.append(try FeatureRow(layer, channels: channels)) }
        let sheet = FeatureSheet(photograph: photograph, rows: rows, channels: channels)
        return Picture(width: sheet.width, height: sheet.height) { sheet.draw(on: $0) }
    }
}

/// One layer's output as it is drawn.
private struct FeatureRow: Sendable {
    enum Content: Sendable {
        case maps([Raster])
        case bars([Float])
        case cells([Float])
    }

    /// The most numbers that are drawn as bars.
    static let mostBars = 32

    let name, kind, shape: String
    let content: Content
    let scale: ColorScale
    let hidden: Int

    init(_ layer: LayerOutput, channels: Int) throws(TensorError) {
        let shape = layer.output.shape
        guard shape.first == 1, shape.count == 4 || shape.count == 2 else {
            throw TensorError(
                operation: "Picture.features", argument: layer.name, value: "\(shape)",
                expected: "[1, C, H, W] or [1, K]")
        }
        (name, kind) = (layer.name, layer.kind)
        self.shape = Labels.shape(Array(shape.dropFirst()))
        let numbers = layer.output.scalars
        if shape.count == 2 || shape[2] * shape[3] == 1 {
            scale = ColorScale(for: numbers)
            // Rows of cells: what goes beyond 2,048 would be too small to be seen.
            let shown = Array(numbers.prefix(2048))
            hidden = numbers.count - shown.count
            content = shown.count <= Self.mostBars ? .bars(shown) : .cells(shown)
        } else {
            let (plane, shown) = (shape[2] * shape[3], min(channels, shape[1]))
            let scale = ColorScale(for: numbers.prefix(shown * plane))
            hidden = shape[1] - shown
            content = .maps(
                (0..<shown).map {
                    Raster(
                        plane: numbers[$0 * plane..<($0 + 1) * plane], width: shape[3], scale)
                })
            self.scale = scale
        }
    }
}

/// The image above the layers.
private struct FeatureSheet: Sendable {
    let photograph: Raster
    let rows: [FeatureRow]
    let channels: Int

    private static let margin = 16.0, gap = 6.0, rowGap = 16.0, map = 64.0
    private static let nameWidth = 132.0, scaleWidth = 90.0, cell = 8.0

    private var left: Double { Self.margin + Self.nameWidth }
    /// The room for channels; at least that of eight, which bars and cells need.
    private var bodyWidth: Double {
        Double(max(channels, 8)) * (Self.map + Self.gap) - Self.gap
    }
    private var cellsPerRow: Int { Int(bodyWidth / Self.cell) }

    var width: Double { left + bodyWidth + 20 + Self.scaleWidth + Self.margin }
    var height: Double {
        2 * Self.margin + photographHeight
            + rows.map { Self.rowGap + height(of: $0) }.reduce(0, +)
    }

    /// Maps are as high as the highest of the layer, their width being 64.
    private func height(of row: FeatureRow) -> Double {
        switch row.content {
        case .maps(let maps):
            return max(Self.map * Double(maps[0].height) / Double(maps[0].width), 40)
        case .bars: return 96
        case .cells(let numbers):
            return max(Double((numbers.count + cellsPerRow - 1) / cellsPerRow) * Self.cell, 40)
        }
    }

    private var photographHeight: Double { 96 }

    func draw(on canvas: Canvas) {
        var top = Self.margin
        let factor = min(
            photographHeight / Double(photograph.height), 180 / Double(photograph.width))
        let area = Rectangle(
            left, top, Double(photograph.width) * factor, Double(photograph.height) * factor)
        canvas.text("the image", at: Point(Self.margin, top + 12), size: 12, bold: true)
        canvas.text(
            "\(photograph.width) × \(photograph.height)", at: Point(Self.margin, top + 27),
            size: 10, .faintInk)
        canvas.image(photograph, in: area)
        canvas.frame(area, .faintInk)
        top += photographHeight
        for row in rows {
            top += Self.rowGap
            draw(row, on: canvas, top: top)
            top += height(of: row)
        }
    }

    private func draw(_ row: FeatureRow, on canvas: Canvas, top: Double) {
        let room = Self.nameWidth - 10
        canvas.text(
            Labels.fitted(row.name, width: room, size: 12), at: Point(Self.margin, top + 12),
            size: 12, bold: true)
        canvas.text(
            Labels.fitted(row.kind, width: room, size: 10), at: Point(Self.margin, top + 26),
            size: 10, .faintInk)
        canvas.text(row.shape, at: Point(Self.margin, top + 39), size: 10, .faintInk)
        let area = Rectangle(left, top, bodyWidth, height(of: row))
        switch row.content {
        case .maps(let maps): draw(maps, on: canvas, in: area)
        case .bars(let numbers): draw(bars: numbers, row.scale, on: canvas, in: area)
        case .cells(let numbers): draw(cells: numbers, row.scale, on: canvas, in: area)
        }
        let right = area.right + 20
        canvas.scaleBar(row.scale, at: Point(right, top), width: Self.scaleWidth)
        if row.hidden > 0 {
            canvas.text(
                "and \(row.hidden) more", at: Point(right, top + 38), size: 9, .faintInk)
        }
    }

    private func draw(_ maps: [Raster], on canvas: Canvas, in area: Rectangle) {
        for (index, map) in maps.enumerated() {
            let cell = Rectangle(
                area.x + Double(index) * (Self.map + Self.gap), area.y, Self.map,
                Self.map * Double(map.height) / Double(map.width))
            canvas.image(map, in: cell)
            canvas.frame(cell, .faintInk)
        }
    }

    private func draw(
        cells numbers: [Float], _ scale: ColorScale, on canvas: Canvas, in area: Rectangle
    ) {
        for start in stride(from: 0, to: numbers.count, by: cellsPerRow) {
            let part = numbers[start..<min(start + cellsPerRow, numbers.count)]
            let strip = Rectangle(
                area.x, area.y + Double(start / cellsPerRow) * Self.cell,
                Double(part.count) * Self.cell, Self.cell)
            canvas.image(Raster(plane: part, width: part.count, scale), in: strip)
            canvas.frame(strip, .faintInk, width: 0.25)
        }
    }

    /// Bars upwards and downwards from 0, their places below.
    private func draw(
        bars numbers: [Float], _ scale: ColorScale, on canvas: Canvas, in area: Rectangle
    ) {
        let room = Rectangle(area.x, area.y + 12, area.width, area.height - 38)
        let step = min(room.width / Double(numbers.count), 44)
        let isSigned = scale.lower < 0
        let perUnit = (isSigned ? room.height / 2 : room.height) / scale.upper
        let zero = isSigned ? room.center.y : room.bottom
        for (index, number) in numbers.enumerated() {
            let length = number.isFinite ? Double(number) * perUnit : 0
            let x = room.x + Double(index) * step
            let bar = Rectangle(
                x + step * 0.15, min(zero, zero - length), step * 0.7, abs(length))
            canvas.fill(bar, scale.color(of: Double(number)))
            canvas.frame(bar, .faintInk)
            if step >= 30 {
                let above = number >= 0 || number.isNaN
                canvas.text(
                    Labels.number(Double(number)),
                    at: Point(bar.center.x, above ? bar.y - 2 : bar.bottom + 8), size: 8,
                    .faintInk, .center)
            }
            canvas.text(
                "\(index)", at: Point(bar.center.x, area.bottom), size: 9, .ink, .center)
        }
        canvas.line(
            [Point(room.x, zero), Point(room.x + step * Double(numbers.count), zero)], .ink,
            width: 0.75)
    }
}
