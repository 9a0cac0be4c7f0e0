// SPDX-License-Identifier: MIT
//
// Drawing with a round pen: for each pixel the distance to the nearest stroke, of which the pen's
// radius makes ink with smooth edges. Curves are taken as short straight lines.

/// A square of pixels that knows how far each is from the strokes drawn so far.
struct StrokeRaster {
    private let side: Int
    /// Row-major; infinite where no stroke is within ``reach``.
    private var squaredDistances: [Double]

    /// How far from a stroke distances are kept, in pixels: the largest pen radius that can be
    /// drawn is half a pixel less.
    private static let reach = 2.5

    /// The straight lines between two points of a curve. Digits have some 10 points, so that a
    /// line is about a pixel long.
    private static let linesPerSpan = 5

    /// A raster without strokes.
    init(side: Int) {
        self.side = side
        squaredDistances = Array(repeating: .infinity, count: side * side)
    }

    /// Removes all strokes.
    mutating func clear() {
        for place in squaredDistances.indices { squaredDistances[place] = .infinity }
    }

    /// How much of a pixel is inked, from 0 to 1.
    ///
    /// - Parameters:
    ///   - place: the pixel, row-major.
    ///   - radius: the pen's, in pixels.
    func coverage(at place: Int, radius: Double) -> Double {
        let squared = squaredDistances[place]
        guard squared < Self.reach * Self.reach else { return 0 }
        return min(max(radius + 0.5 - squared.squareRoot(), 0), 1)
    }

    /// Adds a smooth curve through the points, or a loop when the last is the first.
    ///
    /// Catmull and Rom's cubic: at each point it runs parallel to the line between the neighbours.
    ///
    /// - Parameter points: at least two, in pixels; pixel centres lie at halves.
    mutating func addStroke(through points: [SIMD2<Double>]) {
        guard let first = points.first, let last = points.last, points.count > 2 else {
            if points.count == 2 { addLine(from: points[0], to: points[1]) }
            return
        }
        let isLoop = first == last
        // What comes before the first and after the last point: of a loop its own points, of an
        // open stroke the mirrored neighbour, which lets it end without a bend.
        let before = isLoop ? points[points.count - 2] : 2 * first - points[1]
        let after = isLoop ? points[1] : 2 * last - points[points.count - 2]
        let extended = [before] + points + [after]
        for span in 1..<points.count {
            addSpan(extended[span - 1], extended[span], extended[span + 1], extended[span + 2])
        }
    }

    /// Adds the cubic from `start` to `end`, given the points around them.
    private mutating func addSpan(
        _ before: SIMD2<Double>, _ start: SIMD2<Double>, _ end: SIMD2<Double>,
        _ after: SIMD2<Double>
    ) {
        let linear = 0.5 * (end - before)
        let cubic = 0.5 * (after - before) + 1.5 * (start - end)
        let quadratic = end - start - linear - cubic
        var previous = start
        for step in 1...Self.linesPerSpan {
            let t = Double(step) / Double(Self.linesPerSpan)
            let point = start + t * (linear + t * (quadratic + t * cubic))
            addLine(from: previous, to: point)
            previous = point
        }
    }

    /// Adds a straight line.
    private mutating func addLine(from start: SIMD2<Double>, to end: SIMD2<Double>) {
        let direction = end - start
        let squaredLength = max((direction * direction).sum(), .leastNormalMagnitude)
        let columns = pixels(from: min(start.x, end.x), to: max(start.x, end.x))
        for row in pixels(from: min(start.y, end.y), to: max(start.y, end.y)) {
            for column in columns {
                let offset = SIMD2(Double(column) + 0.5, Double(row) + 0.5) - start
                // The nearest point of the line, as part of the way from start to end.
                let part = min(max((offset * direction).sum() / squaredLength, 0), 1)
                let gap = offset - part * direction
                let place = row * side + column
                squaredDistances[place] = min(squaredDistances[place], (gap * gap).sum())
            }
        }
    }

    /// The pixels of one axis that are within reach of an interval.
    private func pixels(from low: Double, to high: Double) -> Range<Int> {
        let limit = Double(side)
        let first = min(max(low - Self.reach, 0), limit)
        let end = min(max(high + Self.reach, 0), limit)
        return Int(first)..<Int(end.rounded(.up))
    }
}
