// SPDX-License-Identifier: MIT
//
// The command: options, cases, report, exit status.

import ConvNet
import ConvNetOptions
import ConvNetPlots
import ConvNetReference
import Foundation

enum BenchmarkTool {
    private static let declared = [
        Option("filter", "TEXT", "Only cases whose name contains TEXT."),
        .threads,
        Option("quick", "Fewer and shorter runs: all cases in less than three minutes."),
        Option("json", "FILE", "Write the figures to FILE."),
        Option("plot", "FILE", "Draw a roofline and bars of speed-ups (.png or .svg)."),
        Option("compare", "LIST", "Time openblas, blis or both alternately with ours."),
        Option("list", "Show the cases' names."),
        Option("native-only", "Leave out the reference: time only, rows are unchecked."),
        Option("help", "Show this help."),
    ]

    /// Runs the benchmark.
    ///
    /// - Returns: whether every checked row is right.
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
        let cases = try selected(options.string("filter"))
        if options.has("list") {
            print(cases.map(\.name).joined(separator: "\n"))
            return true
        }
        let kernels = try options.nativeKernels()
        let output = options.string("json")
        if let output { try checkWritable(output, "json") }
        let plot = try checkedPlot(options)
        let quick = options.has("quick")
        let peers = try options.string("compare").map { list throws(UsageError) in
            try Peer.loaded(list, threads: kernels.threads)
        }
        let run = Run(
            kernels: kernels, reference: ReferenceKernels(),
            referenceBudget: quick ? 30_000_000 : 300_000_000)
        let machine = try Machine(kernels, quick: quick)
        let harness = Harness(
            run, checks: !options.has("native-only"), peers: peers ?? [], quick: quick
        ) {
            showProgress($0)
        }
        let results = try harness.results(of: cases)
        showProgress("")
        print(Table.text(results, machine, peers: (peers ?? []).map { ($0.name, $0.kernels) }))
        let report = JSONReport(results, machine)
        if let output {
            try report.encoded().write(to: URL(fileURLWithPath: output), options: .atomic)
        }
        if let plot { try Plot.picture(results, machine)?.write(to: plot) }
        return report.passed
    }

    private static func checkedPlot(_ options: Options) throws(UsageError) -> URL? {
        guard let path = options.string("plot") else { return nil }
        try checkWritable(path, "plot")
        let file = URL(fileURLWithPath: path)
        do throws(PictureError) {
            _ = try PictureFormat(of: file)
        } catch {
            throw UsageError("--plot is \(path), expected \(error.expected)")
        }
        return file
    }

    private static func selected(_ filter: String?) throws(UsageError) -> [BenchmarkCase] {
        guard let filter else { return Cases.all }
        let cases = Cases.all.filter { $0.name.contains(filter) }
        guard !cases.isEmpty else {
            throw UsageError("--filter is \(filter), which no case contains; --list shows them")
        }
        return cases
    }

    /// Finds out before minutes of measuring that the figures could not be written.
    private static func checkWritable(_ path: String, _ option: String) throws(UsageError) {
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        var isFolder: ObjCBool = false
        let isTaken = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
        guard FileManager.default.isWritableFile(atPath: folder), !(isTaken && isFolder.boolValue)
        else { throw UsageError("--\(option) is \(path), expected a file in a writable folder") }
    }

    /// Shows what is being measured, on a terminal only.
    private static func showProgress(_ text: String) {
        guard isatty(STDERR_FILENO) == 1 else { return }
        FileHandle.standardError.write(Data("\r\(text)\u{1B}[K".utf8))
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
        Exit status: 0 all right, 1 a row failed, 2 called wrongly.
        """
    }
}
