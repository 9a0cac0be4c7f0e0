// SPDX-License-Identifier: MIT
//
// Words and numbers beside what is drawn, and the bar that shows which colour is which number.

import Foundation

enum Labels {
    /// A number in so many digits: `0.25`, `−1.3`, `12000`, `3e−05`.
    static func number(_ value: Double, digits: Int) -> String {
        let text = String(format: "%.\(digits)g", value)
        guard text.contains("e"), abs(value) >= 1, abs(value) < 1e6 else {
            return text.replacingOccurrences(of: "-", with: "\u{2212}")
        }
        return String(format: "%.0f", value).replacingOccurrences(of: "-", with: "\u{2212}")
    }

    /// A number in three digits.
    static func number(_ value: Double) -> String { number(value, digits: 3) }

    /// A number with so many digits behind the point.
    static func fixed(_ value: Double, _ digits: Int) -> String {
        String(format: "%.\(digits)f", value)
    }

    /// A share as a percentage that is 100 or 0 only where it is exactly that.
    static func percent(_ share: Double, digits: Int = 1) -> String {
        let step = pow(10, Double(-digits - 2))
        let shown = share >= 1 || share <= 0 ? share : min(max(share, step), 1 - step)
        return fixed(shown * 100, digits) + " %"
    }

    /// A shape as people write it: `30 × 24 × 24`.
    static func shape(_ shape: [Int]) -> String {
        shape.map(String.init).joined(separator: " × ")
    }

    /// A text, cut where it would become wider than there is room.
    static func fitted(_ text: String, width: Double, size: Double = 11) -> String {
        guard Canvas.width(of: text, size: size) > width else { return text }
        var end = text.count
        while end > 0, Canvas.width(of: text.prefix(end) + "…", size: size) > width { end -= 1 }
        return text.prefix(end) + "…"
    }
}

extension Canvas {
    /// The height of ``scaleBar(_:at:width:isClipped:)`` with its numbers.
    static let scaleBarHeight = 26.0

    /// A bar of all colours of a scale with the numbers at its ends and, where it is signed, at 0.
    func scaleBar(_ scale: ColorScale, at place: Point, width: Double, isClipped: Bool = false) {
        let bar = Rectangle(place.x, place.y, width, 10)
        gradient(bar) { scale.palette.color(at: $0) }
        scaleNumbers(under: bar, scale.lower, scale.upper, isClipped: isClipped)
    }

    /// Fills a bar from left to right.
    func gradient(_ bar: Rectangle, color: (_ share: Double) -> Color) {
        let steps = 128
        let pixels = (0..<steps).map { color(Double($0) / Double(steps - 1)).code }
        image(Raster(width: steps, height: 1, pixels: pixels), in: bar)
        frame(bar, .faintInk)
    }

    /// The numbers below a bar.
    func scaleNumbers(
        under bar: Rectangle, _ lower: Double, _ upper: Double, isClipped: Bool = false
    ) {
        let line = bar.bottom + 12
        let (least, most) = isClipped ? ("≤ ", "≥ ") : ("", "")
        let isSigned = lower < 0
        text(
            (isSigned ? least : "") + Labels.number(lower), at: Point(bar.x, line), size: 10)
        text(most + Labels.number(upper), at: Point(bar.right, line), size: 10, .ink, .right)
        if isSigned { text("0", at: Point(bar.center.x, line), size: 10, .ink, .center) }
    }
}
