// SPDX-License-Identifier: MIT
//
// One run as it was asked for: measures, compares, reports. What can be found out to be wrong
// without measuring is found out first.

import ConvNet
import ConvNetOptions
import ConvNetPlots
import ConvNetReference
import Foundation

struct BenchmarkRun {
    private let selection: CaseSelection
    private let models: ModelFolder?
    private let kernels: NativeKernels
    private let quick: Bool
    private let pace: Pace
    private let checks: Bool
    private let peers: [Peer]
    private let output: String?
    private let plot: URL?
    private let setting: Baseline.Setting
    private let saved: String?
    private let `guard`: Guard?
    private let stop: StopRequest

    /// Checks the options.
    ///
    /// - Throws: ``UsageError`` when one can't be followed.
    init(
        _ options: Options, _ selection: CaseSelection, _ models: ModelFolder? = nil,
        stop: StopRequest
    ) throws(UsageError) {
        // One thread's time is its own, whatever else runs here.
        let isGuarding =
            options.string("save-baseline") != nil || options.string("baseline") != nil
        let kernels = try options.nativeKernels(standardThreads: isGuarding ? 1 : nil)
        self.selection = selection
        self.models = models
        self.kernels = kernels
        self.stop = stop
        quick = options.has("quick")
        pace = quick ? .quick : options.has("full") ? .full : .standard
        checks = !options.has("native-only")
        output = try options.outputFile("json")?.path
        plot = try Self.checkedPlot(options)
        peers =
            try options.string("compare").map { list throws(UsageError) in
                try Peer.loaded(list, threads: kernels.threads)
            } ?? []
        let setting = Baseline.Setting(kernels, quick: quick)
        self.setting = setting
        saved = try options.outputFile("save-baseline")?.path
        let tolerance = try Self.tolerance(options)
        `guard` = try options.string("baseline").map { path throws(UsageError) in
            try Guard(path: path, tolerance: tolerance, setting: setting, cases: selection.cases)
        }
    }

    /// Measures and reports.
    ///
    /// - Returns: the exit status: 0 where every checked row is right and none regressed.
    func status() throws -> Int32 {
        let machine = try Machine(kernels)
        let table = Table(selection.cases, machine, peers: peers.map(\.name))
        LiveTable.show(table.head(selection.summary, checks: checks))
        let live = LiveTable(table)
        let sampler =
            saved == nil && `guard` == nil ? nil : try Sampler(kernels, quick: quick)
        var outcome = try harness(sampler, checks: checks, isThorough: saved != nil) {
            live.add($0)
        }.results(of: selection.cases)
        var guarded: GuardReport?
        if !outcome.isInterrupted, let `guard` {
            guarded = try `guard`.report(on: outcome.results, of: selection.cases) {
                try harness(sampler, checks: false, isThorough: true) { _ in }
                    .results(of: $0).results
            }
            // Suspects that were not measured to the end are not judged.
            outcome.isInterrupted = stop.isRequested
        }
        if outcome.isInterrupted { guarded = nil }
        live.finish(
            outcome.results,
            Foot(
                results: outcome.results, peers: peers.map { ($0.name, $0.kernels) },
                interruptedOf: outcome.isInterrupted ? selection.cases.count : nil,
                leftOut: selection.leftOut))
        if let guarded { LiveTable.show(guarded.text) }
        return try write(outcome, machine, guarded)
    }

    /// Writes the files that were asked for: of a run that was interrupted, what it has measured,
    /// but no baseline.
    private func write(
        _ outcome: Harness.Outcome, _ machine: Machine, _ guarded: GuardReport?
    ) throws -> Int32 {
        let report = JSONReport(
            outcome.results, machine, guarded: guarded, isInterrupted: outcome.isInterrupted)
        if let output {
            try report.encoded().withUnsafeBytes { try AtomicFile.write($0, to: output) }
        }
        if let plot { try Plot.picture(outcome.results, machine)?.write(to: plot) }
        if outcome.isInterrupted { return StopSignals.status }
        if let saved { try Baseline(setting, outcome.results).write(to: saved) }
        return report.passed ? 0 : 1
    }

    private func harness(
        _ sampler: Sampler?, checks: Bool, isThorough: Bool, measured: @escaping (Result) -> Void
    ) -> Harness {
        let run = Run(
            kernels: kernels, reference: ReferenceKernels(), referenceBudget: pace.referenceBudget,
            models: models)
        return Harness(
            run, checks: checks, peers: peers,
            pace: sampler == nil ? pace : pace.guarding(quick: quick, isThorough: isThorough),
            sampler: sampler, stop: stop, progress: LiveTable.showProgress, measured: measured)
    }

    private static func tolerance(_ options: Options) throws(UsageError) -> Double? {
        guard let text = options.string("tolerance") else { return nil }
        guard options.string("baseline") != nil else {
            throw UsageError("--tolerance is \(text), expected together with --baseline")
        }
        guard let number = Double(text), (0...10).contains(number) else {
            throw UsageError(
                "--tolerance is \(text), expected from 0 to 10: 0.05 allows 5 % more time")
        }
        return number
    }

    private static func checkedPlot(_ options: Options) throws(UsageError) -> URL? {
        guard let file = try options.outputFile("plot") else { return nil }
        do throws(FileError) {
            _ = try PictureFormat(of: file)
        } catch {
            throw UsageError(
                "--plot is \(file.path), expected \(error.expected ?? "a picture's file")")
        }
        return file
    }
}
