// SPDX-License-Identifier: MIT
//
// Where in an image a network sees a class: the image, and over it how much each place speaks
// for the class.

import ConvNetTensor

extension Picture {
    /// An image, and the same image under the colours of a map: from dark violet, where nothing
    /// speaks for the class, to yellow, where most does.
    ///
    /// The map is enlarged to the image's size, between four of its places where a pixel
    /// falls between them.
    ///
    /// - Parameters:
    ///   - image: `[1, C, H, W]`, from 0 to 1, one channel or three.
    ///   - map: `[1, 1, h, w]`, at least 0, as a class-activation map is.
    ///   - title: what stands above both.
    /// - Throws: ``TensorError`` when one of them has another shape, or a number of the map is
    ///   negative or not finite.
    public static func attention(
        image: Tensor, map: Tensor, title: String = ""
    ) throws(TensorError) -> Picture {
        let photograph = try Raster(image: image, operation: "Picture.attention")
        guard map.shape.count == 4, map.shape[0] == 1, map.shape[1] == 1 else {
            throw TensorError(
                operation: "Picture.attention", argument: "map", value: "\(map.shape)",
                expected: "[1, 1, H, W]")
        }
        let values = map.scalars
        if let wrong = values.first(where: { !($0 >= 0 && $0.isFinite) }) {
            throw TensorError(
                operation: "Picture.attention", argument: "map", value: "\(wrong)",
                expected: "finite numbers of at least 0")
        }
        let scale = ColorScale(for: values)
        let longest = max(photograph.width, photograph.height)
        let heat = HeatMap(values: values, width: map.shape[3], height: map.shape[2])
        let sheet = AttentionSheet(
            title: title, photograph: photograph,
            overlay: photograph.enlarged(by: max(AttentionSheet.pixels / longest, 1))
                .mixed(with: heat, scale), scale: scale)
        return Picture(width: sheet.width, height: sheet.height) { sheet.draw(on: $0) }
    }
}

/// Numbers on a grid that is coarser than an image.
private struct HeatMap {
    let values: [Float]
    let width, height: Int

    /// The number at a pixel of an image of the given size; centres of places are apart as the
    /// pixels that they cover are, and beyond the outer ones nothing changes.
    func value(x: Int, y: Int, width across: Int, height down: Int) -> Double {
        func place(_ pixel: Int, _ pixels: Int, _ count: Int) -> (lower: Int, part: Double) {
            let exact = (Double(pixel) + 0.5) * Double(count) / Double(pixels) - 0.5
            let inside = min(max(exact, 0), Double(count - 1))
            let lower = min(Int(inside), max(count - 2, 0))
            return (lower, inside - Double(lower))
        }
        let (column, row) = (place(x, across, width), place(y, down, height))
        func number(_ x: Int, _ y: Int) -> Double {
            Double(values[min(y, height - 1) * width + min(x, width - 1)])
        }
        func along(_ y: Int) -> Double {
            number(column.lower, y) * (1 - column.part) + number(column.lower + 1, y) * column.part
        }
        return along(row.lower) * (1 - row.part) + along(row.lower + 1) * row.part
    }
}

extension Raster {
    /// The image, each pixel mixed half and half with the colour of a map.
    fileprivate func mixed(with map: HeatMap, _ scale: ColorScale) -> Raster {
        var mixed: [UInt32] = []
        mixed.reserveCapacity(pixels.count)
        for y in 0..<height {
            for x in 0..<width {
                let (own, other) = (
                    Color(self[x, y]),
                    scale.color(of: map.value(x: x, y: y, width: width, height: height))
                )
                mixed.append(
                    Color(
                        (own.red + other.red) / 2, (own.green + other.green) / 2,
                        (own.blue + other.blue) / 2
                    ).code)
            }
        }
        return Raster(width: width, height: height, pixels: mixed)
    }
}

/// Both images side by side.
private struct AttentionSheet: Sendable {
    let title: String
    let photograph, overlay: Raster
    let scale: ColorScale

    /// The pixels of a side that the map has at least, so that it is smooth over a small image too.
    static let pixels = 320
    private static let margin = 16.0, gap = 16.0, side = 320.0

    private var factor: Double {
        Self.side / Double(max(photograph.width, photograph.height))
    }
    private var imageWidth: Double { Double(photograph.width) * factor }
    private var imageHeight: Double { Double(photograph.height) * factor }
    private var titleHeight: Double { title.isEmpty ? 0 : 24 }

    var width: Double { 2 * Self.margin + 2 * max(imageWidth, 120) + Self.gap }
    var height: Double {
        2 * Self.margin + titleHeight + imageHeight + 14 + Canvas.scaleBarHeight
    }

    func draw(on canvas: Canvas) {
        let top = Self.margin + titleHeight
        if !title.isEmpty {
            canvas.text(
                Labels.fitted(title, width: width - 2 * Self.margin, size: 14),
                at: Point(Self.margin, Self.margin + 12), size: 13, bold: true)
        }
        let right = Self.margin + max(imageWidth, 120) + Self.gap
        for (raster, x) in [(photograph, Self.margin), (overlay, right)] {
            let area = Rectangle(x, top, imageWidth, imageHeight)
            canvas.image(raster, in: area)
            canvas.frame(area, .faintInk)
        }
        canvas.scaleBar(
            scale, at: Point(right, top + imageHeight + 14), width: max(imageWidth, 120))
    }
}
