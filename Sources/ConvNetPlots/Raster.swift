// SPDX-License-Identifier: MIT
//
// Pixels in memory: what is drawn as an image, and what comes out of drawing.

import ConvNetTensor

/// An image of opaque pixels, `0xRRGGBB` each, row by row from the top.
struct Raster: Sendable, Equatable {
    let width, height: Int
    let pixels: [UInt32]

    /// An image; there are as many pixels as it has places.
    init(width: Int, height: Int, pixels: [UInt32]) {
        precondition(width > 0 && height > 0 && pixels.count == width * height)
        self.width = width
        self.height = height
        self.pixels = pixels
    }

    /// A plane of numbers, each in its colour.
    init(plane: some Collection<Float>, width: Int, _ scale: ColorScale) {
        self.init(
            width: width, height: plane.count / width,
            pixels: plane.map { scale.color(of: Double($0)).code })
    }

    /// The pixel at a place.
    subscript(x: Int, y: Int) -> UInt32 { pixels[y * width + x] }

    /// The same image with each pixel repeated, so that a viewer that smooths it leaves its pixels
    /// recognisable.
    func enlarged(by factor: Int) -> Raster {
        guard factor > 1 else { return self }
        var result: [UInt32] = []
        result.reserveCapacity(pixels.count * factor * factor)
        for y in 0..<height {
            let row = pixels[y * width..<(y + 1) * width].flatMap {
                repeatElement($0, count: factor)
            }
            for _ in 0..<factor { result += row }
        }
        return Raster(width: width * factor, height: height * factor, pixels: result)
    }
}
