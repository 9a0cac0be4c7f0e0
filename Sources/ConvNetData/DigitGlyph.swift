// SPDX-License-Identifier: MIT
//
// The shapes of the digits, by hand: points in the unit square, x to the right and y down, and the
// strokes that run through them. A stroke is a smooth curve; where a digit has a corner, two
// strokes share a point. A stroke that ends at its first point is a closed loop.

/// One way to write a digit.
struct DigitGlyph: Sendable {
    /// The points of all strokes.
    let points: [SIMD2<Double>]
    /// For each stroke the points that it runs through, as places in ``points``.
    let strokes: [[Int]]

    /// A glyph from points as pairs, for the tables below.
    private init(_ points: [(x: Double, y: Double)], strokes: [[Int]]) {
        self.points = points.map { SIMD2($0.x, $0.y) }
        self.strokes = strokes
    }

    /// The ways to write each digit, 0 to 9.
    static let variants: [[DigitGlyph]] = [
        zeros, ones, twos, threes, fours, fives, sixes, sevens, eights, nines,
    ]

    private static let zeros = [
        DigitGlyph(
            [
                (0.50, 0.00), (0.85, 0.15), (1.00, 0.50), (0.85, 0.85), (0.50, 1.00),
                (0.15, 0.85), (0.00, 0.50), (0.15, 0.15),
            ],
            strokes: [[0, 1, 2, 3, 4, 5, 6, 7, 0]])
    ]

    private static let ones = [
        DigitGlyph([(0.50, 0.00), (0.50, 0.50), (0.50, 1.00)], strokes: [[0, 1, 2]]),
        DigitGlyph([(0.20, 0.25), (0.50, 0.00), (0.50, 1.00)], strokes: [[0, 1], [1, 2]]),
        DigitGlyph(
            [(0.25, 0.20), (0.50, 0.00), (0.50, 1.00), (0.20, 1.00), (0.80, 1.00)],
            strokes: [[0, 1], [1, 2], [3, 2, 4]]),
    ]

    private static let twos = [
        DigitGlyph(
            [
                (0.05, 0.25), (0.20, 0.05), (0.50, 0.00), (0.85, 0.10), (0.90, 0.32),
                (0.65, 0.60), (0.30, 0.82), (0.00, 1.00), (1.00, 1.00),
            ],
            strokes: [[0, 1, 2, 3, 4, 5, 6, 7], [7, 8]]),
        // With a loop at its foot.
        DigitGlyph(
            [
                (0.05, 0.22), (0.35, 0.00), (0.75, 0.05), (0.85, 0.30), (0.60, 0.65),
                (0.18, 0.98), (0.00, 0.88), (0.18, 0.78), (0.60, 0.94), (1.00, 0.92),
            ],
            strokes: [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]]),
    ]

    private static let threes = [
        DigitGlyph(
            [
                (0.05, 0.12), (0.45, 0.00), (0.85, 0.10), (0.85, 0.33), (0.40, 0.47),
                (0.90, 0.58), (0.95, 0.83), (0.50, 1.00), (0.02, 0.88),
            ],
            strokes: [[0, 1, 2, 3, 4], [4, 5, 6, 7, 8]]),
        // With a flat top.
        DigitGlyph(
            [
                (0.05, 0.00), (0.90, 0.00), (0.40, 0.42), (0.85, 0.50), (0.95, 0.76),
                (0.60, 1.00), (0.05, 0.92),
            ],
            strokes: [[0, 1], [1, 2], [2, 3, 4, 5, 6]]),
    ]

    private static let fours = [
        DigitGlyph(
            [(0.70, 0.00), (0.00, 0.66), (1.00, 0.66), (0.70, 1.00)],
            strokes: [[0, 1], [1, 2], [0, 3]]),
        // Open at the top.
        DigitGlyph(
            [
                (0.15, 0.00), (0.05, 0.52), (0.50, 0.55), (0.95, 0.50), (0.85, 0.00),
                (0.80, 1.00),
            ],
            strokes: [[0, 1], [1, 2, 3], [4, 5]]),
    ]

    private static let fives = [
        DigitGlyph(
            [
                (0.92, 0.00), (0.20, 0.00), (0.12, 0.45), (0.50, 0.38), (0.92, 0.52),
                (0.95, 0.80), (0.50, 1.00), (0.02, 0.90),
            ],
            strokes: [[0, 1], [1, 2], [2, 3, 4, 5, 6, 7]]),
        // In one go, without corners.
        DigitGlyph(
            [
                (0.95, 0.02), (0.45, 0.05), (0.18, 0.28), (0.50, 0.45), (0.88, 0.65),
                (0.75, 0.93), (0.35, 1.00), (0.02, 0.90),
            ],
            strokes: [[0, 1, 2, 3, 4, 5, 6, 7]]),
    ]

    private static let sixes = [
        DigitGlyph(
            [
                (0.80, 0.02), (0.40, 0.15), (0.10, 0.50), (0.05, 0.80), (0.45, 1.00),
                (0.90, 0.85), (0.85, 0.58), (0.50, 0.50), (0.10, 0.68),
            ],
            strokes: [[0, 1, 2, 3, 4, 5, 6, 7, 8]]),
        // With a straight back.
        DigitGlyph(
            [
                (0.45, 0.00), (0.15, 0.42), (0.04, 0.75), (0.40, 1.00), (0.85, 0.90),
                (0.85, 0.62), (0.45, 0.55), (0.08, 0.78),
            ],
            strokes: [[0, 1, 2, 3, 4, 5, 6, 7]]),
    ]

    private static let sevens = [
        DigitGlyph(
            [(0.00, 0.03), (1.00, 0.00), (0.62, 0.48), (0.40, 1.00)],
            strokes: [[0, 1], [1, 2, 3]]),
        // With a bar.
        DigitGlyph(
            [
                (0.00, 0.03), (1.00, 0.00), (0.62, 0.48), (0.40, 1.00), (0.28, 0.50),
                (0.92, 0.46),
            ],
            strokes: [[0, 1], [1, 2, 3], [4, 5]]),
        // With a serif.
        DigitGlyph(
            [(0.02, 0.20), (0.02, 0.02), (1.00, 0.00), (0.55, 0.50), (0.45, 1.00)],
            strokes: [[0, 1], [1, 2], [2, 3, 4]]),
    ]

    private static let eights = [
        // One line that crosses itself.
        DigitGlyph(
            [
                (0.50, 0.47), (0.15, 0.30), (0.20, 0.08), (0.50, 0.00), (0.80, 0.08),
                (0.85, 0.30), (0.05, 0.70), (0.10, 0.92), (0.50, 1.00), (0.90, 0.92),
                (0.95, 0.70),
            ],
            strokes: [[0, 1, 2, 3, 4, 5, 0, 6, 7, 8, 9, 10, 0]]),
        // Two loops.
        DigitGlyph(
            [
                (0.50, 0.00), (0.85, 0.22), (0.50, 0.46), (0.15, 0.22), (0.95, 0.72),
                (0.50, 1.00), (0.05, 0.72),
            ],
            strokes: [[0, 1, 2, 3, 0], [2, 4, 5, 6, 2]]),
    ]

    private static let nines = [
        DigitGlyph(
            [
                (0.92, 0.28), (0.75, 0.05), (0.40, 0.00), (0.08, 0.15), (0.10, 0.42),
                (0.45, 0.53), (0.80, 0.44), (0.90, 0.65), (0.75, 1.00),
            ],
            strokes: [[0, 1, 2, 3, 4, 5, 6, 0], [0, 7, 8]]),
        // With a curved tail.
        DigitGlyph(
            [
                (0.92, 0.28), (0.75, 0.05), (0.40, 0.00), (0.08, 0.15), (0.10, 0.42),
                (0.45, 0.53), (0.80, 0.44), (0.90, 0.72), (0.55, 1.00), (0.12, 0.92),
            ],
            strokes: [[0, 1, 2, 3, 4, 5, 6, 0], [0, 7, 8, 9]]),
    ]
}
