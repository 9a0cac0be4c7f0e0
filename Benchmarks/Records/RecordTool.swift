// SPDX-License-Identifier: MIT
//
// The command: which record, how often, on which images; a line a seed, and what they come to.

import ConvNet
import ConvNetData
import ConvNetOptions
import Foundation

enum RecordTool {
    private static let declared = [
        Option("data", "DIR", "MNIST's four files; without it digits are drawn."),
        Option("limit", "N", "Use only the first N images to train and to test with."),
        Option("seeds", "N", "How many networks to train, one after another; 1."),
        Option("first-seed", "N", "The first one's seed: of weights, dropout and order; 1."),
        .threads,
        .help,
    ]

    /// Runs a record.
    ///
    /// - Throws: ``UsageError`` when it was called wrongly, and what reading and training throw.
    static func run(_ arguments: [String]) throws {
        let options = try Options(arguments, declared: declared)
        if options.has("help") { return print(help) }
        let record = try record(options)
        let seeds = try options.int("seeds") ?? 1
        let first = try options.int("first-seed", atLeast: 0) ?? 1
        guard !first.addingReportingOverflow(seeds).overflow else {
            throw UsageError("--first-seed is \(first), expected at most \(Int.max - seeds)")
        }
        let kernels = try options.nativeKernels()
        let (training, test) = try images(options)
        let run = try RecordRun(record, training: training, test: test, kernels)
        print(
            "\(record.name): \(training.sampleCount) images, \(test.sampleCount) to test with, "
                + "\(kernels.instructionSet.rawValue), \(threads(kernels.threads))")
        var trials: [RecordTrial] = []
        for seed in first..<first + seeds {
            let trial = try run.trial(seed: UInt64(seed))
            trials.append(trial)
            print("seed \(seed): \(trial)")
            fflush(nil)
        }
        print(RecordTrial.summary(of: trials))
    }

    private static func record(_ options: Options) throws(UsageError) -> Record {
        let names = Record.all.map(\.name).joined(separator: ", ")
        guard let name = options.operands.first else {
            throw UsageError("no record, expected one of \(names)")
        }
        guard let record = Record.all.first(where: { $0.name == name }) else {
            throw UsageError("\(name) is not a record, expected one of \(names)")
        }
        if options.operands.count > 1 {
            throw UsageError("\(options.operands[1]) is unexpected, expected one record")
        }
        return record
    }

    /// The digits to train and to test with. Drawn test digits never meet the others.
    private static func images(
        _ options: Options
    ) throws -> (training: LabeledImages, test: LabeledImages) {
        let limit = try options.int("limit")
        let folder = options.string("data").map { URL(fileURLWithPath: $0) }
        let training =
            try folder.map { try MNIST.load(from: $0, .training) }
            ?? SyntheticDigits.make(count: 10_000, seed: 1)
        let test =
            try folder.map { try MNIST.load(from: $0, .test) }
            ?? SyntheticDigits.make(count: 2000, seed: 2)
        func limited(_ images: LabeledImages) throws -> LabeledImages {
            try images.prefix(min(limit ?? .max, images.sampleCount))
        }
        return (try limited(training), try limited(test))
    }

    private static func threads(_ count: Int) -> String {
        count == 1 ? "1 thread" : "\(count) threads"
    }

    private static var help: String {
        """
        Repeats a training that others have published figures of.

        Usage: Records RECORD [OPTION…]

        \(Record.all.map { "  \($0.name)  \($0.summary)" }.joined(separator: "\n"))

        \(Options.help(for: declared))

        The seconds are those of a network from its first drawn weight to the test images' accuracy;
        reading the files is not among them. Benchmarks/Peers/mnist.py does the same in PyTorch and MLX.
        Example: swift run -c release Records mnist-one-epoch --data mnist --seeds 30
        Exit status: 0 done, 1 failed, 2 called wrongly.
        """
    }
}
