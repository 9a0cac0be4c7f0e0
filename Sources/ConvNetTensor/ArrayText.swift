// SPDX-License-Identifier: MIT
//
// Arrays as text, laid out as NumPy does: nested brackets, aligned columns, and of many numbers
// only those at both ends of each axis. What is not shown is not looked at.

/// Lays out an array's numbers.
struct ArrayText {
    /// Arrays of more numbers are shortened.
    static let threshold = 1000
    /// Lines are broken before they become longer, as long as that helps.
    private static let lineWidth = 75
    /// Even shortened, an array of many axes may show more than anyone reads: fewer of each axis
    /// are shown then, and at last none.
    private static let mostShown = 4096

    private let shape: [Int]
    /// How many are shown at each end of an axis that is shortened; nil where all are.
    private let edge: Int?

    /// A layout; nil where no number would be shown.
    init?(shape: [Int]) {
        self.shape = shape
        guard shape.reduce(1, *) > Self.threshold else {
            edge = nil
            return
        }
        func shown(_ edge: Int) -> Int {
            shape.reduce(1) { min($0 * min($1, 2 * edge), Self.mostShown + 1) }
        }
        guard let edge = [3, 2, 1].first(where: { shown($0) <= Self.mostShown }) else { return nil }
        self.edge = edge
    }

    /// The flat places of the numbers that are shown, in reading order.
    var places: [Int] {
        shape.reduce([0]) { outer, extent in
            outer.flatMap { place in indices(extent).compactMap { $0.map { place * extent + $0 } } }
        }
    }

    /// The indices of an axis that are shown; nil stands for those left out.
    private func indices(_ extent: Int) -> [Int?] {
        guard let edge, extent > 2 * edge else { return Array(0..<extent) }
        return Array(0..<edge) + [nil] + Array(extent - edge..<extent)
    }

    /// The text of the array.
    ///
    /// - Parameter words: what stands for each of ``places``, all equally wide.
    func text(_ words: [String]) -> String {
        var words = words[...]
        return text(axis: 0, indent: " ", width: Self.lineWidth, &words)
    }

    private func text(
        axis: Int, indent: String, width: Int, _ words: inout ArraySlice<String>
    ) -> String {
        guard axis < shape.count else { return words.removeFirst() }
        let indices = indices(shape[axis])
        guard axis < shape.count - 1 else { return row(indices, indent, width - 1, &words) }
        // One line between rows, an empty one between planes, and so on.
        let separator = String(repeating: "\n", count: shape.count - 1 - axis) + indent
        let parts = indices.map { index in
            index == nil
                ? "..." : text(axis: axis + 1, indent: indent + " ", width: width - 1, &words)
        }
        return "[" + parts.joined(separator: separator) + "]"
    }

    /// The innermost axis.
    private func row(
        _ indices: [Int?], _ indent: String, _ width: Int, _ words: inout ArraySlice<String>
    ) -> String {
        var (lines, line) = ("", indent)
        for (place, index) in indices.enumerated() {
            let word = index == nil ? "..." : words.removeFirst()
            if place > 0 { line += " " }
            if line.count + word.count > width, line.count > indent.count {
                while line.hasSuffix(" ") { line.removeLast() }
                lines += line + "\n"
                line = indent
            }
            line += word
        }
        return "[" + (lines + line).dropFirst(indent.count) + "]"
    }
}

/// How numbers are written so that they stand below one another: as many digits as tell them
/// apart, at most eight behind the point; in powers of ten where they are very large, very
/// small or far apart.
struct NumberFormat {
    private static let digits = 8

    private let isScientific: Bool
    private var left = 0
    private var right = 0
    private var exponentDigits = 0

    /// A format for all of the numbers.
    init<Scalar: TensorScalar>(_ numbers: [Scalar]) {
        let finite = numbers.filter(\.isFinite)
        let magnitudes = finite.map(\.magnitude).filter { $0 > 0 }
        if let most = magnitudes.max(), let least = magnitudes.min() {
            // NumPy goes by the digits that a type holds.
            let large: Scalar = Scalar.scalarType == .float32 ? 1e6 : 1e8
            isScientific = most >= large || least < 1e-4 || most / least > 1000
        } else {
            isScientific = false
        }
        for number in finite {
            let parts = parts(number)
            left = max(left, parts.whole.count)
            right = max(right, parts.fraction.count)
            exponentDigits = max(exponentDigits, parts.exponent.count - 1)
        }
        let fractionWidth = isScientific && !finite.isEmpty ? right + 2 + exponentDigits : right
        for number in numbers where !number.isFinite {
            left = max(left, Self.name(of: number).count - fractionWidth - 1)
        }
    }

    /// A number in this format.
    func text<Scalar: TensorScalar>(_ number: Scalar) -> String {
        guard number.isFinite else {
            let width = left + 1 + right + (exponentDigits > 0 ? 2 + exponentDigits : 0)
            return Self.padded(Self.name(of: number), to: width)
        }
        var parts = parts(number)
        guard isScientific else {
            let spaces = String(repeating: " ", count: right - parts.fraction.count)
            return Self.padded(parts.whole, to: left) + "." + parts.fraction + spaces
        }
        if parts.fraction.count < right {
            // More digits than tell a Float apart are those of its value, and no zeros.
            parts = self.parts(Double(number), digits: right)
            parts.fraction += String(repeating: "0", count: right - parts.fraction.count)
        }
        let zeros = String(repeating: "0", count: max(exponentDigits - parts.exponent.count + 1, 0))
        return Self.padded(parts.whole, to: left) + "." + parts.fraction + "e"
            + parts.exponent.prefix(1) + zeros + parts.exponent.dropFirst()
    }

    static func padded(_ text: String, to width: Int) -> String {
        String(repeating: " ", count: max(width - text.count, 0)) + text
    }

    private static func name<Scalar: TensorScalar>(of number: Scalar) -> String {
        number.isNaN ? "nan" : number < 0 ? "-inf" : "inf"
    }

    /// What stands before the point, behind it, and as the exponent with its sign.
    private func parts<Scalar: TensorScalar>(
        _ number: Scalar, digits: Int = Self.digits
    ) -> (whole: String, fraction: String, exponent: String) {
        var decimal = DecimalDigits(number.magnitude)
        let limit = digits + (isScientific ? 1 : decimal.point)
        if decimal.count > limit {
            // What is cut is rounded from the number's value, not from what tells a Float apart.
            decimal = DecimalDigits(Double(number.magnitude))
            decimal.round(to: limit)
        }
        let sign = number.sign == .minus ? "-" : ""
        guard isScientific else {
            let (whole, fraction) = decimal.split(at: decimal.point)
            return (sign + whole, fraction, "")
        }
        let exponent = decimal.isZero ? 0 : decimal.point - 1
        let (whole, fraction) = decimal.split(at: 1)
        let size = exponent.magnitude
        return (sign + whole, fraction, "\(exponent < 0 ? "-" : "+")\(size < 10 ? "0" : "")\(size)")
    }
}

/// The fewest digits that tell a number from its neighbours, and where the point stands.
private struct DecimalDigits {
    /// Without zeros in front or behind; none for 0.
    private var digits: [UInt8]
    /// How many of the digits stand before the point; negative where zeros follow it.
    private(set) var point: Int

    var isZero: Bool { digits.isEmpty }
    var count: Int { digits.count }

    /// The digits of a finite number that is not negative.
    init<Scalar: TensorScalar>(_ number: Scalar) {
        // Swift's description: 12.5, 1e-05 or 1.25e+20.
        let halves = "\(number)".split(separator: "e")
        let mantissa = halves[0].split(separator: ".")
        digits = mantissa.joined().utf8.map { $0 - UInt8(ascii: "0") }
        point = mantissa[0].count + (halves.count > 1 ? Int(halves[1]) ?? 0 : 0)
        let zeros = digits.prefix { $0 == 0 }.count
        digits.removeFirst(zeros)
        point -= zeros
        trim()
    }

    /// Keeps so many digits, perhaps none; in the middle between two, the last one becomes even.
    mutating func round(to count: Int) {
        guard count < digits.count else { return }
        var goesUp = count >= 0 && digits[count] >= 5
        if goesUp, digits[count] == 5, digits.count == count + 1 {
            goesUp = count > 0 && digits[count - 1] % 2 == 1
        }
        digits.removeLast(digits.count - max(count, 0))
        if goesUp {
            while digits.last == 9 { digits.removeLast() }
            if let last = digits.popLast() {
                digits.append(last + 1)
            } else {
                digits = [1]
                point += 1
            }
        }
        trim()
    }

    private mutating func trim() {
        while digits.last == 0 { digits.removeLast() }
        if digits.isEmpty { point = 1 }
    }

    /// The digits before and behind a place, with the zeros that are missing.
    func split(at place: Int) -> (String, String) {
        let text = digits.map { "\($0)" }.joined()
        guard place > 0 else { return ("0", String(repeating: "0", count: -place) + text) }
        let whole = text.prefix(place)
        let zeros = String(repeating: "0", count: place - whole.count)
        return (whole + zeros, String(text.dropFirst(place)))
    }
}
