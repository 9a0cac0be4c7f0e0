// SPDX-License-Identifier: MIT
//
// The header of an `.npy` file: a magic number, a version, a length, and a Python dictionary such
// as `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`.
// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html

import ConvNetSupport

/// What an `.npy` file says about its array.
struct NumPyHeader {
    /// The type's kind and size, such as `f4`.
    private(set) var type = ""
    private(set) var isBigEndian = false
    /// Whether the first axis runs fastest, not the last.
    private(set) var isFortranOrder = false
    private(set) var shape: [Int] = []
    /// Where the numbers begin.
    let byteCount: Int

    /// The longest dictionary that is read; NumPy's are some hundred bytes.
    static let largestByteCount = 1 << 16
    /// The most axes that an array may have, as in NumPy itself.
    static let largestAxisCount = 64

    /// Reads the header of a file.
    ///
    /// - Parameters:
    ///   - bytes: the whole file.
    ///   - file: its name, for errors.
    init(_ bytes: [UInt8], file: String) throws(FileError) {
        func fail(_ problem: String, expected: String) -> FileError {
            FileError(file: file, problem: problem, expected: expected)
        }
        guard bytes.starts(with: [0x93] + Array("NUMPY".utf8)), bytes.count >= 8 else {
            throw fail("does not begin as an .npy file", expected: "\\x93NUMPY and a version")
        }
        let version = bytes[6]
        guard (1...3).contains(version), bytes[7] == 0 else {
            throw fail("format \(version).\(bytes[7])", expected: "1.0, 2.0 or 3.0")
        }
        let start = version == 1 ? 10 : 12
        guard bytes.count >= start else {
            throw fail("ends within its header", expected: "a length after the version")
        }
        let length = bytes[8..<start].reversed().reduce(0) { $0 << 8 | Int($1) }
        guard length <= min(Self.largestByteCount, bytes.count - start) else {
            throw fail(
                "header of \(length) bytes",
                expected: "at most the \(bytes.count - start) that follow and "
                    + "\(Self.largestByteCount)")
        }
        byteCount = start + length
        var literal = PythonLiteral(bytes[start..<byteCount])
        do throws(PythonLiteral.Unreadable) {
            try readDictionary(&literal)
        } catch {
            throw fail("header with \(error.reason)", expected: "descr, fortran_order and shape")
        }
    }

    private mutating func readDictionary(
        _ literal: inout PythonLiteral
    ) throws(PythonLiteral.Unreadable) {
        var missing: Set = ["descr", "fortran_order", "shape"]
        try literal.expect("{")
        while !literal.take("}") {
            let key = try literal.string()
            guard missing.remove(key) != nil else {
                throw literal.unreadable("\(key), unknown or twice")
            }
            try literal.expect(":")
            switch key {
            case "descr": try readType(&literal)
            case "fortran_order": isFortranOrder = try literal.truth()
            default: shape = try literal.tuple()
            }
            guard literal.take(",") || literal.isAt("}") else {
                throw literal.unreadable("no comma after \(key)")
            }
        }
        if let key = missing.min() { throw literal.unreadable("no \(key)") }
        guard literal.isAtEnd else { throw literal.unreadable("text after the dictionary") }
    }

    private mutating func readType(
        _ literal: inout PythonLiteral
    ) throws(PythonLiteral.Unreadable) {
        // A list describes records of several fields.
        guard !literal.isAt("[") else { throw literal.unreadable("records") }
        let text = try literal.string()
        guard let order = text.first, "<>|=".contains(order) else {
            throw literal.unreadable("type \(text) without a byte order")
        }
        type = String(text.dropFirst())
        isBigEndian = order == ">"
    }
}

/// A reader of the few Python literals that stand in such headers.
struct PythonLiteral {
    /// What could not be read.
    struct Unreadable: Error {
        let reason: String
    }

    private let text: [UInt8]
    private var position = 0

    init(_ text: some Sequence<UInt8>) { self.text = Array(text) }

    func unreadable(_ reason: String) -> Unreadable { Unreadable(reason: reason) }

    /// Whether nothing but space is left.
    var isAtEnd: Bool { text[position...].allSatisfy(Self.isSpace) }

    /// Whether a character comes next, after space.
    mutating func isAt(_ character: Unicode.Scalar) -> Bool {
        while position < text.count, Self.isSpace(text[position]) { position += 1 }
        return position < text.count && text[position] == UInt8(ascii: character)
    }

    /// Goes past a character, if it comes next.
    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard isAt(character) else { return false }
        position += 1
        return true
    }

    mutating func expect(_ character: Unicode.Scalar) throws(Unreadable) {
        guard take(character) else { throw unreadable("no \(character) at byte \(position)") }
    }

    /// A text in quotes of either kind, without escapes.
    mutating func string() throws(Unreadable) -> String {
        let quote: Unicode.Scalar = isAt("\"") ? "\"" : "'"
        try expect(quote)
        let rest = text[position...]
        guard let end = rest.firstIndex(of: UInt8(ascii: quote)),
            !rest[..<end].contains(UInt8(ascii: "\\"))
        else { throw unreadable("an unreadable text at byte \(position)") }
        position = end + 1
        return String(decoding: rest[..<end], as: UTF8.self)
    }

    /// True or False.
    mutating func truth() throws(Unreadable) -> Bool {
        for (word, value) in [("True", true), ("False", false)] {
            _ = isAt("T")
            if text[position...].starts(with: word.utf8) {
                position += word.utf8.count
                return value
            }
        }
        throw unreadable("neither True nor False at byte \(position)")
    }

    /// Whole numbers from 0 in a tuple.
    mutating func tuple() throws(Unreadable) -> [Int] {
        var numbers: [Int] = []
        try expect("(")
        while !take(")") {
            guard numbers.count < NumPyHeader.largestAxisCount else {
                throw unreadable("more than \(NumPyHeader.largestAxisCount) axes")
            }
            numbers.append(try number())
            guard take(",") || isAt(")") else {
                throw unreadable("no comma at byte \(position)")
            }
        }
        return numbers
    }

    private mutating func number() throws(Unreadable) -> Int {
        // Skips space.
        _ = isAt("0")
        let digits = text[position...].prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")) ~= $0 }
        guard let number = Int(String(decoding: digits, as: UTF8.self)) else {
            throw unreadable("no number that fits in 63 bits at byte \(position)")
        }
        position = digits.endIndex
        // Python 2 wrote an L after long ones.
        _ = take("L")
        return number
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        [UInt8(ascii: " "), UInt8(ascii: "\n"), UInt8(ascii: "\t"), UInt8(ascii: "\r")]
            .contains(byte)
    }
}
