// SPDX-License-Identifier: MIT
//
// What training has gone through, as plain numbers: for curves, for tables, for files.

import Foundation

/// One epoch of training.
public struct EpochRecord: Sendable, Equatable, Codable {
    /// The epoch, from 1.
    public let epoch: Int
    /// The mean of the samples' losses, each before its step, in nats.
    public let meanLoss: Double
    /// How many of the training samples were classified correctly, each just before its step.
    public let trainAccuracy: Accuracy?
    /// How many held-out samples the network classified correctly after the epoch; nil without any.
    public let testAccuracy: Accuracy?
    /// The mean loss of the held-out samples after the epoch, in nats; nil without any, or where it
    /// is not finite.
    public let testLoss: Double?
    /// How long the epoch took, the evaluation included, to the nanosecond.
    public let duration: Duration

    /// Puts the figures together.
    public init(
        epoch: Int, meanLoss: Double, trainAccuracy: Accuracy? = nil, testAccuracy: Accuracy?,
        testLoss: Double? = nil, duration: Duration
    ) {
        self.epoch = epoch
        self.meanLoss = meanLoss
        self.trainAccuracy = trainAccuracy
        self.testAccuracy = testAccuracy
        // JSON has no other numbers.
        self.testLoss = testLoss?.isFinite == true ? testLoss : nil
        self.duration = Self.inNanoseconds(duration)
    }

    /// Rounded, so that a record is the same after it was written in seconds and read.
    private static func inNanoseconds(_ duration: Duration) -> Duration {
        // What is longer than any epoch may have more seconds than there are numbers to count them.
        guard (.zero...Duration.seconds(1_000_000_000_000_000)).contains(duration) else {
            return duration
        }
        let (seconds, attoseconds) = duration.components
        let nanoseconds = (attoseconds + 500_000_000) / 1_000_000_000
        return .seconds(seconds) + .nanoseconds(nanoseconds)
    }

    private enum CodingKeys: String, CodingKey {
        case epoch, meanLoss, trainAccuracy, testAccuracy, testLoss, seconds
    }

    /// Reads a record whose duration is in seconds.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        let seconds = try values.decode(Double.self, forKey: .seconds)
        // A Duration traps on seconds that it can't hold.
        guard (0...1e15).contains(seconds) else {
            throw DecodingError.dataCorruptedError(
                forKey: .seconds, in: values, debugDescription: "expected from 0 to 1e15")
        }
        self.init(
            epoch: try values.decode(Int.self, forKey: .epoch),
            meanLoss: try values.decode(Double.self, forKey: .meanLoss),
            trainAccuracy: try values.decodeIfPresent(Accuracy.self, forKey: .trainAccuracy),
            testAccuracy: try values.decodeIfPresent(Accuracy.self, forKey: .testAccuracy),
            testLoss: try values.decodeIfPresent(Double.self, forKey: .testLoss),
            duration: .seconds(seconds))
    }

    /// Writes the record, its duration in seconds.
    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(epoch, forKey: .epoch)
        try values.encode(meanLoss, forKey: .meanLoss)
        try values.encodeIfPresent(trainAccuracy, forKey: .trainAccuracy)
        try values.encodeIfPresent(testAccuracy, forKey: .testAccuracy)
        try values.encodeIfPresent(testLoss, forKey: .testLoss)
        try values.encode(duration / .seconds(1), forKey: .seconds)
    }
}

/// The losses of every step and the figures of every epoch, from the first on, also where training
/// was resumed.
public struct TrainingHistory: Sendable, Equatable, Codable {
    /// How many steps an epoch has; 0 before the first.
    public var stepsPerEpoch: Int
    /// The mean loss of each step's batch before the step, in nats, over all epochs.
    public var stepLosses: [Double]
    /// The epochs that are finished.
    public var epochs: [EpochRecord]

    /// A history; without arguments one of nothing.
    public init(
        stepsPerEpoch: Int = 0, stepLosses: [Double] = [], epochs: [EpochRecord] = []
    ) {
        self.stepsPerEpoch = stepsPerEpoch
        self.stepLosses = stepLosses
        self.epochs = epochs
    }

    /// The longest JSON that is read, in bytes: 64 MiB, some three million steps.
    public static let largestJSON = 1 << 26

    /// Reads what ``jsonData()`` wrote.
    ///
    /// - Throws: `DecodingError` when it is something else, has a key twice or is longer than
    ///   ``largestJSON``.
    public init(jsonData: Data) throws {
        do throws(StrictJSON.Refusal) {
            try StrictJSON.check(jsonData, limit: Self.largestJSON)
        } catch {
            throw DecodingError.dataCorrupted(
                .init(codingPath: [], debugDescription: "the history \(error)"))
        }
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        self = try decoder.decode(Self.self, from: jsonData)
    }

    /// The history as JSON: `steps_per_epoch`, `step_losses`, and `epochs`, each with `epoch`,
    /// `mean_loss`, `seconds`, `test_loss`, and `train_accuracy` and `test_accuracy` as
    /// `correct` and `total`.
    public func jsonData() throws -> Data {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys]
        return try encoder.encode(self)
    }

    /// The epochs as a table of comma-separated values under a line of names: `epoch`,
    /// `train_loss`, `train_accuracy`, `test_loss`, `test_accuracy` and `seconds`. What was not
    /// measured is empty.
    public var csv: String {
        let rows = epochs.map { epoch in
            let numbers = [
                epoch.meanLoss, epoch.trainAccuracy?.fraction, epoch.testLoss,
                epoch.testAccuracy?.fraction, epoch.duration / .seconds(1),
            ]
            return (["\(epoch.epoch)"] + numbers.map { $0.map { "\($0)" } ?? "" })
                .joined(separator: ",")
        }
        return ([Self.csvNames] + rows).joined(separator: "\n") + "\n"
    }

    /// Reads what ``csv`` wrote; there are no losses of steps in it, and of accuracies no counts,
    /// so that they come out of 10⁹ samples.
    ///
    /// - Throws: ``TensorError`` when the text is something else.
    public init(csv: String) throws(TensorError) {
        func wrong(_ argument: String, _ value: some StringProtocol, _ rule: String) -> TensorError
        {
            TensorError(
                operation: "TrainingHistory", argument: argument, value: String(value.prefix(80)),
                expected: rule)
        }
        let lines = csv.split(whereSeparator: \.isNewline)
        guard let head = lines.first, head == Self.csvNames else {
            throw wrong("the first line", lines.first ?? "empty", Self.csvNames)
        }
        func number(_ text: Substring, _ range: ClosedRange<Double>) throws(TensorError) -> Double?
        {
            guard !text.isEmpty else { return nil }
            guard let number = Double(text), range.contains(number) else {
                throw wrong("a number", text, "one from \(range.lowerBound) to \(range.upperBound)")
            }
            return number
        }
        func accuracy(_ text: Substring) throws(TensorError) -> Accuracy? {
            let total = 1_000_000_000
            guard let share = try number(text, 0...1) else { return nil }
            return Accuracy(correct: Int((share * Double(total)).rounded()), total: total)
        }
        var epochs: [EpochRecord] = []
        for line in lines.dropFirst() {
            let cells = line.split(separator: ",", omittingEmptySubsequences: false)
            let whole = -1e300...1e300
            guard cells.count == 6, let epoch = Int(cells[0]),
                let loss = try number(cells[1], whole)
            else { throw wrong("line \(epochs.count + 2)", line, "an epoch's six values") }
            epochs.append(
                EpochRecord(
                    epoch: epoch, meanLoss: loss, trainAccuracy: try accuracy(cells[2]),
                    testAccuracy: try accuracy(cells[4]), testLoss: try number(cells[3], whole),
                    duration: .seconds(try number(cells[5], 0...1e15) ?? 0)))
        }
        self.init(epochs: epochs)
    }

    private static let csvNames = "epoch,train_loss,train_accuracy,test_loss,test_accuracy,seconds"

    /// Writes ``jsonData()`` to a file, which is the old one or the new one, whole.
    ///
    /// - Throws: ``FileError`` when the file can't be written.
    public func write(to url: URL) throws { try ParameterFile.write(jsonData(), to: url) }
}
