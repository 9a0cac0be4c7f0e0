// SPDX-License-Identifier: MIT
//
// From numbers to places along a line, with ticks at round numbers.

import Foundation

/// One axis of a chart.
struct Axis: Sendable {
    /// The least and the greatest number.
    let lower, upper: Double
    /// Whether equal distances are equal ratios.
    let isLogarithmic: Bool
    /// The round numbers in between.
    let ticks: [Double]

    /// An axis over some numbers, its ends at round numbers around them.
    ///
    /// - Parameters:
    ///   - range: the numbers; finite.
    ///   - count: about how many ticks.
    init(linear range: ClosedRange<Double>, ticks count: Int = 5) {
        // The difference of the largest numbers would be infinite.
        var (low, high) = (max(range.lowerBound, -1e300), min(range.upperBound, 1e300))
        // Equal numbers still need some length around them, and more than they are rounded by.
        let size = max(abs(low), abs(high))
        if high - low <= max(size * 1e-12, 1e-300) {
            (low, high) = (low - max(0.5, size * 1e-9), high + max(0.5, size * 1e-9))
        }
        let step = Self.roundStep((high - low) / Double(count))
        let (first, last) = ((low / step).rounded(.down), (high / step).rounded(.up))
        lower = first * step
        upper = last * step
        isLogarithmic = false
        // Multiples, not sums: sums of 0.1 drift.
        ticks = stride(from: first, through: last, by: 1).map { $0 * step }
    }

    /// An axis from 1 to a whole number, with ticks at whole numbers; half a step of room at both
    /// ends, so that a single number has a place too.
    init(wholeNumbersTo last: Double) {
        let step = max(Self.roundStep(last / 8), 1)
        lower = 0.5
        upper = last + 0.5
        isLogarithmic = false
        ticks =
            step > 1
            ? Array(stride(from: step, through: last, by: step))
            : Array(stride(from: 1, through: last, by: 1))
    }

    /// An axis over positive numbers whose ticks are at powers of 10, or of 2 where those would be
    /// few; its ends are at ticks.
    init(logarithmic range: ClosedRange<Double>) {
        let base = range.upperBound / range.lowerBound > 300 ? 10.0 : 2.0
        let first = (log(range.lowerBound) / log(base)).rounded(.down)
        let last = max((log(range.upperBound) / log(base)).rounded(.up), first + 1)
        lower = pow(base, first)
        upper = pow(base, last)
        isLogarithmic = true
        ticks = stride(from: first, through: last, by: 1).map { pow(base, $0) }
    }

    /// How far along the axis a number is: 0 at its lower end, 1 at its upper.
    func share(of value: Double) -> Double {
        isLogarithmic
            ? log(value / lower) / log(upper / lower) : (value - lower) / (upper - lower)
    }

    /// 1, 2 or 5 times a power of 10, at least as long as asked for.
    private static func roundStep(_ length: Double) -> Double {
        let power = pow(10, log10(length).rounded(.down))
        let factor = [1.0, 2, 5, 10].first { $0 * power >= length * 0.999 } ?? 10
        return factor * power
    }
}

/// A rectangle with two axes.
struct Chart: Sendable {
    /// Where the numbers lie; labels are outside, below and to the left.
    let area: Rectangle
    let x, y: Axis

    /// The place of a pair of numbers.
    func place(_ horizontal: Double, _ vertical: Double) -> Point {
        Point(
            area.x + x.share(of: horizontal) * area.width,
            area.bottom - y.share(of: vertical) * area.height)
    }

    /// Draws grid, ticks and titles.
    func draw(
        on canvas: Canvas, title: String = "", xTitle: String, yTitle: String,
        yLabel: (Double) -> String = Labels.number
    ) {
        if !title.isEmpty {
            canvas.text(title, at: Point(area.x, area.y - 12), size: 13, bold: true)
        }
        for tick in x.ticks {
            let place = place(tick, y.lower)
            canvas.line([place, Point(place.x, area.y)], .grid, width: 0.75)
            canvas.text(
                Labels.number(tick), at: Point(place.x, area.bottom + 14), size: 10, .ink, .center)
        }
        for tick in y.ticks {
            let place = place(x.lower, tick)
            canvas.line([place, Point(area.right, place.y)], .grid, width: 0.75)
            canvas.text(yLabel(tick), at: Point(area.x - 6, place.y + 4), size: 10, .ink, .right)
        }
        canvas.frame(area, .faintInk, width: 0.75)
        canvas.text(xTitle, at: Point(area.center.x, area.bottom + 32), size: 11, .ink, .center)
        canvas.text(
            yTitle, at: Point(area.x - 44, area.center.y), size: 11, .ink, .center, upwards: true)
    }
}
