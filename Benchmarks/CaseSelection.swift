// SPDX-License-Identifier: MIT
//
// Which cases a call measures.

import ConvNetOptions

struct CaseSelection {
    /// The cases to measure, in the table's order.
    let cases: [BenchmarkCase]
    /// The cases to list: all that the filter leaves.
    private let listed: [BenchmarkCase]
    /// How many more there are with `--full`; 0 where cases were chosen by name.
    let leftOut: Int

    /// Takes all cases that contain the filter's text, or all with `--full` and for the guard, or
    /// those that don't need `--full`.
    ///
    /// - Throws: ``UsageError`` when no case contains the text.
    init(_ options: Options, all: [BenchmarkCase] = Cases.all) throws(UsageError) {
        let filter = options.string("filter")
        listed = filter.map { text in all.filter { $0.name.contains(text) } } ?? all
        if let filter, listed.isEmpty {
            throw UsageError("--filter is \(filter), which no case contains; --list shows them")
        }
        // A baseline keeps what every case costs.
        let takesAll = ["filter", "full", "baseline", "save-baseline"].contains { options.has($0) }
        cases = takesAll ? listed : all.filter { !$0.needsFull }
        leftOut = listed.count - cases.count
    }

    /// Such as `44 of 70 cases (--full measures all)`.
    var summary: String {
        let count = "\(cases.count) \(cases.count == 1 ? "case" : "cases")"
        return leftOut == 0 ? count : "\(cases.count) of \(listed.count) cases (--full for all)"
    }

    /// A line a case. Programs get the names alone.
    func list(isForPeople: Bool) -> String {
        guard isForPeople else { return listed.map(\.name).joined(separator: "\n") }
        let nameWidth = listed.map(\.name.count).max() ?? 0
        let sizesWidth = listed.map(\.sizes.count).max() ?? 0
        var (lines, group) = ([String](), CaseGroup?.none)
        for benchmark in listed {
            if let new = CaseGroup(of: benchmark.name), new != group {
                lines += (lines.isEmpty ? [] : [""]) + [new.title]
                group = new
            }
            let columns = "\(benchmark.name.padded(to: nameWidth))  \(benchmark.sizes)"
            lines.append(
                benchmark.needsFull
                    ? columns.padded(to: nameWidth + 2 + sizesWidth) + "  with --full" : columns)
        }
        return lines.joined(separator: "\n")
    }
}
