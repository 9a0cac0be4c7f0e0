// SPDX-License-Identifier: MIT
//
// A reader of JSON that asks for what it expects, value by value. Foundation's decoder takes ten
// times the memory of a text and silently keeps one of two values with the same key; headers of
// untrusted files are read by this one.

/// Reads JSON (RFC 8259) in UTF-8 from its beginning to its end.
struct JSONReader {
    /// The text is not what was asked for.
    struct Unreadable: Error {}
    /// Arrays and objects lie deeper in one another than in any format of this package.
    struct TooDeep: Error {}

    private let text: [UInt8]
    private(set) var position = 0

    init(_ text: [UInt8]) { self.text = text }

    /// Fails unless nothing but space is left.
    mutating func end() throws(Unreadable) {
        skipSpace()
        guard position == text.count else { throw Unreadable() }
    }

    /// An object: `body` reads the value of each key.
    mutating func object<Failure: Error>(
        _ body: (inout JSONReader, _ key: String) throws(Failure) -> Void
    ) throws {
        try expect("{")
        if take("}") { return }
        repeat {
            let key = try string()
            try expect(":")
            try body(&self, key)
        } while take(",")
        try expect("}")
    }

    /// Goes past any value.
    ///
    /// - Parameters:
    ///   - depth: how deep arrays and objects may lie in one another.
    ///   - didFindDuplicate: called with each key that its object has already.
    mutating func skipValue(
        depth: Int, didFindDuplicate: (_ key: String) -> Void
    ) throws {
        guard depth > 0 else { throw TooDeep() }
        skipSpace()
        guard position < text.count else { throw Unreadable() }
        switch text[position] {
        case UInt8(ascii: "{"):
            var keys: Set<String> = []
            try object { reader, key in
                if !keys.insert(key).inserted { didFindDuplicate(key) }
                try reader.skipValue(depth: depth - 1, didFindDuplicate: didFindDuplicate)
            }
        case UInt8(ascii: "["):
            position += 1
            if take("]") { return }
            repeat {
                try skipValue(depth: depth - 1, didFindDuplicate: didFindDuplicate)
            } while take(",")
            try expect("]")
        case UInt8(ascii: "\""): _ = try string()
        default:
            // A number or a word. Decoding the text will show whether it is one.
            let start = position
            while position < text.count, Self.isOfWord(text[position]) { position += 1 }
            guard position > start else { throw Unreadable() }
        }
    }

    private static func isOfWord(_ byte: UInt8) -> Bool {
        switch Unicode.Scalar(byte) {
        case "a"..."z", "A"..."Z", "0"..."9", "+", "-", ".": true
        default: false
        }
    }

    /// An array of whole numbers, as long as `most` at most.
    mutating func integers(atMost most: Int) throws(Unreadable) -> [Int] {
        try expect("[")
        if take("]") { return [] }
        var numbers: [Int] = []
        repeat {
            guard numbers.count < most else { throw Unreadable() }
            numbers.append(try integer())
        } while take(",")
        try expect("]")
        return numbers
    }

    private mutating func integer() throws(Unreadable) -> Int {
        skipSpace()
        let start = position
        if position < text.count, text[position] == UInt8(ascii: "-") { position += 1 }
        let digits = position
        while position < text.count, (UInt8(ascii: "0")...UInt8(ascii: "9")) ~= text[position] {
            position += 1
        }
        // JSON has no number with a zero before another digit.
        guard digits < position, text[digits] != UInt8(ascii: "0") || position == digits + 1,
            let number = Int(String(decoding: text[start..<position], as: UTF8.self))
        else { throw Unreadable() }
        return number
    }

    /// Goes past `null`, if it comes next.
    mutating func null() -> Bool {
        skipSpace()
        guard text[position...].starts(with: "null".utf8) else { return false }
        position += 4
        return true
    }

    /// A text.
    mutating func string() throws(Unreadable) -> String {
        try expect("\"")
        let start = position
        while position < text.count {
            let byte = text[position]
            if byte == UInt8(ascii: "\\") { return try escapedString(from: start) }
            if byte == UInt8(ascii: "\"") { return try validated(text[start..<position]) }
            guard byte >= 0x20 else { throw Unreadable() }
            position += 1
        }
        throw Unreadable()
    }

    private mutating func validated(
        _ bytes: some Collection<UInt8>
    ) throws(Unreadable) -> String {
        guard let string = String(validating: bytes, as: UTF8.self) else { throw Unreadable() }
        position += 1
        return string
    }

    /// A text with escapes, from its beginning on.
    private mutating func escapedString(from start: Int) throws(Unreadable) -> String {
        var bytes = Array(text[start..<position])
        while position < text.count {
            let byte = text[position]
            if byte == UInt8(ascii: "\"") { return try validated(bytes) }
            guard byte >= 0x20 else { throw Unreadable() }
            position += 1
            if byte == UInt8(ascii: "\\") {
                bytes += try String(escape()).utf8
            } else {
                bytes.append(byte)
            }
        }
        throw Unreadable()
    }

    /// What follows a backslash.
    private mutating func escape() throws(Unreadable) -> Character {
        let simple: [Unicode.Scalar: Character] = [
            "\"": "\"", "\\": "\\", "/": "/", "b": "\u{8}", "f": "\u{C}", "n": "\n", "r": "\r",
            "t": "\t",
        ]
        guard position < text.count else { throw Unreadable() }
        let letter = Unicode.Scalar(text[position])
        position += 1
        if letter == "u" { return Character(try unicodeScalar()) }
        guard let character = simple[letter] else { throw Unreadable() }
        return character
    }

    /// Four hexadecimal digits, or two times four for what lies beyond 16 bits.
    private mutating func unicodeScalar() throws(Unreadable) -> Unicode.Scalar {
        let first = try codeUnit()
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard text[position...].starts(with: "\\u".utf8) else { throw Unreadable() }
        position += 2
        let units = [UInt16(first), UInt16(try codeUnit())]
        guard let pair = String(validating: units, as: UTF16.self)?.unicodeScalars.first else {
            throw Unreadable()
        }
        return pair
    }

    private mutating func codeUnit() throws(Unreadable) -> UInt32 {
        let digits = text[position...].prefix(4)
        guard digits.count == 4,
            digits.allSatisfy({ Unicode.Scalar($0).properties.isASCIIHexDigit }),
            let unit = UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
        else { throw Unreadable() }
        position += 4
        return unit
    }

    /// Goes past a character, if it comes next after space.
    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        guard position < text.count, text[position] == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func expect(_ character: Unicode.Scalar) throws(Unreadable) {
        guard take(character) else { throw Unreadable() }
    }

    private mutating func skipSpace() {
        while position < text.count {
            let byte = text[position]
            guard byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D else { return }
            position += 1
        }
    }
}
