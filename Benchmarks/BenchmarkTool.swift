// SPDX-License-Identifier: MIT
//
// The command: options, cases, report, exit status.

import ConvNetOptions
import Foundation

enum BenchmarkTool {
    private static let declared = [
        Option("filter", "TEXT,…", "Only cases whose name contains one of the texts, of all."),
        Option("full", "Every case, and larger parts of each checked: a quarter of an hour."),
        Option(
            "models", "FOLDER",
            "Read networks from FOLDER/NAME.onnx, check them by NAME.input.npy, NAME.output.npy."),
        Option(
            "threads", "N",
            "The most threads to use; as many as there are processors, or 1 with a baseline."),
        Option("quick", "Shorter runs, smaller parts checked: a minute, or three with --full."),
        Option("json", "FILE", "Write the figures to FILE."),
        Option("plot", "FILE", "Draw a roofline and bars of speed-ups (.png or .svg)."),
        Option("compare", "LIST", "Time openblas, blis or both alternately with ours."),
        Option("list", "Show all cases: their names, and on a terminal what they are."),
        Option("save-baseline", "FILE", "Keep the figures in FILE, for --baseline."),
        Option("baseline", "FILE", "Fail where a case is slower than in FILE."),
        Option("tolerance", "R", "With --baseline: by more than this share; 0.05."),
        Option("native-only", "Leave out the reference: time only, rows are unchecked."),
        Option("version", "Show the version."),
        .help,
    ]

    /// Runs the benchmark.
    ///
    /// - Returns: the exit status.
    /// - Throws: ``UsageError`` when it was called wrongly.
    static func run(_ arguments: [String]) throws -> Int32 {
        let options = try Options(arguments, declared: declared)
        if let operand = options.operands.first {
            throw UsageError("\(operand) is unexpected; --help lists the options")
        }
        if options.has("help") {
            print(help)
            return 0
        }
        if options.has("version") {
            print("Benchmarks \(PackageVersion.current)")
            return 0
        }
        let models = try ModelFolder(options)
        let all = try Cases.all + (models.map(ModelCases.others) ?? [])
        let selection = try CaseSelection(options, models: models, all: all)
        if options.has("list") {
            print(selection.list(isForPeople: isatty(STDOUT_FILENO) == 1))
            return 0
        }
        StopSignals.watch(answering: true)
        return try BenchmarkRun(options, selection, models, stop: StopSignals.request).status()
    }

    private static var help: String {
        """
        Checks every kernel against the reference in plain Swift and times both.

        Usage: Benchmarks [OPTION…]

        \(Options.help(for: declared))

        Each case is compared with the reference first, element by element, each with its own bound;
        then timed. Its row is printed at once; further rounds over all cases follow, and what they
        find faster is told at the end. The peak is measured in the same run. With --compare, a column
        a library shows its time divided by ours. Ctrl-C ends with the rows so far.
        Example: swift run Benchmarks --filter conv.forward --quick
        Exit status: 0 all right, 1 a row failed or regressed, 2 called wrongly, or with a baseline that
        can't be compared, 130 or 143 ended by Ctrl-C or SIGTERM.
        """
    }
}
