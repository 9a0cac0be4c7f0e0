// SPDX-License-Identifier: MIT
//
// The executable as people and programs call it: exit status, words, and the JSON of the contract.

import ConvNetTestSupport
import Foundation
import Testing

@testable import Benchmarks

@Suite struct ExecutableTests {
    /// Runs the benchmark that was built beside these tests.
    static func run(_ arguments: String..., environment: [String: String] = [:]) throws
        -> Subprocess
    {
        try run(arguments, environment: environment)
    }

    /// The same with a list.
    static func run(_ arguments: [String], environment: [String: String] = [:]) throws -> Subprocess
    {
        try Subprocess.run(
            BuiltProducts.executable("Benchmarks").path, arguments, environment: environment)
    }

    @Test(arguments: [
        (["--threads", "0"], "--threads is 0, expected a whole number of at least 1"),
        (["--threads", "two"], "--threads is two, expected a whole number of at least 1"),
        (["--threads", "2000"], "--threads is 2000, expected from 1 to 1024"),
        (["--filter", "xyz"], "--filter is xyz, which no case contains; --list shows them"),
        (["--compare", "mkl"], "--compare is mkl, expected some of openblas, blis"),
        (["--compare", "blis,"], "--compare is blis,, expected some of openblas, blis"),
        (["--tolerance", "0.1"], "--tolerance is 0.1, expected together with --baseline"),
        (
            ["--baseline=x", "--tolerance=5%"],
            "--tolerance is 5%, expected from 0 to 10: 0.05 allows 5 % more time"
        ),
        (
            ["--baseline", "/nowhere/x"],
            "--baseline is /nowhere/x: can't be read: No such file or directory, expected a readable file"
        ),
        (
            ["--save-baseline", "/nowhere/x"],
            "--save-baseline is /nowhere/x, expected a file in a writable folder"
        ),
        (["--filter"], "--filter has no value, expected TEXT,…"),
        (["--quick", "--quick"], "--quick comes twice, expected once"),
        (["--fast"], "--fast is not an option here; --help lists them"),
        (["fast"], "fast is unexpected; --help lists the options"),
        (
            ["--json", "/nowhere/x.json"],
            "--json is /nowhere/x.json, expected a file in a writable folder"
        ),
        (
            ["--plot", "/nowhere/x.png"],
            "--plot is /nowhere/x.png, expected a file in a writable folder"
        ),
        (["--json", "/tmp"], "--json is /tmp, a folder, expected a file"),
        (["--json", "/dev/null"], "--json is /dev/null, no file, expected a file"),
        (["--plot", "/tmp/x.gif"], "--plot is /tmp/x.gif, expected one that ends in .png or .svg"),
    ])
    func wrongCallsGetOneLine(_ arguments: [String], _ message: String) throws {
        let outcome =
            try arguments.count == 1
            ? Self.run(arguments[0]) : Self.run(arguments[0], arguments[1])
        #expect(outcome.status == 2)
        #expect(outcome.error == "Benchmarks: \(message)\n")
        #expect(outcome.output == "")
    }

    @Test func aWrongInstructionSetIsNamed() throws {
        let outcome = try Self.run("--quick", environment: ["CONVNET_ISA": "avx9"])
        #expect(outcome.status == 2)
        #expect(outcome.error.hasPrefix("Benchmarks: CONVNET_ISA is avx9, expected one of "))
    }

    @Test func theListHasEveryCase() throws {
        let outcome = try Self.run("--list", "--filter=conv.forward.")
        #expect(outcome.status == 0)
        #expect(outcome.output.split(separator: "\n").count == 47)
        #expect(outcome.output.hasPrefix("conv.forward.simple.conv1\n"))
    }

    @Test func theFiguresAreAsInTheContract() throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent(
            "benchmark-\(UUID().uuidString).json")
        defer { try? FileManager.default.removeItem(at: file) }
        let outcome = try Self.run("--quick", "--filter=sgemm.64x64x64", "--json=\(file.path)")
        #expect(outcome.status == 0)
        #expect(outcome.output.hasSuffix("1 passed, 0 failed\n"))
        let json = try #require(
            JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
        #expect(json["passed"] as? Bool == true)
        let machine = try #require(json["machine"] as? [String: Any])
        #expect(
            Set(machine.keys) == ["cpu", "isa", "threads", "peak_gflops", "bandwidth_gbps"])
        let rows = try #require(json["results"] as? [[String: Any]])
        #expect(rows.count == 1)
        #expect(
            Set(rows[0].keys) == [
                "name", "ms", "median_ms", "reference_ms", "speedup", "gflops", "percent_of_peak",
                "max_error", "error_bound", "passed",
            ])
        #expect(rows[0]["name"] as? String == "sgemm.64x64x64")
    }

    @Test func theHashIsThatOfTheResultsOnAnyNumberOfThreads() throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent(
            "benchmark-\(UUID().uuidString).json")
        defer { try? FileManager.default.removeItem(at: file) }
        var hashes: [String] = []
        let product = "sgemm.64x64x64", convolution = "conv.forward.simple.conv1"
        for (cases, threads) in [(product, 1), (convolution, 1), (convolution, 3)] {
            let outcome = try Self.run(
                "--quick", "--filter=\(cases)", "--threads=\(threads)", "--json=\(file.path)")
            let line = try #require(outcome.output.split(separator: "\n").dropLast().last)
            let words = line.split(separator: " ")
            try #require(words.prefix(4) == ["hash", "of", "the", "results:"] && words.count > 4)
            let hash = String(words[4].prefix(16))
            let json = try #require(
                JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
            #expect(json["hash"] as? String == hash)
            hashes.append(hash)
        }
        #expect(hashes[1] == hashes[2])
        #expect(hashes[0] != hashes[1])
    }

    @Test func withoutTheReferenceRowsAreUnchecked() throws {
        let outcome = try Self.run("--quick", "--native-only", "--filter=im2col.simple.conv1")
        #expect(outcome.status == 0)
        #expect(outcome.output.contains("unchecked"))
        #expect(outcome.output.hasSuffix("0 passed, 0 failed\n"))
    }

    /// In a process of its own, where nothing else asks for memory.
    @Test(
        .disabled(
            if: ProcessInfo.processInfo.environment["SANITIZER"] != nil,
            "no memory is recycled under the sanitizers"),
        arguments: ["train.SimpleConvNet", "predict.LeNet", "predict1.LeNet"])
    func steadyRunsAllocateNothing(_ name: String) throws {
        let outcome = try Self.run("--quick", "--native-only", "--filter=\(name)")
        #expect(outcome.status == 0, "\(outcome)")
        #expect(
            outcome.output.contains("\(name): 0 allocations from the system in "), "\(outcome)")
    }

    @Test func aPictureIsDrawn() throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent(
            "benchmark-\(UUID().uuidString).svg")
        defer { try? FileManager.default.removeItem(at: file) }
        let outcome = try Self.run(
            "--quick", "--filter=simple.pool", "--native-only", "--plot=\(file.path)")
        #expect(outcome.status == 0, "\(outcome)")
        #expect(try Data(contentsOf: file).starts(with: Data("<?xml".utf8)))
    }

    @Test(arguments: [
        ("sgemm.64x64x64", "sgemm"), ("im2col.alex.conv2", "im2col"),
        ("conv.forward+backward.alex.conv2", "conv.forward+backward"),
        ("maxpool.forward.vgg.pool1", "maxpool.forward"), ("predict1.SimpleConvNet", "predict1"),
    ])
    func casesBelongToFamilies(_ name: String, _ family: String) {
        #expect(Plot.family(of: name) == family)
    }
}
