// SPDX-License-Identifier: MIT
//
// How training is watched: a bar on a terminal, plain lines in a log, JSON lines for programs.

import ConvNet
import ConvNetOptions
import Foundation

/// What is about to be done.
struct TrainingStart {
    let samples: Int
    let batchSize: Int
    let epochs: Int
    let threads: Int
    /// How many processes train together.
    var ranks = 1
    /// How far training has come before; nil at the beginning.
    let resumed: TrainingProgress?
    /// What epochs are judged by: the test images, or those that are held out.
    var judge = "test"
    /// The settings that the network's recipe has led to, for people; nil where there is none.
    var recipe: String?

    /// How many images training went through before.
    var samplesBefore: Int {
        guard let resumed else { return 0 }
        // Figures of a file may be beyond counting.
        let seen =
            Double(resumed.epochs) * Double(samples) + Double(resumed.steps) * Double(batchSize)
        return Int(min(seen, 1e15))
    }

    /// A line for people, and one for the recipe where there is one.
    var line: String {
        let from = resumed.map { ", from epoch \($0.epochs + 1) after step \($0.steps) on" } ?? ""
        let team = ranks > 1 ? " in each of \(ranks) ranks" : ""
        let recipe = recipe.map { "\nrecipe: \($0)" } ?? ""
        return "training on \(samples) images, \(epochs) epochs, \(threads) threads\(team)\(from)"
            + recipe
    }
}

/// Reports to people or programs how training goes.
protocol TrainingReport {
    mutating func start(_ start: TrainingStart)
    mutating func report(_ event: TrainingEvent) throws
    mutating func shared(_ communication: TeamMember.Communication) throws
    mutating func tested(_ accuracy: Accuracy) throws
    mutating func wrote(_ path: String)
}

/// Reports nothing, where another process reports.
struct NoReport: TrainingReport {
    func start(_ start: TrainingStart) {}
    func report(_ event: TrainingEvent) {}
    func shared(_ communication: TeamMember.Communication) {}
    func tested(_ accuracy: Accuracy) {}
    func wrote(_ path: String) {}
}

/// What all reports measure.
struct TrainingClock {
    private let start = ContinuousClock.now
    private let totalSamples: Double
    private let before: Int

    /// A clock that starts now. In `Double`: people ask for more epochs than `Int` can count.
    init(samples: Int, epochs: Int, before: Int = 0) {
        totalSamples = Double(samples) * Double(epochs)
        self.before = before
    }

    /// A clock for what is about to be done.
    init(_ start: TrainingStart) {
        self.init(samples: start.samples, epochs: start.epochs, before: start.samplesBefore)
    }

    /// Images a second since the start, evaluations included.
    func rate(_ seen: Int) -> Double { Double(seen - before) / max(elapsed, 1e-9) }

    /// Seconds until the end at the rate so far.
    func remaining(_ seen: Int) -> Double { (totalSamples - Double(seen)) / max(rate(seen), 1e-9) }

    /// The rate so far, and the time until the end: `1234 images/s, 1:23 left`.
    func progress(_ seen: Int) -> String {
        let seconds = Int(min(remaining(seen).rounded(.up), 1e9))
        let (minutes, rest) = (seconds / 60, format("%02d", seconds % 60))
        let time =
            minutes < 60
            ? "\(minutes):\(rest)" : "\(minutes / 60):\(format("%02d", minutes % 60)):\(rest)"
        return "\(format("%.0f", rate(seen))) images/s, \(time) left"
    }

    private var elapsed: Double { (ContinuousClock.now - start) / .seconds(1) }
}

/// A line every so many steps and every epoch.
struct PlainLines: TrainingReport {
    private var clock = TrainingClock(samples: 1, epochs: 1)
    private var epochs = 0
    private var judge = ""
    private static let stepsBetweenLines = 100

    mutating func start(_ start: TrainingStart) {
        clock = TrainingClock(start)
        (epochs, judge) = (start.epochs, start.judge)
        printNow(start.line)
    }

    mutating func report(_ event: TrainingEvent) {
        switch event {
        case .step(let step):
            guard step.step % Self.stepsBetweenLines == 0 else { return }
            printNow(
                "epoch \(step.epoch)/\(epochs) step \(step.step)/\(step.stepsPerEpoch) "
                    + "loss \(format("%.4f", step.loss)) \(clock.progress(step.samplesSeen))")
        case .epoch(let record): printNow(epochLine(record, of: epochs, judge))
        case .started, .evaluation, .checkpoint, .interrupted: break
        }
    }

    func shared(_ communication: TeamMember.Communication) { printNow(line(communication)) }

    func tested(_ accuracy: Accuracy) { printNow("test \(accuracyText(accuracy))") }

    func wrote(_ path: String) { printNow("wrote \(path)") }
}

/// A bar that is drawn over itself on standard error, and a line an epoch.
struct ProgressBar: TrainingReport {
    private var clock = TrainingClock(samples: 1, epochs: 1)
    private var epochs = 0
    private var judge = ""
    private var lastDrawn = ContinuousClock.now - .seconds(1)

    mutating func start(_ start: TrainingStart) {
        clock = TrainingClock(start)
        (epochs, judge) = (start.epochs, start.judge)
        printNow(start.line)
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
            draw(
                "epoch \(step.epoch)/\(epochs) [\(bar)] loss \(format("%.4f", step.loss)) "
                    + clock.progress(step.samplesSeen))
        case .epoch(let record):
            draw("")
            printNow(epochLine(record, of: epochs, judge))
        case .interrupted: draw("")
        case .started, .evaluation, .checkpoint: break
        }
    }

    func shared(_ communication: TeamMember.Communication) { printNow(line(communication)) }

    func tested(_ accuracy: Accuracy) { printNow("test \(accuracyText(accuracy))") }

    func wrote(_ path: String) { printNow("wrote \(path)") }

    /// Writes over the line; clearing to its end leaves nothing of a longer one.
    private func draw(_ text: String) {
        FileHandle.standardError.write(Data("\r\(text)\u{1B}[K".utf8))
    }
}

/// One JSON object per line.
struct JSONLines: TrainingReport {
    /// Whether there is a line for each step.
    let reportsSteps: Bool

    private struct Step: Encodable {
        let epoch: Int
        let step: Int
        let loss: Double
    }
    private struct Epoch: Encodable {
        let epoch: Int
        let loss: Double
        let train_accuracy: Double?
        let test_loss: Double?
        let test_accuracy: Double?
        let test_correct: Int?
        let test_total: Int?
        let seconds: Double
    }
    private struct Place: Encodable {
        var checkpoint: String?
        var interrupted: Bool?
        let epochs_done: Int
        let steps_done: Int
    }
    private struct Tested: Encodable {
        let final_test_accuracy: Double
        let final_test_correct: Int
        let final_test_total: Int
    }
    private struct Recipe: Encodable { let recipe: String }
    private struct Written: Encodable { let wrote: String }
    private struct Shared: Encodable {
        let communication_seconds: Double
        let hidden_share: Double
    }

    mutating func start(_ start: TrainingStart) {
        if let recipe = start.recipe { try? write(Recipe(recipe: recipe)) }
    }

    mutating func report(_ event: TrainingEvent) throws {
        switch event {
        case .step(let record):
            guard reportsSteps else { return }
            try write(Step(epoch: record.epoch, step: record.step, loss: record.loss))
        case .epoch(let record):
            try write(
                Epoch(
                    epoch: record.epoch, loss: record.meanLoss,
                    train_accuracy: record.trainAccuracy?.fraction,
                    test_loss: record.testLoss,
                    test_accuracy: record.testAccuracy?.fraction,
                    test_correct: record.testAccuracy?.correct,
                    test_total: record.testAccuracy?.total,
                    seconds: record.duration / .seconds(1)))
        case .checkpoint(let record):
            try write(
                Place(
                    checkpoint: record.path, epochs_done: record.epochs, steps_done: record.steps))
        case .interrupted(let epochs, let steps):
            try write(Place(interrupted: true, epochs_done: epochs, steps_done: steps))
        case .started, .evaluation: return
        }
    }

    func tested(_ accuracy: Accuracy) throws {
        try write(
            Tested(
                final_test_accuracy: accuracy.fraction, final_test_correct: accuracy.correct,
                final_test_total: accuracy.total))
    }

    func shared(_ communication: TeamMember.Communication) throws {
        try write(
            Shared(
                communication_seconds: communication.seconds,
                hidden_share: communication.hiddenShare))
    }

    func wrote(_ path: String) { try? write(Written(wrote: path)) }

    private func write(_ value: some Encodable) throws {
        try CommandLineTool.printJSON(value, pretty: false)
        fflush(nil)
    }
}

private func line(_ communication: TeamMember.Communication) -> String {
    "gradients travelled for \(format("%.1f", communication.seconds)) s, "
        + "\(format("%.0f", 100 * communication.hiddenShare)) % of it hidden behind computing"
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

private func epochLine(_ record: EpochRecord, of epochs: Int, _ judge: String) -> String {
    let accuracy = record.testAccuracy.map { " \(judge) \(accuracyText($0))" } ?? ""
    return "epoch \(record.epoch)/\(epochs) loss \(format("%.4f", record.meanLoss))\(accuracy) "
        + "\(format("%.1f", record.duration / .seconds(1))) s"
}
