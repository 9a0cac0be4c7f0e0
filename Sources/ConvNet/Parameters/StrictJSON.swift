// SPDX-License-Identifier: MIT
//
// What Foundation's decoder accepts and an untrusted file must not have: texts of any length, in
// UTF-16 or UTF-32 where a few zero bytes say so, and keys that come twice, of which it keeps one
// without a word.

import Foundation

/// Looks a JSON text through before Foundation decodes it.
enum StrictJSON {
    /// Why a text is not decoded.
    struct Refusal: Error, CustomStringConvertible {
        /// What was found and what was expected, without a subject.
        let description: String
    }

    /// How deep arrays and objects may lie in one another; those of this package's
    /// formats lie 5 deep.
    private static let largestDepth = 64

    /// Fails unless the text is short enough, is UTF-8 and has no key twice in one object.
    static func check(_ json: Data, limit: Int) throws(Refusal) {
        guard json.count <= limit else {
            throw Refusal(description: "has \(json.count) bytes, expected at most \(limit)")
        }
        // Zero bytes are what the decoder takes for another encoding; JSON has none.
        guard !json.contains(0), String(validating: json, as: UTF8.self) != nil else {
            throw Refusal(description: "is not text in UTF-8")
        }
        var reader = JSONReader(Array(json))
        var duplicate: String?
        do {
            try reader.skipValue(depth: largestDepth) { duplicate = duplicate ?? $0 }
        } catch is JSONReader.TooDeep {
            throw Refusal(
                description: "has more than \(largestDepth) arrays and objects in one another, "
                    + "expected fewer")
        } catch {
            // No JSON: the decoder has more to say about it.
        }
        if let duplicate {
            throw Refusal(description: "has \(duplicate) twice in one object, expected once")
        }
    }
}
