// SPDX-License-Identifier: MIT
//
// That rows come one by one, what they say, and what a run that was asked to end leaves. The order
// of events is looked at, never a clock.

import ConvNet
import ConvNetOptions
import ConvNetReference
import ConvNetTestSupport
import Foundation
import Testing

@testable import Benchmarks

@Suite struct LiveTableTests {
    /// What happens, in order.
    final class Events: @unchecked Sendable {
        private(set) var names: [String] = []
        func add(_ name: String) { if names.last != name { names.append(name) } }
    }

    static let run = Run(
        kernels: ReferenceKernels(), reference: ReferenceKernels(), referenceBudget: 1)
    static let pace = Pace(rounds: 2, secondsPerRound: 0, referenceBudget: 1)

    static func named(
        _ name: String, _ events: Events, native: @escaping @Sendable () -> Void = {}
    ) -> BenchmarkCase {
        BenchmarkCase(name: name, work: .operations(1)) { _ in
            events.add("prepare \(name)")
            return PreparedCase(
                native: {
                    events.add("run \(name)")
                    native()
                },
                reference: {
                    events.add("reference \(name)")
                    return {
                        events.add("compare \(name)")
                        return Check()
                    }
                }, referenceShare: 1)
        }
    }

    @Test func aRowIsToldBeforeTheNextCaseBegins() throws {
        let events = Events()
        let harness = Harness(
            Self.run, checks: true, pace: Self.pace, measured: { events.add("row \($0.name)") })
        let outcome = try harness.results(
            of: [Self.named("a", events), Self.named("b", events)])
        #expect(
            events.names == [
                "prepare a", "reference a", "compare a", "run a", "row a", "prepare b",
                "reference b", "compare b", "run b", "row b", "prepare a", "run a", "prepare b",
                "run b",
            ])
        #expect(!outcome.isInterrupted)
        // Three runs a round.
        #expect(outcome.results.map(\.runCount) == [6, 6])
    }

    /// The first round is whole, whatever it takes; the others go on as long as there is time.
    @Test func withoutTimeThereIsOneRound() throws {
        let events = Events()
        var pace = Self.pace
        pace.secondsForAll = 0
        let outcome = try Harness(Self.run, checks: false, pace: pace).results(
            of: [Self.named("a", events), Self.named("b", events)])
        #expect(events.names == ["prepare a", "run a", "prepare b", "run b"])
        #expect(!outcome.isInterrupted)
    }

    @Test func askedToEndItKeepsWhatIsWhole() throws {
        let (events, stop) = (Events(), StopRequest())
        let cases = [
            Self.named("a", events), Self.named("b", events) { stop.stop() },
            Self.named("c", events),
        ]
        let outcome = try Harness(Self.run, checks: true, pace: Self.pace, stop: stop)
            .results(of: cases)
        #expect(outcome.isInterrupted)
        #expect(outcome.results.map(\.name) == ["a"])
        #expect(events.names.last == "run b")
        #expect(outcome.results[0].runCount == 3)
    }

    /// In a later round all rows are there, with the runs of whole rounds.
    @Test func askedToEndInALaterRound() throws {
        let (events, stop) = (Events(), StopRequest())
        let second = Self.named("b", events) {
            if events.names.contains("row c") { stop.stop() }
        }
        let harness = Harness(
            Self.run, checks: true, pace: Self.pace, stop: stop,
            measured: { events.add("row \($0.name)") })
        let outcome = try harness.results(
            of: [Self.named("a", events), second, Self.named("c", events)])
        #expect(outcome.isInterrupted)
        #expect(outcome.results.map(\.runCount) == [6, 3, 3])
    }

    static let machine = Benchmarks.Machine(
        processor: "Some CPU", instructionSet: "avx2", productKernel: "sgemm_6x16_avx2", threads: 2,
        processors: 4, memory: 16 << 30, peakOperations: 200e9, bandwidth: 20e9)

    static func result(
        _ name: String, _ sizes: String, _ work: Work, seconds: Double, reference: Double? = nil
    ) -> Benchmarks.Result {
        var result = Benchmarks.Result(name: name, work: work, sizes: sizes)
        result.add([seconds])
        result.reference = reference
        if reference != nil {
            result.check = Check()
            result.check?.compare([1], [1.5], bounds: [2])
        }
        return result
    }

    static func benchmark(_ name: String, _ sizes: String) -> BenchmarkCase {
        var benchmark = named(name, Events())
        benchmark.sizes = sizes
        return benchmark
    }

    /// Everything that a reader sees before the foot.
    @Test func theTableReadsAsItShould() {
        let table = Table(
            [
                Self.benchmark("sgemm.4x4x4", "4×4 times 4×4"),
                Self.benchmark("maxpool.forward.a", "2×2 of 1×4×4, batch 1"),
            ], Self.machine)
        var text = [table.head("2 of 9 cases (--full for all)", checks: true)]
        let live = LiveTable(table) { text.append($0) }
        var product = Self.result(
            "sgemm.4x4x4", "4×4 times 4×4", .operations(100e6), seconds: 1e-3, reference: 0.5)
        product.isScaled = true
        live.add(product)
        let pool = Self.result(
            "maxpool.forward.a", "2×2 of 1×4×4, batch 1", .bytes(1e6), seconds: 1e-4)
        live.add(pool)
        var (sooner, same) = (product, pool)
        sooner.add([0.5e-3])
        same.add([0.96e-4])
        live.finish([sooner, same], Foot(results: [sooner, same], leftOut: 7))
        #expect(
            text.joined(separator: "\n") == """
                swift-convnet \(PackageVersion.current), 2 of 9 cases (--full for all)
                Some CPU, avx2 (sgemm_6x16_avx2), 2 threads, 4 processors, 16.0 GiB of memory
                peak 200.0 GFLOP/s, copy 20.0 GB/s, both measured now

                Each row compares our C kernels with the same calculation in plain Swift, number by \
                number, then times both.
                ours ms: the fastest of several runs on 2 threads. Swift ms: on one thread; ~ for a \
                part, scaled up.
                error, allowed: of the number that comes closest to what rounding may do; 0 where all \
                must be equal.
                of peak: of the GFLOP/s above, or of the copy's GB/s where the work is moving data; \
                beyond 100 % where a
                  shorter way multiplies less, or the data stays in the caches.

                Matrix products: rows×columns of both factors
                case               sizes                  ours ms  Swift ms  faster  GFLOP/s \
                 of peak    error  allowed
                sgemm.4x4x4        4×4 times 4×4            1.000    ~500.0    500×    100.0 \
                    50 %  5.0e-01  2.0e+00  ok

                Max pooling (forward+backward: and its gradient): window/stride, channels×height×width
                case               sizes                  ours ms  Swift ms  faster     GB/s \
                 of peak    error  allowed
                maxpool.forward.a  2×2 of 1×4×4, batch 1   0.1000         -       -     10.0 \
                    50 %        -        -  unchecked

                Faster in later rounds: 1 of 2; the others stay as they stand above.

                Matrix products: rows×columns of both factors
                case               sizes                  ours ms  Swift ms  faster  GFLOP/s \
                 of peak    error  allowed
                sgemm.4x4x4        4×4 times 4×4           0.5000    ~500.0   1000×    200.0 \
                   100 %  5.0e-01  2.0e+00  ok

                unchecked: timed without comparing with the reference.
                7 more cases with --full.
                1 passed, 0 failed
                """)
    }

    @Test func theFootTellsOfAnInterruption() {
        let result = Self.result(
            "sgemm.4x4x4", "", .operations(1), seconds: 1e-3, reference: 0.5)
        #expect(
            Foot(results: [result], interruptedOf: 45, leftOut: 1).text == """
                1 more case with --full.
                interrupted: 1 of 45 cases was measured.
                1 passed, 0 failed
                """)
    }

    @Test func theReportTellsOfAnInterruption() throws {
        let result = Self.result("a", "", .operations(1), seconds: 1e-3, reference: 0.5)
        let json = try JSONReport([result], Self.machine, isInterrupted: true).encoded()
        let report = try #require(JSONSerialization.jsonObject(with: json) as? [String: Any])
        #expect(Set(report.keys) == ["machine", "passed", "interrupted", "results"])
        #expect(report["interrupted"] as? Bool == true)
        #expect(report["passed"] as? Bool == false)
    }
}

/// The executable, asked to end while it measures, and left by its reader.
@Suite struct InterruptedBenchmarkTests {
    /// Rows are in the pipe long before the last case, and Ctrl-C ends with those so far.
    @Test(arguments: [(SIGINT, Int32(130)), (SIGTERM, Int32(143))])
    func rowsComeAsTheyAreMeasured(_ signal: Int32, _ status: Int32) throws {
        try withTemporaryFolder { folder in
            let (json, baseline) = (
                folder.appendingPathComponent("b.json"), folder.appendingPathComponent("saved")
            )
            let program = try RunningProgram(
                BuiltProducts.executable("Benchmarks"),
                [
                    "--native-only", "--quick", "--filter=sgemm", "--json=\(json.path)",
                    "--save-baseline=\(baseline.path)",
                ], in: folder)
            program.wait { program.output.contains("\nsgemm.64x64x64 ") }
            program.send(signal)
            program.wait()
            #expect(program.process.terminationReason == .exit)
            #expect(program.process.terminationStatus == status, "\(program.output)")
            #expect(program.error == "")
            let pattern =
                /\ninterrupted: (\d+) of 12 cases (?:was|were) measured.\n0 passed, 0 failed\n$/
            let match = try #require(program.output.firstMatch(of: pattern), "\(program.output)")
            let report = try #require(
                JSONSerialization.jsonObject(with: Data(contentsOf: json)) as? [String: Any])
            #expect(report["interrupted"] as? Bool == true)
            #expect(report["passed"] as? Bool == false)
            #expect((report["results"] as? [Any])?.count == Int(match.1))
            #expect(!FileManager.default.fileExists(atPath: baseline.path))
        }
    }

    /// As with `| head`.
    @Test func aReaderThatIsGoneEndsItQuietly() throws {
        try withTemporaryFolder { folder in
            let program = try RunningProgram(
                BuiltProducts.executable("Benchmarks"),
                ["--native-only", "--quick", "--filter=sgemm"],
                in: folder)
            program.wait { program.output.contains("\n") }
            try program.stopReading()
            program.process.waitUntilExit()
            #expect(program.process.terminationReason == .uncaughtSignal)
            #expect(program.process.terminationStatus == SIGPIPE)
            #expect(program.error == "")
        }
    }

    @Test func outputThatCannotBeWrittenIsToldAtOnce() throws {
        let run = try Subprocess.run(
            BuiltProducts.executable("Benchmarks").path,
            ["--native-only", "--quick", "--filter=sgemm"],
            output: URL(fileURLWithPath: "/dev/full"))
        #expect(run.status == 1)
        #expect(run.error == "Benchmarks: standard output: No space left on device\n")
    }
}
