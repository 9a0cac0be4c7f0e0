// SPDX-License-Identifier: MIT
//
// What goes back to a client.

import Foundation

/// An answer to a request.
struct Answer: Sendable {
    var status = 200
    var type = "text/plain; charset=utf-8"
    var headers: [String: String] = [:]
    var body: Data

    /// A line that says what is wrong, as JSON.
    static func failure(
        _ status: Int, _ message: String, headers: [String: String] = [:]
    ) -> Answer {
        json(["error": message], status: status, headers: headers)
    }

    static func json(
        _ value: some Encodable, status: Int = 200, headers: [String: String] = [:]
    ) -> Answer {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var body = (try? encoder.encode(value)) ?? Data("{}".utf8)
        body.append(UInt8(ascii: "\n"))
        return Answer(status: status, type: "application/json", headers: headers, body: body)
    }

    static func tooLarge(_ limit: Int) -> Answer {
        .failure(413, "the body is too large, expected at most \(limit) bytes")
    }

    /// Later, another try may have more luck.
    static func busy(_ message: String) -> Answer {
        .failure(503, message, headers: ["Retry-After": "1"])
    }
}
