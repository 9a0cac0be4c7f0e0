// SPDX-License-Identifier: MIT
//
// One run as it was asked for: measures, compares, reports. What can be found out to be wrong without
// measuring is found out first.

import ConvNet
import ConvNetOptions
import ConvNetPlots
import ConvNetReference
import Foundation

struct BenchmarkRun {
    private let cases: [BenchmarkCase]
    private let kernels: NativeKernels
    private let quick: Bool
    private let checks: Bool
    private let peers: [Peer]
    private let output: String?
    private let plot: URL?
    private let setting: Baseline.Setting
    private let saved: String?
    private let `guard`: Guard?

    /// Checks the options.
    ///
    /// - Throws: ``UsageError`` when one can't be followed.
    init(_ options: Options, cases: [BenchmarkCase]) throws(UsageError) {
        // One thread's time is its own, whatever else runs here.
        let isGuarding =
            options.string("save-baseline") != nil || options.string("baseline") != nil
        let kernels = try options.nativeKernels(standardThreads: isGuarding ? 1 : nil)
        self.cases = cases
        self.kernels = kernels
        quick = options.has("quick")
        checks = !options.has("native-only")
        output = options.string("json")
        if let output { try Self.checkWritable(output, "json") }
        plot = try Self.checkedPlot(options)
        peers =
            try options.string("compare").map { list throws(UsageError) in
                try Peer.loaded(list, threads: kernels.threads)
            } ?? []
        let setting = Baseline.Setting(kernels, quick: quick)
        self.setting = setting
        saved = options.string("save-baseline")
        if let saved { try Self.checkWritable(saved, "save-baseline") }
        let tolerance = try Self.tolerance(options)
        `guard` = try options.string("baseline").map { path throws(UsageError) in
            try Guard(path: path, tolerance: tolerance, setting: setting, cases: cases)
        }
    }

    /// Measures and reports.
    ///
    /// - Returns: whether every checked row is right and none regressed.
    func passed() throws -> Bool {
        let machine = try Machine(kernels, quick: quick)
        let sampler =
            saved == nil && `guard` == nil ? nil : try Sampler(kernels, quick: quick)
        let results = try harness(sampler, checks: checks, isThorough: saved != nil)
            .results(of: cases)
        let guarded = try `guard`?.report(on: results, of: cases) {
            try harness(sampler, checks: false, isThorough: true).results(of: $0)
        }
        BenchmarkTool.showProgress("")
        print(Table.text(results, machine, peers: peers.map { ($0.name, $0.kernels) }))
        if let guarded { print(guarded.text) }
        let report = JSONReport(results, machine, guarded: guarded)
        if let output {
            try report.encoded().withUnsafeBytes { try AtomicFile.write($0, to: output) }
        }
        if let plot { try Plot.picture(results, machine)?.write(to: plot) }
        if let saved { try Baseline(setting, results).write(to: saved) }
        return report.passed
    }

    private func harness(_ sampler: Sampler?, checks: Bool, isThorough: Bool) -> Harness {
        let run = Run(
            kernels: kernels, reference: ReferenceKernels(),
            referenceBudget: quick ? 30_000_000 : 300_000_000)
        return Harness(
            run, checks: checks, peers: peers, sampler: sampler, isThorough: isThorough,
            quick: quick
        ) { BenchmarkTool.showProgress($0) }
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

    /// Finds out before minutes of measuring that the figures could not be written.
    private static func checkWritable(_ path: String, _ option: String) throws(UsageError) {
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        var isFolder: ObjCBool = false
        let isTaken = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
        guard FileManager.default.isWritableFile(atPath: folder), !(isTaken && isFolder.boolValue)
        else { throw UsageError("--\(option) is \(path), expected a file in a writable folder") }
    }
}
