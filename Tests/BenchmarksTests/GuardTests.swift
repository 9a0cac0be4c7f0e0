// SPDX-License-Identifier: MIT
//
// The guard on figures that are given, so that no clock has a say: what it measures again, what it
// says and how it exits.

import ConvNet
import ConvNetOptions
import ConvNetTestSupport
import Foundation
import Testing

@testable import Benchmarks

@Suite struct GuardTests {
    static let cases = ["a", "b", "c", "d"].map { name in
        BenchmarkCase(name: name, work: .operations(1)) { _ in
            PreparedCase(native: {}, reference: { { Check() } }, referenceShare: 1)
        }
    }

    /// Eight costs near a mean.
    static func costs(_ mean: Double) -> [Double] {
        (0..<8).map { mean * (1 + 0.001 * Double($0)) }
    }

    static func result(_ name: String, _ costs: [Double]) -> Benchmarks.Result {
        var result = Benchmarks.Result(name: name, work: .operations(1))
        result.costs = costs
        (result.best, result.median) = (1, 1)
        return result
    }

    /// Saves a baseline of a, b and c, each with a cost of 2, and reports on a run; `again` has
    /// what cases cost in each further round.
    static func report(
        _ results: [Benchmarks.Result], again: [[String: Double]]
    ) throws -> (report: GuardReport, remeasured: [[String]]) {
        let file = FileManager.default.temporaryDirectory
            .appendingPathComponent("guard-\(UUID().uuidString).json")
        defer { try? FileManager.default.removeItem(at: file) }
        let saved = ["a", "b", "c"].map { result($0, costs(2)) }
        try Baseline(BaselineTests.setting, saved).write(to: file.path)
        var guarded = try Guard(
            path: file.path, tolerance: nil, setting: BaselineTests.setting, cases: cases)
        // What is measured is given here, and no spell has to pass.
        guarded.pause = 0
        var remeasured: [[String]] = []
        let report = try guarded.report(on: results, of: cases) { suspects in
            let round = remeasured.count
            remeasured.append(suspects.map(\.name))
            return suspects.map { result($0.name, costs(again[round][$0.name] ?? .nan)) }
        }
        return (report, remeasured)
    }

    /// What comes and goes is not the case's own.
    @Test func aSpellIsNoRegression() throws {
        let results = ["a", "b", "c"].map { Self.result($0, Self.costs($0 == "a" ? 2.3 : 2)) }
        let (report, remeasured) = try Self.report(results, again: [["a": 2.3], ["a": 2]])
        #expect(remeasured == [["a"], ["a"]])
        #expect(report.regressions.isEmpty)
    }

    @Test func suspectsAreMeasuredAgainAndNamed() throws {
        let results = [
            Self.result("a", Self.costs(2.3)), Self.result("b", Self.costs(2.3)),
            Self.result("c", Self.costs(1.7)), Self.result("d", Self.costs(1)),
        ]
        let (report, remeasured) = try Self.report(
            results, again: [["a": 2.3, "b": 2], ["a": 2.3]])
        #expect(remeasured == [["a", "b"], ["a"]])
        #expect(report.regressions.map(\.name) == ["a"])
        #expect(
            report.text == """
                REGRESSED  a: 15.0 % slower, cost 2.007 before, 2.308 now (p = 7.8e-05)
                faster     c: 15.0 % faster
                not in the baseline, or with other work: d
                1 of 3 cases regressed: slower by more than 5 %, relative to the machine's best in \
                the same run, 1 suspected and acquitted when measured again
                """)
        let machine = LiveTableTests.machine
        let json = try JSONReport(results, machine, guarded: report).encoded()
        let object = try #require(JSONSerialization.jsonObject(with: json) as? [String: Any])
        #expect(object["passed"] as? Bool == false)
        let rows = try #require(object["results"] as? [[String: Any]])
        #expect(rows.map { $0["regressed"] as? Bool } == [true, false, false, nil])
        #expect(JSONReport(results, machine).passed)
    }

    @Test func aBaselineOfOtherCasesIsRefused() throws {
        let file = FileManager.default.temporaryDirectory
            .appendingPathComponent("guard-\(UUID().uuidString).json")
        defer { try? FileManager.default.removeItem(at: file) }
        try Baseline(BaselineTests.setting, [Self.result("z", Self.costs(2))]).write(to: file.path)
        #expect(
            throws: UsageError(
                "--baseline is \(file.path), which has none of the cases to measure")
        ) {
            try Guard(
                path: file.path, tolerance: nil, setting: BaselineTests.setting, cases: Self.cases)
        }
    }

    /// The executable: passes against a baseline with room for any noise and saves one of its own,
    /// fails against one of a machine a thousand times faster, and refuses one of other threads. No
    /// time is asserted.
    @Test func theExecutableSavesComparesAndFails() throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("guard-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let (file, saved) = (
            folder.appendingPathComponent("b.json"), folder.appendingPathComponent("s.json")
        )
        let name = "sgemm.64x64x64"
        let call = ["--quick", "--native-only", "--threads=1", "--filter=\(name)"]
        let work = try #require(Cases.all.first { $0.name == name }).work
        func write(costs: [Double], threads: Int) throws {
            let known = Baseline.Case(
                name: name, operations: work.operationCount, bytes: work.byteCount, costs: costs)
            let setting = Baseline.Setting(try NativeKernels(threads: threads), quick: true)
            try Baseline(setting, cases: [known]).write(to: file.path)
        }
        try write(costs: Self.costs(1000), threads: 1)
        let passing = try Self.run(
            call + ["--baseline", file.path, "--save-baseline", saved.path])
        #expect(passing.status == 0, "\(passing)")
        #expect(passing.output.contains("\n0 of 1 cases regressed"))
        let found = try Baseline.read(from: saved.path)
        let given = try Baseline.read(from: file.path)
        #expect(found.cases.map(\.name) == [name] && found.setting == given.setting)
        #expect(found.cases[0].operations == work.operationCount)
        try write(costs: Self.costs(0.001), threads: 1)
        let failing = try Self.run(call + ["--baseline", file.path, "--tolerance", "0.2"])
        #expect(failing.status == 1, "\(failing)")
        #expect(failing.output.contains("\nREGRESSED  sgemm.64x64x64: "))
        try write(costs: Self.costs(1), threads: 3)
        let refused = try Self.run(call + ["--baseline", file.path])
        #expect(refused.status == 2)
        #expect(
            refused.error == "Benchmarks: --baseline is \(file.path), which can't be compared; "
                + "threads: 3 there, 1 here\n")
    }

    private static func run(_ arguments: [String]) throws -> Subprocess {
        try ExecutableTests.run(arguments)
    }
}
