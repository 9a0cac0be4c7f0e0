// SPDX-License-Identifier: MIT
//
// Places on a picture, in its units: x to the right, y downwards, the origin at the top left.

/// A place.
struct Point: Sendable, Equatable {
    var x, y: Double

    init(_ x: Double, _ y: Double) {
        self.x = x
        self.y = y
    }
}

/// A rectangle with horizontal and vertical sides.
struct Rectangle: Sendable, Equatable {
    var x, y, width, height: Double

    init(_ x: Double, _ y: Double, _ width: Double, _ height: Double) {
        self.x = x
        self.y = y
        self.width = width
        self.height = height
    }

    var right: Double { x + width }
    var bottom: Double { y + height }
    var center: Point { Point(x + width / 2, y + height / 2) }

    func intersects(_ other: Rectangle) -> Bool {
        x < other.right && other.x < right && y < other.bottom && other.y < bottom
    }
}
