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
    /// How many are chosen, but need a file that is missing.
    private let withoutFile: Int

    /// Takes all cases that contain one of the filter's texts, or all with `--full` and for the
    /// guard, or those that don't need `--full`; with `--models` besides those that read a file
    /// there. Cases whose file is missing are only listed.
    ///
    /// - Throws: ``UsageError`` when no case contains a text, or all that do lack their file.
    init(
        _ options: Options, models: ModelFolder? = nil, all: [BenchmarkCase] = Cases.all
    ) throws(UsageError) {
        let texts = options.string("filter")?
            .split(separator: ",", omittingEmptySubsequences: false)
        if let texts, texts.contains("") {
            throw UsageError("--filter is \(texts.joined(separator: ",")): a text is empty")
        }
        for text in texts ?? [] where !all.contains(where: { $0.name.contains(text) }) {
            throw UsageError("--filter is \(text), which no case contains; --list shows them")
        }
        listed = all.filter { benchmark in
            texts.map { $0.contains { benchmark.name.contains($0) } } ?? true
        }
        // A baseline keeps what every case costs.
        let takesAll = ["filter", "full", "baseline", "save-baseline"].contains { options.has($0) }
        let files = Set(models?.names ?? [])
        func hasFile(_ benchmark: BenchmarkCase) -> Bool {
            benchmark.model.map(files.contains) ?? false
        }
        let available = listed.filter { !$0.needsModel || hasFile($0) }
        if available.isEmpty, let name = listed.first?.model {
            throw UsageError("\(listed[0].name) needs --models with a folder that has \(name).onnx")
        }
        let wantsModels = options.has("models")
        cases =
            takesAll
            ? available
            : available.filter { !$0.needsFull || wantsModels && hasFile($0) }
        leftOut = available.count - cases.count
        withoutFile = listed.count - available.count
    }

    /// Such as `44 of 70 cases (--full for all; 12 more with --models)`.
    var summary: String {
        let count = "\(cases.count) \(cases.count == 1 ? "case" : "cases")"
        let files = withoutFile == 0 ? [] : ["\(withoutFile) more with --models"]
        let notes = (leftOut == 0 ? [] : ["--full for all"]) + files
        guard !notes.isEmpty else { return count }
        let all = cases.count + leftOut
        return (leftOut == 0 ? count : "\(cases.count) of \(all) cases")
            + " (\(notes.joined(separator: "; ")))"
    }

    /// One line per case. Programs get the names alone.
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
            let option =
                benchmark.needsModel
                ? "  with --models" : benchmark.needsFull ? "  with --full" : ""
            lines.append(
                option.isEmpty
                    ? columns : columns.padded(to: nameWidth + 2 + sizesWidth) + option)
        }
        return lines.joined(separator: "\n")
    }
}
