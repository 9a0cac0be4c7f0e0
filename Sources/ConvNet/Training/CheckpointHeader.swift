// SPDX-License-Identifier: MIT
//
// What a checkpoint holds beside tensors, as JSON, and the rules that its figures must keep.

import Foundation

/// The figures of a checkpoint.
struct CheckpointHeader: Sendable, Codable {
    /// The version of the layout; a reader knows its own.
    private var version = Self.currentVersion
    let settings: [String: String]
    let trainingStep: Int
    let counters: [String: Int]
    let optimizerTensors: [String]
    private let epochs: Int
    private let steps: Int
    private let lossSum: Double
    private let correct: Int
    private let seconds: Double
    private let stepsPerEpoch: Int
    private let epochRecords: [EpochRecord]

    private static let currentVersion = 1
    /// The longest JSON that is read, in bytes: some 300,000 epochs.
    private static let largestText = 1 << 26

    init(
        settings: [String: String], trainingStep: Int, counters: [String: Int],
        optimizerTensors: [String], progress: TrainingProgress
    ) {
        self.settings = settings
        self.trainingStep = trainingStep
        self.counters = counters
        self.optimizerTensors = optimizerTensors
        epochs = progress.epochs
        steps = progress.steps
        lossSum = progress.lossSum
        correct = progress.correct
        seconds = progress.seconds
        stepsPerEpoch = progress.history.stepsPerEpoch
        epochRecords = progress.history.epochs
    }

    /// Reads the JSON.
    ///
    /// - Throws: ``FileError`` when it is something else or a figure is impossible.
    init(json: String, file: String) throws {
        func fail(_ problem: String) -> FileError {
            FileError(file: file, problem: problem)
        }
        struct Version: Decodable { let version: Int }
        let decoder = JSONDecoder()
        let data = Data(json.utf8)
        do throws(StrictJSON.Refusal) {
            try StrictJSON.check(data, limit: Self.largestText)
        } catch {
            throw fail("metadata \(Checkpoint.metadataKey) \(error)")
        }
        if let found = try? decoder.decode(Version.self, from: data).version,
            found != Self.currentVersion
        {
            throw fail("is a checkpoint of version \(found), expected \(Self.currentVersion)")
        }
        guard let header = try? decoder.decode(Self.self, from: data) else {
            throw fail("has a checkpoint's metadata that is not the JSON of one")
        }
        self = header
        do throws(TensorError) {
            try checkFigures()
        } catch {
            throw fail("\(error.argument) is \(error.value), expected \(error.expected)")
        }
    }

    /// Fails where a figure is one that no training has.
    func checkFigures() throws(TensorError) {
        func wrong(_ argument: String, _ value: String, _ expected: String) -> TensorError {
            TensorError(
                operation: "Checkpoint", argument: argument, value: value, expected: expected)
        }
        // No more samples can be right than an axis has places.
        for (name, count, largest) in [
            ("correct", correct, Shape.largestExtent), ("epochs", epochs, .max),
            ("steps", steps, .max), ("stepsPerEpoch", stepsPerEpoch, .max),
            ("trainingStep", trainingStep, OptimizerState.largestCount),
        ] where count < 0 || count > largest {
            throw wrong(name, "\(count)", "from 0 to \(largest)")
        }
        guard (0...1e15).contains(seconds) else {
            throw wrong("seconds", "\(seconds)", "from 0 to 1e15")
        }
        guard Set(optimizerTensors).count == optimizerTensors.count else {
            throw wrong("optimizerTensors", "a list with one twice", "each once")
        }
        guard lossSum.isFinite else { throw wrong("lossSum", "\(lossSum)", "a finite number") }
    }

    /// The JSON: the same text for the same figures.
    func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }

    /// The place in the data, with the losses that lie beside the header.
    ///
    /// - Throws: ``FileError`` when their numbers don't fit.
    func progress(stepLosses: [Double], file: String) throws -> TrainingProgress {
        let (full, overflow) = epochs.multipliedReportingOverflow(by: stepsPerEpoch)
        guard !overflow, steps < max(stepsPerEpoch, 1), stepLosses.count - steps == full,
            epochRecords.count == epochs
        else {
            throw FileError(
                file: file,
                problem: "holds \(stepLosses.count) step losses and \(epochRecords.count) epoch "
                    + "records, expected those of \(epochs) epochs of \(stepsPerEpoch) steps and "
                    + "\(steps) steps")
        }
        var progress = TrainingProgress()
        progress.epochs = epochs
        progress.steps = steps
        progress.lossSum = lossSum
        progress.correct = correct
        progress.seconds = seconds
        progress.history = TrainingHistory(
            stepsPerEpoch: stepsPerEpoch, stepLosses: stepLosses, epochs: epochRecords)
        return progress
    }

    /// Fails unless training is to go on as it was.
    ///
    /// - Parameter overriding: the settings that need not be what they were.
    /// - Throws: ``FileError`` that names each setting that differs, with both values.
    func check(
        _ current: [String: String], overriding: Set<String>, stepsPerEpoch: Int, file: String
    ) throws {
        let names = Set(settings.keys).union(current.keys).subtracting(overriding).sorted()
        let differing = names.filter { settings[$0] != current[$0] }.map {
            "\($0) was \(settings[$0] ?? "not set") and is \(current[$0] ?? "not set")"
        }
        guard differing.isEmpty else {
            throw FileError(
                file: file,
                problem: "was written with other settings: \(differing.joined(separator: "; "))")
        }
        guard self.stepsPerEpoch == stepsPerEpoch else {
            throw FileError(
                file: file,
                problem: "has \(self.stepsPerEpoch) steps an epoch, expected \(stepsPerEpoch)")
        }
    }
}
