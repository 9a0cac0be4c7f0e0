// SPDX-License-Identifier: MIT
//
// What the server is told on its command line.

import Foundation

struct Settings {
    static let usage = """
        usage: ImageServer NETWORK [--address A] [--port N] [--batch N] [--wait MILLISECONDS]
                           [--queue N] [--connections N] [--body BYTES]
                           [--arrival SECONDS] [--answer SECONDS]
        """

    var network = ""
    /// Where to listen; port 0 is any that is free.
    var address = "127.0.0.1"
    var port = 8080
    /// Samples of a batch at most, how long the first waits for others, and how many may wait.
    var batch = 16
    var wait = 0
    var queue = 256
    /// Connections at once, and bytes of a body.
    var connections = 256
    var body = 8 << 20
    /// Seconds that a request may take to arrive, and then to be answered.
    var arrival = 10
    var answer = 10

    struct Mistake: Error, CustomStringConvertible { let description: String }

    init(_ arguments: [String]) throws {
        var rest = arguments[...]
        func number(_ name: String, _ range: ClosedRange<Int>) throws -> Int {
            let text = rest.popFirst() ?? "nothing"
            guard let value = Int(text), range.contains(value) else {
                throw Mistake(
                    description: "\(name) is \(text), expected \(range.lowerBound) to "
                        + "\(range.upperBound)")
            }
            return value
        }
        while let word = rest.popFirst() {
            switch word {
            case "--address": address = rest.popFirst() ?? ""
            case "--port": port = try number(word, 0...65_535)
            case "--batch": batch = try number(word, 1...1024)
            case "--wait": wait = try number(word, 0...60_000)
            case "--queue": queue = try number(word, 1...100_000)
            case "--connections": connections = try number(word, 1...10_000)
            case "--body": body = try number(word, 1...(1 << 28))
            case "--arrival": arrival = try number(word, 1...3600)
            case "--answer": answer = try number(word, 1...3600)
            case _ where !word.hasPrefix("-") && network.isEmpty: network = word
            default: throw Mistake(description: "\(word) is unexpected")
            }
        }
        guard !network.isEmpty else { throw Mistake(description: "no network, expected a file") }
    }
}
