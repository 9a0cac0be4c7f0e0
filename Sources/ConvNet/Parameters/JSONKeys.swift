// SPDX-License-Identifier: MIT
//
// JSON parsers keep one of two values with the same key and say nothing. In a file of parameters that
// would hide half of it, so the keys are looked through before the parser sees them.

import Foundation

enum JSONKeys {
    /// The first key that comes twice in the outermost object or in one directly inside it, or nil:
    /// a safetensors header has no deeper ones. The text must be JSON; where it is not, the parser
    /// will say so.
    static func firstDuplicate(in json: Data) -> String? {
        var seen: [Set<String>] = [[], []]
        var depth = 0
        var expectsKey = false
        var index = json.startIndex
        while index < json.endIndex {
            switch json[index] {
            case UInt8(ascii: "{"):
                depth += 1
                expectsKey = depth <= 2
                if expectsKey { seen[depth - 1] = [] }
            case UInt8(ascii: "["):
                depth += 1
                expectsKey = false
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                // More closing than opening: no JSON.
                guard depth > 0 else { return nil }
                depth -= 1
            case UInt8(ascii: ","):
                expectsKey = depth == 1 || depth == 2
            case UInt8(ascii: "\""):
                let end = endOfString(in: json, from: index)
                if expectsKey, depth > 0 {
                    let literal = json[index..<end]
                    // Decoded, so that "a" and "\u0061" are the same key.
                    let key =
                        (try? JSONDecoder().decode(String.self, from: Data(literal)))
                        ?? String(decoding: literal, as: UTF8.self)
                    if !seen[depth - 1].insert(key).inserted { return key }
                    expectsKey = false
                }
                index = end
                continue
            default: break
            }
            index += 1
        }
        return nil
    }

    /// One past the closing quote of the string that starts at an opening one.
    private static func endOfString(in json: Data, from start: Int) -> Int {
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
