// SPDX-License-Identifier: MIT
//
// How training is watched: a bar on a terminal, plain lines in a log, JSON lines for programs.

import ConvNet
import ConvNetOptions
import Foundation

/// Tells people or programs how training goes.
protocol TrainingReport {
    mutating func start(samples: Int, epochs: Int, threads: Int)
    mutating func report(_ event: TrainingEvent) throws
    mutating func wrote(_ path: String)
}

/// What all reports measure.
struct TrainingClock {
    private let start = ContinuousClock.now
    private let totalSamples: Double

    /// A clock that starts now. In `Double`: people ask for more epochs than `Int` can count.
    init(samples: Int, epochs: Int) { totalSamples = Double(samples) * Double(epochs) }

    /// Images a second since the start, evaluations included.
    func rate(_ seen: Int) -> Double { Double(seen) / max(elapsed, 1e-9) }

    /// Seconds until the end at the rate so far.
    func remaining(_ seen: Int) -> Double { (totalSamples - Double(seen)) / rate(seen) }

    private var elapsed: Double { (ContinuousClock.now - start) / .seconds(1) }
}

/// A line every so many steps and every epoch.
struct PlainLines: TrainingReport {
    private var clock = TrainingClock(samples: 1, epochs: 1)
    private var epochs = 0
    private static let stepsBetweenLines = 100

    mutating func start(samples: Int, epochs: Int, threads: Int) {
        clock = TrainingClock(samples: samples, epochs: epochs)
        self.epochs = epochs
        printNow("training on \(samples) images, \(epochs) epochs, \(threads) threads")
    }

    mutating func report(_ event: TrainingEvent) {
        switch event {
        case .step(let step):
            guard step.step % Self.stepsBetweenLines == 0 else { return }
            printNow(
                "epoch \(step.epoch)/\(epochs) step \(step.step)/\(step.stepsPerEpoch) "
                    + "loss \(format("%.4f", step.loss)) "
                    + "\(format("%.0f", clock.rate(step.samplesSeen))) images/s")
        case .epoch(let record): printNow(epochLine(record, of: epochs))
        }
    }

    func wrote(_ path: String) { printNow("wrote \(path)") }
}

/// A bar that is drawn over itself on standard error, and a line an epoch.
struct ProgressBar: TrainingReport {
    private var clock = TrainingClock(samples: 1, epochs: 1)
    private var epochs = 0
    private var lastDrawn = ContinuousClock.now - .seconds(1)

    mutating func start(samples: Int, epochs: Int, threads: Int) {
        clock = TrainingClock(samples: samples, epochs: epochs)
        self.epochs = epochs
        printNow("training on \(samples) images, \(epochs) epochs, \(threads) threads")
    }

    mutating func report(_ event: TrainingEvent) {
        switch event {
        case .step(let step):
            guard ContinuousClock.now - lastDrawn >= .milliseconds(100) else { return }
            lastDrawn = .now
            let width = 24
            let done = width * step.step / step.stepsPerEpoch
            let bar =
                String(repeating: "#", count: done) + String(repeating: "-", count: width - done)
            let seconds = Int(min(clock.remaining(step.samplesSeen).rounded(.up), 1e9))
            draw(
                "epoch \(step.epoch)/\(epochs) [\(bar)] loss \(format("%.4f", step.loss)) "
                    + "\(format("%.0f", clock.rate(step.samplesSeen))) images/s, "
                    + "\(seconds / 60):\(format("%02d", seconds % 60)) left")
        case .epoch(let record):
            draw("")
            printNow(epochLine(record, of: epochs))
        }
    }

    func wrote(_ path: String) { printNow("wrote \(path)") }

    /// Writes over the line; clearing to its end leaves nothing of a longer one.
    private func draw(_ text: String) {
        FileHandle.standardError.write(Data("\r\(text)\u{1B}[K".utf8))
    }
}

/// A JSON object a line.
struct JSONLines: TrainingReport {
    private struct Epoch: Encodable {
        let epoch: Int
        let loss: Double
        let test_accuracy: Double?
        let test_correct: Int?
        let test_total: Int?
        let seconds: Double
    }
    private struct Written: Encodable { let wrote: String }

    mutating func start(samples: Int, epochs: Int, threads: Int) {}

    mutating func report(_ event: TrainingEvent) throws {
        guard case .epoch(let record) = event else { return }
        try CommandLineTool.printJSON(
            Epoch(
                epoch: record.epoch, loss: record.meanLoss,
                test_accuracy: record.testAccuracy?.fraction,
                test_correct: record.testAccuracy?.correct, test_total: record.testAccuracy?.total,
                seconds: record.duration / .seconds(1)), pretty: false)
        fflush(nil)
    }

    func wrote(_ path: String) {
        try? CommandLineTool.printJSON(Written(wrote: path), pretty: false)
    }
}

/// Prints a line at once: a log that is watched through a pipe would get it kilobytes later.
private func printNow(_ line: String) {
    print(line)
    fflush(nil)
}

/// A number in one of C's formats.
func format(_ format: String, _ number: some CVarArg) -> String { String(format: format, number) }

/// `accuracy 0.9890 (9890/10000)`. Cut, not rounded: 0.99996 is not 1.
func accuracyText(_ accuracy: Accuracy) -> String {
    let tenThousandths = accuracy.correct * 10_000 / accuracy.total
    return "accuracy \(tenThousandths / 10_000).\(format("%04d", tenThousandths % 10_000)) "
        + "(\(accuracy.correct)/\(accuracy.total))"
}

private func epochLine(_ record: EpochRecord, of epochs: Int) -> String {
    let accuracy = record.testAccuracy.map { " test \(accuracyText($0))" } ?? ""
    return "epoch \(record.epoch)/\(epochs) loss \(format("%.4f", record.meanLoss))\(accuracy) "
        + "\(format("%.1f", record.duration / .seconds(1))) s"
}
