// SPDX-License-Identifier: MIT
//
// JSON parsers keep one of two values with the same key and say nothing. In a file of parameters that
// would hide half of it, so the keys are looked through before the parser sees them.

import Foundation

/// The keys of a JSON text, object by object.
struct JSONKeys {
    /// The deepest objects that are looked through; no format of this package has deeper ones.
    private static let largestDepth = 8

    private let json: Data
    /// The keys so far of each open object; nil for an array.
    private var open: [Set<String>?] = []
    /// How many objects and arrays are open beyond ``largestDepth``.
    private var deeper = 0
    private var expectsKey = false

    /// The first key that comes twice in one object, or nil. The text must be JSON; where it is not,
    /// the parser will say so.
    static func firstDuplicate(in json: Data) -> String? {
        var keys = JSONKeys(json: json)
        return keys.firstDuplicate()
    }

    private init(json: Data) { self.json = json }

    private mutating func firstDuplicate() -> String? {
        var index = json.startIndex
        while index < json.endIndex {
            switch json[index] {
            case UInt8(ascii: "{"): enter([])
            case UInt8(ascii: "["): enter(nil)
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                // More closing than opening: no JSON.
                guard leave() else { return nil }
            case UInt8(ascii: ","): expectsKey = isInObject
            case UInt8(ascii: "\""):
                let end = endOfString(from: index)
                if expectsKey {
                    expectsKey = false
                    if let key = duplicate(json[index..<end]) { return key }
                }
                index = end
                continue
            default: break
            }
            index += 1
        }
        return nil
    }

    private var isInObject: Bool {
        guard deeper == 0, let last = open.last else { return false }
        return last != nil
    }

    private mutating func enter(_ keys: Set<String>?) {
        if open.count < Self.largestDepth {
            open.append(keys)
        } else {
            deeper += 1
        }
        expectsKey = isInObject
    }

    private mutating func leave() -> Bool {
        expectsKey = false
        if deeper > 0 {
            deeper -= 1
            return true
        }
        return open.popLast() != nil
    }

    /// The key that a literal stands for, if the innermost object has it already.
    private mutating func duplicate(_ literal: Data) -> String? {
        // Without its quotes. They are bytes here: as a character, one may be more than a quote.
        var key = String(decoding: literal.dropFirst().dropLast(), as: UTF8.self)
        // Decoded, so that "a" and "\u0061" are the same key.
        if literal.contains(UInt8(ascii: "\\")),
            let decoded = try? JSONDecoder().decode(String.self, from: Data(literal))
        {
            key = decoded
        }
        let isNew = open[open.count - 1]?.insert(key).inserted ?? true
        return isNew ? nil : key
    }

    /// One past the closing quote of the string that starts at an opening one.
    private func endOfString(from start: Int) -> Int {
        var index = start + 1
        while index < json.endIndex {
            if json[index] == UInt8(ascii: "\\") {
                index += 2
            } else if json[index] == UInt8(ascii: "\"") {
                return index + 1
            } else {
                index += 1
            }
        }
        return json.endIndex
    }
}
