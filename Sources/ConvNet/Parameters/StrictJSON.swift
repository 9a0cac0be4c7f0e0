// SPDX-License-Identifier: MIT
//
// What Foundation's decoder lets pass and a file from a stranger must not have: texts of any length,
// in UTF-16 or UTF-32 where a few zero bytes say so, and keys that come twice.

import Foundation

/// Looks a JSON text through before Foundation decodes it.
enum StrictJSON {
    /// Why a text is not decoded.
    struct Refusal: Error, CustomStringConvertible {
        /// What was found and what was expected, without a subject.
        let description: String
    }

    /// Fails unless the text is short enough, is UTF-8 and has no key twice in one object.
    static func check(_ json: Data, limit: Int) throws(Refusal) {
        guard json.count <= limit else {
            throw Refusal(description: "has \(json.count) bytes, expected at most \(limit)")
        }
        // Zero bytes are what the decoder takes for another encoding; JSON has none.
        guard !json.contains(0), String(validating: json, as: UTF8.self) != nil else {
            throw Refusal(description: "is not text in UTF-8")
        }
        if let duplicate = JSONKeys.firstDuplicate(in: json) {
            throw Refusal(description: "has \(duplicate) twice in one object, expected once")
        }
    }
}
