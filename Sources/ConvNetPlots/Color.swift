// SPDX-License-Identifier: MIT
//
// Colours and what they stand for. The three families stay apart for eyes that see red and green
// alike: signed numbers go from blue over white to red, others from dark violet to yellow, and
// things are distinguished by Okabe and Ito's colours.

/// An opaque colour; its parts are from 0 to 1.
struct Color: Sendable, Equatable {
    var red, green, blue: Double

    init(_ red: Double, _ green: Double, _ blue: Double) {
        self.red = red
        self.green = green
        self.blue = blue
    }

    /// A colour as it is written on the web: `0xRRGGBB`.
    init(_ code: UInt32) {
        red = Double(code >> 16 & 0xFF) / 255
        green = Double(code >> 8 & 0xFF) / 255
        blue = Double(code & 0xFF) / 255
    }

    /// As it is written on the web.
    var code: UInt32 {
        func byte(_ part: Double) -> UInt32 { UInt32((min(max(part, 0), 1) * 255).rounded()) }
        return byte(red) << 16 | byte(green) << 8 | byte(blue)
    }

    /// How bright it looks, from 0 to 1.
    var luminance: Double { 0.299 * red + 0.587 * green + 0.114 * blue }

    /// Black or white, whichever can be read on this colour.
    var readableInk: Color { luminance > 0.55 ? .ink : .paper }

    static let ink = Color(0x222222)
    static let faintInk = Color(0x666666)
    static let grid = Color(0xE0E0E0)
    static let paper = Color(0xFFFFFF)
    /// What is not a number.
    static let notANumber = Color(0xFF00FF)

    /// Okabe and Ito's colours, the darker ones first.
    static let distinct: [Color] = [
        Color(0x0072B2), Color(0xD55E00), Color(0x009E73), Color(0xCC79A7), Color(0xE69F00),
        Color(0x56B4E9), Color(0x000000), Color(0x999999),
    ]
}

/// Colours in a row that stand for numbers from the least to the greatest.
struct Palette: Sendable {
    private let stops: [Color]

    private init(_ codes: UInt32...) { stops = codes.map { Color($0) } }

    /// The colour of a share from 0 to 1; beyond, the nearest.
    func color(at share: Double) -> Color {
        guard !share.isNaN else { return .notANumber }
        let place = min(max(share, 0), 1) * Double(stops.count - 1)
        let index = min(Int(place), stops.count - 2)
        let (from, to, part) = (stops[index], stops[index + 1], place - Double(index))
        func mixed(_ a: Double, _ b: Double) -> Double { a + (b - a) * part }
        return Color(
            mixed(from.red, to.red), mixed(from.green, to.green), mixed(from.blue, to.blue))
    }

    /// Blue for the negative, white for nothing, red for the positive (ColorBrewer's RdBu).
    static let signed = Palette(
        0x2166AC, 0x67A9CF, 0xD1E5F0, 0xF7F7F7, 0xFDDBC7, 0xEF8A62, 0xB2182B)
    /// From dark violet to yellow, evenly brighter (viridis).
    static let rising = Palette(
        0x440154, 0x482878, 0x3E4A89, 0x31688E, 0x26828E, 0x1F9E89, 0x35B779, 0x6DCD59, 0xB4DE2C,
        0xFDE725)
    /// From black to white.
    static let gray = Palette(0x000000, 0xFFFFFF)
    /// From white to dark orange, for what went wrong.
    static let orange = Palette(0xFFFFFF, 0xFDD0A2, 0xFD8D3C, 0xD94801)
    /// From white to dark blue, for what went right.
    static let blue = Palette(0xFFFFFF, 0xC6DBEF, 0x6BAED6, 0x2171B5)
}

/// Which colour stands for which number.
struct ColorScale: Sendable {
    let lower, upper: Double
    let palette: Palette

    /// A scale for some numbers: signed and even on both sides of 0 where some are negative,
    /// otherwise rising from 0. Of a hundred thousand numbers a few outliers would leave the rest
    /// pale, so a share of the largest may go beyond the ends.
    ///
    /// - Parameter clippedShare: how much of the numbers may go beyond the ends.
    init(for values: some Sequence<Float>, clippedShare: Double = 0) {
        let finite = values.filter(\.isFinite)
        let magnitudes = finite.map { abs($0) }.sorted()
        let place = Int(Double(max(magnitudes.count - 1, 0)) * (1 - clippedShare))
        let end = magnitudes.isEmpty ? 0 : Double(magnitudes[place])
        // A scale without length has no colours to give.
        upper = end > 0 ? end : 1
        let isSigned = finite.contains { $0 < 0 }
        lower = isSigned ? -upper : 0
        palette = isSigned ? .signed : .rising
    }

    /// A gray scale from the least of some numbers to the greatest.
    ///
    /// - Parameter clippedShare: how much of the numbers may go beyond each end.
    init(stretchedOver values: some Sequence<Float>, clippedShare: Double) {
        let sorted = values.filter(\.isFinite).sorted()
        guard let least = sorted.first, let greatest = sorted.last, least < greatest else {
            let only = Double(sorted.first ?? 0)
            self.init(from: only - 0.5, to: only + 0.5, .gray)
            return
        }
        let cut = Int(Double(sorted.count - 1) * clippedShare)
        let (low, high) = (Double(sorted[cut]), Double(sorted[sorted.count - 1 - cut]))
        // Where nearly all numbers are equal, nothing is cut off.
        self.init(
            from: low < high ? low : Double(least), to: low < high ? high : Double(greatest), .gray)
    }

    /// A scale from one number to a greater one.
    init(from lower: Double, to upper: Double, _ palette: Palette) {
        self.lower = lower
        self.upper = upper
        self.palette = palette
    }

    /// The colour of a number.
    func color(of value: Double) -> Color {
        palette.color(at: (value - lower) / (upper - lower))
    }
}
