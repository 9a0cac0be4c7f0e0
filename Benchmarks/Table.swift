// SPDX-License-Identifier: MIT
//
// The table for people, part by part, so that it can be printed as it grows.

import ConvNetOptions
import Foundation

/// The table of some cases.
struct Table {
    private let machine: Machine
    private let peers: [String]
    private let nameWidth, sizesWidth: Int

    /// A later round's time is reported where it is shorter than the printed one by this share.
    private static let noticeable = 0.05

    init(_ cases: [BenchmarkCase], _ machine: Machine, peers: [String] = []) {
        self.machine = machine
        self.peers = peers
        nameWidth = cases.map(\.name.count).max() ?? 0
        sizesWidth = cases.map(\.sizes.count).max() ?? 0
    }

    /// What is measured, on what, and what the columns are: before the first row.
    ///
    /// - Parameter cases: such as `44 of 70 cases`.
    func head(_ cases: String, checks: Bool) -> String {
        let threads = machine.threads == 1 ? "1 thread" : "\(machine.threads) threads"
        let processors =
            machine.processors == 1 ? "1 processor" : "\(machine.processors) processors"
        let memory = Self.fixed(Double(machine.memory) / Double(1 << 30), 1)
        return """
            swift-convnet \(PackageVersion.current), \(cases)
            \(machine.processor), \(machine.instructionSet) (\(machine.productKernel)), \
            \(threads)\(SerialNote.text), \(processors), \(memory) GiB of memory
            peak \(Self.fixed(machine.peakOperations / 1e9, 1)) GFLOP/s, \
            copy \(Self.fixed(machine.bandwidth / 1e9, 1)) GB/s, both measured now

            \(Self.legend(checks: checks, threads))
            """
    }

    private static func legend(checks: Bool, _ threads: String) -> String {
        let share = """
            of peak: of the GFLOP/s above, or of the copy's GB/s where the work is moving data; \
            beyond 100 % where a
              shorter way multiplies less, or the data stays in the caches.
            """
        guard checks else { return "ours ms: the fastest of several runs on \(threads).\n" + share }
        return """
            Each row compares our C kernels with the same calculation in plain Swift, number by \
            number, then times both.
            ours ms: the fastest of several runs on \(threads). Swift ms: on one thread; ~ for a part, \
            scaled up.
            error, allowed: of the number that comes closest to what rounding may do; 0 where all must \
            be equal.
            \(share)
            """
    }

    /// The line before a group's first row, and the names of its columns.
    func groupHead(_ result: Result) -> String {
        let columns = [
            "case".padded(to: nameWidth), "  ", "sizes".padded(to: sizesWidth),
            "ours ms".leftPadded(to: 9), "Swift ms".leftPadded(to: 10),
            "faster".leftPadded(to: 8),
            (result.work.isRatedInBytes ? "GB/s" : "GFLOP/s").leftPadded(to: 9),
            "of peak".leftPadded(to: 9), "error".leftPadded(to: 9), "allowed".leftPadded(to: 9),
        ]
        let title = CaseGroup(of: result.name).map { "\n" + $0.title } ?? ""
        let names = columns.joined() + peers.map { $0.leftPadded(to: 9) }.joined()
        return title + "\n" + names
    }

    /// A case's row.
    func row(_ result: Result) -> String {
        let reference =
            result.reference.map { (result.isScaled ? "~" : "") + Self.milliseconds($0) } ?? "-"
        let speedup = result.speedup.map { Self.fixed($0, $0 < 99.95 ? 1 : 0) + "×" } ?? "-"
        let count = result.work.isRatedInBytes ? result.work.byteCount : result.work.operationCount
        let columns = [
            result.name.padded(to: nameWidth), "  ", result.sizes.padded(to: sizesWidth),
            Self.milliseconds(result.best).leftPadded(to: 9), reference.leftPadded(to: 10),
            speedup.leftPadded(to: 8), Self.fixed(count / result.best / 1e9, 1).leftPadded(to: 9),
            (Self.fixed(result.share(of: machine) * 100, 0) + " %").leftPadded(to: 9),
            (result.check.map { Self.scientific($0.maxError) } ?? "-").leftPadded(to: 9),
            (result.check.map { Self.scientific($0.errorBound) } ?? "-").leftPadded(to: 9),
        ]
        let ratios = peers.map {
            (result.ratio(to: $0).map { Self.fixed($0, 2) + "×" } ?? "-").leftPadded(to: 9)
        }
        return (columns + ratios + ["  " + result.verdict.rawValue]).joined()
    }

    /// The rows whose time became shorter in later rounds; nil where none did noticeably.
    func later(_ results: [Result], printed: [Result]) -> String? {
        let times = Dictionary(printed.map { ($0.name, $0.best) }) { first, _ in first }
        let changed = results.filter { result in
            times[result.name].map { result.best < $0 * (1 - Self.noticeable) } ?? false
        }
        guard !changed.isEmpty else { return nil }
        let rest = results.count - changed.count
        let others =
            rest == 0
            ? "all" : "\(changed.count) of \(results.count); the others stay as they stand above"
        return "\nFaster in later rounds: \(others)." + rows(changed)
    }

    /// Rows with the heads of their groups.
    private func rows(_ results: [Result]) -> String {
        var (text, group) = ("", CaseGroup?.none)
        for (place, result) in results.enumerated() {
            if place == 0 || CaseGroup(of: result.name) != group {
                text += "\n" + groupHead(result)
                group = CaseGroup(of: result.name)
            }
            text += "\n" + row(result)
        }
        return text
    }

    static func fixed(_ value: Double, _ digits: Int) -> String {
        String(format: "%.\(digits)f", value)
    }

    /// Seconds in milliseconds, with about four digits.
    private static func milliseconds(_ seconds: Double) -> String {
        let number = seconds * 1e3
        let digits = number < 1 ? 4 : number < 10 ? 3 : number < 100 ? 2 : number < 1000 ? 1 : 0
        return fixed(number, digits)
    }

    static func scientific(_ value: Double) -> String {
        value == 0 ? "0" : String(format: "%.1e", value)
    }
}

extension String {
    func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(width - count, 0))
    }

    fileprivate func leftPadded(to width: Int) -> String {
        String(repeating: " ", count: max(width - count, 0)) + self
    }
}
