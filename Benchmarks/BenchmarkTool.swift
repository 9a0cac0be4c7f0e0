// SPDX-License-Identifier: MIT
//
// The command: options, cases, report, exit status.

import ConvNetOptions
import Foundation

enum BenchmarkTool {
    private static let declared = [
        Option("filter", "TEXT", "Only cases whose name contains TEXT."),
        Option(
            "threads", "N",
            "The most threads to use; as many as there are processors, or 1 with a baseline."),
        Option("quick", "Fewer and shorter runs: all cases in less than three minutes."),
        Option("json", "FILE", "Write the figures to FILE."),
        Option("plot", "FILE", "Draw a roofline and bars of speed-ups (.png or .svg)."),
        Option("compare", "LIST", "Time openblas, blis or both alternately with ours."),
        Option("list", "Show the cases' names."),
        Option("save-baseline", "FILE", "Keep the figures in FILE, for --baseline."),
        Option("baseline", "FILE", "Fail where a case is slower than in FILE."),
        Option("tolerance", "R", "With --baseline: by more than this share; 0.05."),
        Option("native-only", "Leave out the reference: time only, rows are unchecked."),
        Option("version", "Show the version."),
        .help,
    ]

    /// Runs the benchmark.
    ///
    /// - Returns: whether every checked row is right and none regressed.
    /// - Throws: ``UsageError`` when it was called wrongly.
    static func run(_ arguments: [String]) throws -> Bool {
        let options = try Options(arguments, declared: declared)
        if let operand = options.operands.first {
            throw UsageError("\(operand) is unexpected; --help lists the options")
        }
        if options.has("help") {
            print(help)
            return true
        }
        if options.has("version") {
            print("Benchmarks \(PackageVersion.current)")
            return true
        }
        let cases = try selected(options.string("filter"))
        if options.has("list") {
            print(cases.map(\.name).joined(separator: "\n"))
            return true
        }
        return try BenchmarkRun(options, cases: cases).passed()
    }

    /// Shows what is being measured, on a terminal only.
    static func showProgress(_ text: String) {
        guard isatty(STDERR_FILENO) == 1 else { return }
        FileHandle.standardError.write(Data("\r\(text)\u{1B}[K".utf8))
    }

    private static func selected(_ filter: String?) throws(UsageError) -> [BenchmarkCase] {
        guard let filter else { return Cases.all }
        let cases = Cases.all.filter { $0.name.contains(filter) }
        guard !cases.isEmpty else {
            throw UsageError("--filter is \(filter), which no case contains; --list shows them")
        }
        return cases
    }

    private static var help: String {
        """
        Checks every kernel against the reference in plain Swift and times both.

        Usage: Benchmarks [OPTION…]

        \(Options.help(for: declared))

        Each case is compared with the reference first, element by element, each with its own bound;
        then timed, in rounds over all cases. The peak is measured in the same run. With --compare, a
        column a library shows its time divided by ours.
        Example: swift run Benchmarks --filter conv.forward --quick
        Exit status: 0 all right, 1 a row failed or regressed, 2 called wrongly, or with a baseline that
        can't be compared.
        """
    }
}
