// SPDX-License-Identifier: MIT
//
// What the process holds: memory, descriptors, threads; and whether that stays the same.

import Foundation

/// What the process holds at a moment.
struct Usage {
    /// Pages in memory, in bytes.
    let residentBytes: Int
    let descriptors: Int
    let threads: Int

    init() {
        let fields = Self.text(of: "/proc/self/statm").split(separator: " ")
        residentBytes = fields.count > 1 ? (Int(fields[1]) ?? 0) * Int(getpagesize()) : 0
        descriptors = Self.entries(of: "/proc/self/fd")
        threads = Self.entries(of: "/proc/self/task")
    }

    private static func text(of path: String) -> String {
        (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    }

    private static func entries(of path: String) -> Int {
        (try? FileManager.default.contentsOfDirectory(atPath: path).count) ?? 0
    }
}

/// The usage after each round, and what is allowed.
struct Record {
    /// How much the largest resident size may grow after the warm-up: 2 %, but at least 8 MB, as
    /// how many blocks of a size are in use at once depends on how tasks meet.
    static func allowance(_ bytes: Int) -> Int { max(bytes / 50, 8 << 20) }

    private(set) var rounds = 0
    private let seconds: Double
    private let start = ContinuousClock.now
    private var printed = 0.0
    private var warmUp: (bytes: Int, descriptors: Int, threads: Int)?
    private var largest: (bytes: Int, descriptors: Int, threads: Int) = (0, 0, 0)
    private var last: Usage?

    init(seconds: Double) { self.seconds = seconds }

    private var elapsed: Double { (ContinuousClock.now - start) / .seconds(1) }
    /// The rounds after which batch sizes have come in all their combinations.
    private static let cycle = 24

    /// Whether the time is over, and a cycle has followed the one to warm up.
    var isOver: Bool { elapsed >= seconds && rounds >= 2 * Self.cycle }

    mutating func add(_ usage: Usage) {
        rounds += 1
        last = usage
        largest = (
            max(largest.bytes, usage.residentBytes), max(largest.descriptors, usage.descriptors),
            max(largest.threads, usage.threads)
        )
        if warmUp == nil, elapsed >= seconds / 6, rounds >= Self.cycle {
            warmUp = largest
            print("  warmed up: what is largest from here on is compared with this")
            show(usage)
        } else if elapsed - printed >= min(60, seconds / 10) {
            show(usage)
        }
    }

    private mutating func show(_ usage: Usage) {
        printed = elapsed
        let numbers = [
            String(format: "%.2f", elapsed / 60), "\(rounds)",
            String(format: "%.1f", Double(usage.residentBytes) / 1e6),
            String(format: "%.1f", Double(largest.bytes) / 1e6), "\(usage.descriptors)",
            "\(usage.threads)",
        ]
        print(
            zip(numbers, [9, 10, 14, 13, 14, 10]).map { text, width in
                String(repeating: " ", count: max(width - text.count, 1)) + text
            }.joined())
        // Seen at once where the output is a file.
        fflush(nil)
    }

    /// Prints the verdict; true when nothing grew.
    mutating func report() -> Bool {
        if let last { show(last) }
        guard let warmUp else { return false }
        let growth = largest.bytes - warmUp.bytes
        let allowed = Self.allowance(warmUp.bytes)
        let checks = [
            (
                "resident memory grew by \(growth >> 10) KB, allowed are \(allowed >> 10) KB",
                growth <= allowed
            ),
            (
                "descriptors: \(warmUp.descriptors), then at most \(largest.descriptors)",
                largest.descriptors <= warmUp.descriptors
            ),
            (
                "threads: \(warmUp.threads), then at most \(largest.threads)",
                largest.threads <= warmUp.threads + 2
            ),
        ]
        for (text, isRight) in checks { print("\(isRight ? "passed" : "FAILED"): \(text)") }
        return checks.allSatisfy(\.1)
    }
}
