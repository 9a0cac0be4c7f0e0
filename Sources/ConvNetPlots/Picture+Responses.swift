// SPDX-License-Identifier: MIT
//
// An image through each filter, as in "Deep Learning from Scratch", figure 7-25. What the filters
// answer is computed by the caller: pictures know no kernels.

import ConvNetTensor

extension Picture {
    /// An image, and what each filter makes of it, the filter beside its response.
    ///
    /// Each response is stretched by itself from black, its least, to white, its greatest, as in
    /// the book; both numbers stand above it. On one scale for all, the filters that answer to
    /// brightness would leave those that answer to edges pale. The half per cent of the numbers at
    /// each end may lie beyond.
    ///
    /// - Parameters:
    ///   - image: `[1, C, H, W]`, from 0 to 1, one channel or three.
    ///   - weights: the filters, `[F, C, KH, KW]`.
    ///   - responses: `[1, F, OH, OW]`.
    ///   - limit: the most filters to show; all when nil.
    /// - Throws: ``TensorError`` when a shape is another, or there are more than 1,024 filters to
    ///   show.
    public static func responses(
        image: Tensor, weights: Tensor, responses: Tensor, limit: Int? = nil
    ) throws(TensorError) -> Picture {
        let photograph = try Raster(image: image, operation: "Picture.responses")
        try FilterGrid.check(weights)
        guard weights.shape[1] == image.shape[1] else {
            throw TensorError(
                operation: "Picture.responses", argument: "weights", value: "\(weights.shape)",
                expected: "[F, \(image.shape[1]), KH, KW] for an image of \(image.shape)")
        }
        let shape = responses.shape
        guard shape.count == 4, shape[0] == 1, shape[1] == weights.shape[0] else {
            throw TensorError(
                operation: "Picture.responses", argument: "responses", value: "\(shape)",
                expected: "[1, \(weights.shape[0]), OH, OW]")
        }
        let count = min(shape[1], max(limit ?? .max, 1))
        guard count <= 1024 else {
            throw TensorError(
                operation: "Picture.responses", argument: "limit", value: "\(count)",
                expected: "at most 1024 filters")
        }
        let plane = shape[2] * shape[3]
        let numbers = Array(responses.scalars.prefix(count * plane))
        let scales = (0..<count).map {
            ColorScale(stretchedOver: numbers[$0 * plane..<($0 + 1) * plane], clippedShare: 0.005)
        }
        let sheet = ResponseSheet(
            photograph: photograph,
            filters: try FilterGrid.images(weights, count: count).0,
            responses: (0..<count).map {
                Raster(plane: numbers[$0 * plane..<($0 + 1) * plane], width: shape[3], scales[$0])
            }, scales: scales)
        return Picture(width: sheet.width, height: sheet.height) { sheet.draw(on: $0) }
    }
}

/// The image at the left, the responses in a grid beside it.
private struct ResponseSheet: Sendable {
    let photograph: Raster
    let filters: [Raster]
    let responses: [Raster]
    let scales: [ColorScale]

    private static let margin = 16.0, gap = 8.0, headHeight = 30.0, thumbnail = 125.0

    /// A response's size on the picture: at most 125 units per side.
    private var cell: (width: Double, height: Double) {
        let (width, height) = (Double(responses[0].width), Double(responses[0].height))
        let factor = Self.thumbnail / max(width, height)
        return (max(width * factor, 34), max(height * factor, 12))
    }

    private var columns: Int {
        GridShape.columns(
            responses.count, cellWidth: cell.width + Self.gap,
            cellHeight: cell.height + Self.gap + Self.headHeight)
    }

    private var photographSize: (width: Double, height: Double) {
        let (width, height) = (Double(photograph.width), Double(photograph.height))
        let factor = min(180 / width, 260 / height)
        return (width * factor, height * factor)
    }

    private var sideWidth: Double { max(photographSize.width, 150) }

    var width: Double {
        2 * Self.margin + sideWidth + 28 + Double(columns) * (cell.width + Self.gap) - Self.gap
    }

    var height: Double {
        let rows = Double((responses.count + columns - 1) / columns)
        let side = Self.headHeight + photographSize.height + 54 + Canvas.scaleBarHeight
        return 2 * Self.margin
            + max(side, rows * (cell.height + Self.gap + Self.headHeight) - Self.gap)
    }

    func draw(on canvas: Canvas) {
        let photographArea = Rectangle(
            Self.margin, Self.margin + Self.headHeight, photographSize.width,
            photographSize.height)
        canvas.text(
            "the image", at: Point(Self.margin, photographArea.y - 7), size: 13, bold: true)
        canvas.image(photograph, in: photographArea)
        canvas.frame(photographArea, .faintInk)
        let below = photographArea.bottom + 36
        canvas.text("response", at: Point(Self.margin, below), size: 11)
        let bar = Rectangle(Self.margin, below + 8, 150, 10)
        canvas.gradient(bar) { Palette.gray.color(at: $0) }
        canvas.text("least", at: Point(bar.x, bar.bottom + 12), size: 10)
        canvas.text("greatest", at: Point(bar.right, bar.bottom + 12), size: 10, .ink, .right)
        let left = Self.margin + sideWidth + 28
        for index in responses.indices {
            let (column, row) = (Double(index % columns), Double(index / columns))
            drawResponse(
                index, on: canvas,
                at: Point(
                    left + column * (cell.width + Self.gap),
                    Self.margin + row * (cell.height + Self.gap + Self.headHeight)))
        }
    }

    private func drawResponse(_ index: Int, on canvas: Canvas, at place: Point) {
        let filter = filters[index]
        let factor = 24 / Double(max(filter.width, filter.height))
        let glyph = Rectangle(
            place.x, place.y + 2, Double(filter.width) * factor, Double(filter.height) * factor)
        canvas.image(filter, in: glyph)
        canvas.frame(glyph, .faintInk)
        canvas.text("\(index)", at: Point(glyph.right + 5, place.y + 11), size: 10, .ink)
        let scale = scales[index]
        let range = [scale.lower, scale.upper].map { Labels.number($0, digits: 2) }
            .joined(separator: " … ")
        // Long numbers get smaller letters rather than lose their last digits.
        let room = cell.width - glyph.width - 6
        let size = min(8, 8 * room / Canvas.width(of: range, size: 8))
        canvas.text(
            range, at: Point(glyph.right + 5, place.y + 24), size: max(size, 5), .faintInk)
        let area = Rectangle(place.x, place.y + Self.headHeight, cell.width, cell.height)
        canvas.image(responses[index], in: area)
        canvas.frame(area, .faintInk)
    }
}

extension Raster {
    /// One image of one channel or three, its numbers from 0 to 1.
    init(image: Tensor, operation: String) throws(TensorError) {
        let shape = image.shape
        guard shape.count == 4, shape[0] == 1, shape[1] == 1 || shape[1] == 3 else {
            throw TensorError(
                operation: operation, argument: "image", value: "\(shape)",
                expected: "[1, 1, H, W] or [1, 3, H, W]")
        }
        let (numbers, plane) = (image.scalars, shape[2] * shape[3])
        let pixels = (0..<plane).map { place in
            let (red, step) = (Double(numbers[place]), shape[1] == 3 ? plane : 0)
            let color = Color(
                red, Double(numbers[place + step]), Double(numbers[place + 2 * step]))
            return [color.red, color.green, color.blue].contains { $0.isNaN }
                ? Color.notANumber.code : color.code
        }
        self.init(width: shape[3], height: shape[2], pixels: pixels)
    }
}
