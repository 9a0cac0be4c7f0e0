// SPDX-License-Identifier: MIT
//
// The roofline of Williams, Waterman and Patterson (2009): how fast something can be at most, given
// how much it calculates for each byte that it moves, and how fast it is.

import ConvNetTensor

/// One measured case of a benchmark.
public struct BenchmarkPoint: Sendable {
    /// What was measured, such as `conv.forward.alex.conv2`.
    public let name: String
    /// What it is a case of, such as `conv.forward`; cases of one family have one colour.
    public let family: String
    /// How long it took.
    public let seconds: Double
    /// Floating-point operations; 0 where numbers are only moved.
    public let operations: Double
    /// Bytes that must be moved at least.
    public let bytes: Double
    /// The reference's time divided by ours; nil where it was not measured.
    public let speedup: Double?
    /// Other libraries' times divided by ours, by their names.
    public let peers: [String: Double]

    /// One measured case.
    public init(
        name: String, family: String, seconds: Double, operations: Double, bytes: Double,
        speedup: Double? = nil, peers: [String: Double] = [:]
    ) {
        self.name = name
        self.family = family
        self.seconds = seconds
        self.operations = operations
        self.bytes = bytes
        self.speedup = speedup
        self.peers = peers
    }

    /// Operations for each byte.
    var intensity: Double { operations / bytes }
}

/// What a machine can do at most.
public struct MachineLimits: Sendable {
    /// What stands above the picture: the processor and the like.
    public let title: String
    /// Floating-point operations a second.
    public let peak: Double
    /// Bytes a second.
    public let bandwidth: Double

    /// What a machine can do at most.
    public init(title: String, peak: Double, bandwidth: Double) {
        self.title = title
        self.peak = peak
        self.bandwidth = bandwidth
    }

    /// The share of what is possible that a case reaches; from 0 to about 1, more where the data
    /// stays in caches.
    func share(of point: BenchmarkPoint) -> Double {
        guard point.operations > 0 else { return point.bytes / point.seconds / bandwidth }
        return point.operations / point.seconds / min(peak, bandwidth * point.intensity)
    }
}

/// The chart above the table: one point per case, under the roof.
struct RooflineChart: Sendable {
    static let height = 430.0
    private static let top = 56.0, left = 64.0, bottom = 50.0, legendWidth = 190.0

    let points: [BenchmarkPoint]
    let limits: MachineLimits
    let families: [String]
    let width: Double

    /// The numbers of the points that calculate; the others have no place on the chart.
    private var shown: [Int] { points.indices.filter { points[$0].operations > 0 } }

    private func chart(at corner: Point) -> Chart {
        let ridge = limits.peak / limits.bandwidth
        let intensities = shown.map { points[$0].intensity } + [ridge / 2, ridge * 4]
        let rates = shown.map { points[$0].operations / points[$0].seconds / 1e9 }
        let most = max(rates.max() ?? 1, limits.peak / 1e9)
        return Chart(
            area: Rectangle(
                corner.x + Self.left, corner.y + Self.top,
                width - Self.left - Self.legendWidth, Self.height - Self.top - Self.bottom),
            x: Axis(logarithmic: (intensities.min() ?? 1)...(intensities.max() ?? 1)),
            y: Axis(logarithmic: min(rates.min() ?? 1, most / 4)...(most * 1.15)))
    }

    func draw(on canvas: Canvas, at corner: Point) {
        let chart = chart(at: corner)
        canvas.text(limits.title, at: Point(corner.x, corner.y + 12), size: 13, bold: true)
        canvas.text(
            "Each point is a case of the table below; above the roof are those whose data caches hold.",
            at: Point(corner.x, corner.y + 30), size: 11, .faintInk)
        chart.draw(
            on: canvas, xTitle: "operations for each byte that must be moved", yTitle: "GFLOP/s")
        drawRoof(on: canvas, chart)
        var taken: [Rectangle] = []
        let places = shown.map { index -> Point in
            let point = points[index]
            return chart.place(point.intensity, point.operations / point.seconds / 1e9)
        }
        for place in places { taken.append(Rectangle(place.x - 3.5, place.y - 3.5, 7, 7)) }
        for (index, place) in zip(shown, places) {
            label("\(index + 1)", place, on: canvas, in: chart.area, &taken)
        }
        for (index, place) in zip(shown, places) {
            canvas.disc(place, radius: 3.5, color(of: points[index].family))
        }
        drawLegend(on: canvas, at: Point(chart.area.right + 18, chart.area.y + 6))
    }

    private func color(of family: String) -> Color {
        Color.distinct[(families.firstIndex(of: family) ?? 0) % Color.distinct.count]
    }

    private func drawRoof(on canvas: Canvas, _ chart: Chart) {
        let (peak, bandwidth) = (limits.peak / 1e9, limits.bandwidth / 1e9)
        // From where the slope enters the chart.
        let start = max(chart.x.lower, chart.y.lower / bandwidth)
        let ridge = min(max(peak / bandwidth, start), chart.x.upper)
        canvas.clipped(to: chart.area) {
            canvas.line(
                [
                    chart.place(start, bandwidth * start), chart.place(ridge, peak),
                    chart.place(chart.x.upper, peak),
                ], .ink, width: 1.75)
        }
        canvas.text(
            "peak \(Labels.number(peak)) GFLOP/s",
            at: Point(chart.area.right - 6, chart.place(ridge, peak).y - 5), size: 10, .ink, .right)
        let slope = chart.place(start, bandwidth * start)
        canvas.text(
            "copy \(Labels.number(bandwidth)) GB/s", at: Point(slope.x + 12, slope.y - 4), size: 10)
    }

    /// Writes a number where it hides nothing, as near its point as it can be.
    private func label(
        _ text: String, _ place: Point, on canvas: Canvas, in area: Rectangle,
        _ taken: inout [Rectangle]
    ) {
        let size = 8.0
        let (width, height) = (Canvas.width(of: text, size: size) + 1, 8.0)
        for distance in [8.0, 13, 19, 26, 34, 44, 56] {
            for step in 0..<12 {
                let angle = Double(step) / 12 * 2 * Double.pi
                let center = Point(
                    place.x + distance * cosine(angle),
                    place.y + distance * cosine(angle - Double.pi / 2))
                let box = Rectangle(
                    center.x - width / 2, center.y - height / 2, width, height)
                guard box.x > area.x, box.right < area.right, box.y > area.y,
                    box.bottom < area.bottom, !taken.contains(where: { $0.intersects(box) })
                else { continue }
                if distance > 10 {
                    let share = 1 - 5 / distance
                    canvas.line(
                        [
                            place,
                            Point(
                                place.x + (center.x - place.x) * share,
                                place.y + (center.y - place.y) * share),
                        ], .faintInk, width: 0.4)
                }
                canvas.text(
                    text, at: Point(center.x, center.y + 3), size: size, .ink, .center)
                taken.append(box)
                return
            }
        }
    }

    private func drawLegend(on canvas: Canvas, at place: Point) {
        for (index, family) in families.enumerated() {
            let y = place.y + Double(index) * 17
            let isShown = points.contains { $0.family == family && $0.operations > 0 }
            canvas.disc(Point(place.x + 4, y), radius: 4, color(of: family))
            canvas.text(
                Labels.fitted(
                    isShown ? family : "\(family) (moves only)", width: Self.legendWidth - 34,
                    size: 10),
                at: Point(place.x + 14, y + 4), size: 10)
        }
    }
}
