// SPDX-License-Identifier: MIT
//
// Records in small: the same networks and settings on fewer images, so that the commands of the
// article go on doing what it says. The figures themselves take the real digits and minutes.

import ConvNet
import ConvNetData
import ConvNetTestSupport
import Foundation
import Testing

@testable import Records

private let environment = ProcessInfo.processInfo.environment

@Suite struct RecordTests {
    private static func run(_ arguments: String...) throws -> Subprocess {
        let run = try Subprocess.run(BuiltProducts.executable("Records").path, arguments)
        try #require(run.hasExited, "\(run)")
        return run
    }

    private static func trial(
        of record: Record, _ kernels: NativeKernels = NativeKernels(), count: Int = 6000
    ) throws -> RecordTrial {
        try RecordRun(
            record, training: SyntheticDigits.make(count: count, seed: 1),
            test: SyntheticDigits.make(count: 500, seed: 2), kernels
        ).trial(seed: 1)
    }

    /// 24 filters of 5×5, 32 of 24×3×3, 256×800 and 10×256 weights, and their biases.
    @Test func networksHaveThePublishedSizes() throws {
        func parameters(of record: Record) throws -> Int {
            try record.network(1, NativeKernels()).parameters.map(\.value.scalars.count)
                .reduce(0, +)
        }
        #expect(try parameters(of: .mnistOneEpoch) == 624 + 6944 + 205_056 + 2570)
        // Batch normalization adds a scale and a shift a channel.
        #expect(try parameters(of: .mnistThreeEpochs) == 320 + 64 + 18496 + 128 + 803_072 + 2570)
    }

    /// Adam with short memories and one cycle learns drawn digits in 24 steps.
    @Test func oneEpochOfDrawnDigitsIsEnough() throws {
        let trial = try Self.trial(of: .mnistOneEpoch)
        #expect(trial.accuracy.total == 500)
        #expect(trial.accuracy.fraction > 0.9, "\(trial)")
    }

    @Test(arguments: Record.all.map(\.name))
    func anyNumberOfThreadsGivesTheSameNetwork(_ name: String) throws {
        let record = try #require(Record.all.first { $0.name == name })
        let one = try Self.trial(of: record, NativeKernels(threads: 1), count: 600)
        let two = try Self.trial(of: record, NativeKernels(threads: 2), count: 600)
        #expect(one.accuracy == two.accuracy)
    }

    /// The real digits: PyTorch, with a quarter of them, knows 97.5 to 97.7 % of the test images.
    @Test(
        .enabled(if: environment["MNIST_DIR"] != nil, "MNIST_DIR is not set"),
        .disabled(if: environment["SANITIZER"] != nil, "it takes minutes under the sanitizers"))
    func aQuarterOfMNISTIsLearntInOneEpoch() throws {
        let folder = URL(fileURLWithPath: try #require(environment["MNIST_DIR"]))
        let trial = try RecordRun(
            .mnistOneEpoch, training: MNIST.load(from: folder, .training).prefix(15_000),
            test: MNIST.load(from: folder, .test), NativeKernels()
        ).trial(seed: 1)
        #expect(trial.accuracy.fraction > 0.965, "\(trial)")
    }

    @Test func aLineASeedAndWhatTheyComeTo() throws {
        let run = try Self.run(
            "mnist-one-epoch", "--limit", "300", "--seeds", "2", "--threads", "1")
        #expect(run.status == 0, "\(run)")
        let lines = run.output.split(separator: "\n")
        try #require(lines.count == 4, "\(run)")
        #expect(lines[0].hasPrefix("mnist-one-epoch: 300 images, 300 to test with, "))
        #expect(lines[0].hasSuffix(", 1 thread"))
        #expect(lines[1].hasPrefix("seed 1: accuracy 0."))
        #expect(lines[2].hasPrefix("seed 2: accuracy 0."))
        #expect(lines[3].hasPrefix("mean accuracy 0."))
    }

    @Test func meanAndDeviationAreThoseOfTheSeeds() {
        let trials = [90, 94].map { correct in
            RecordTrial(accuracy: Accuracy(correct: correct, total: 100), seconds: Double(correct))
        }
        #expect(
            RecordTrial.summary(of: trials)
                == "mean accuracy 0.9200 ± 0.0200, best of 2 90.00 s, median 94.00 s")
    }

    @Test(arguments: [
        ([], "no record, expected one of mnist-one-epoch, mnist-three-epochs"),
        (["cifar"], "cifar is not a record, expected one of mnist-one-epoch, mnist-three-epochs"),
        (["mnist-one-epoch", "again"], "again is unexpected, expected one record"),
        (
            ["mnist-one-epoch", "--seeds", "0"],
            "--seeds is 0, expected a whole number of at least 1"
        ),
        (
            ["mnist-one-epoch", "--first-seed", "\(Int.max)"],
            "--first-seed is \(Int.max), expected at most \(Int.max - 1)"
        ),
    ])
    func wrongCallsGetOneLine(_ arguments: [String], _ message: String) throws {
        let run = try Subprocess.run(BuiltProducts.executable("Records").path, arguments)
        #expect(run.status == 2)
        #expect(run.error == "Records: \(message)\n")
        #expect(run.output == "")
    }
}
