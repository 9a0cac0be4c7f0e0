// SPDX-License-Identifier: MIT
//
// Files that show how training goes while it runs: events for TensorBoard, a table for
// spreadsheets.

import ConvNet
import ConvNetOptions
import ConvNetPlots
import ConvNetSupport
import Foundation

struct TrainingLogs {
    static let options = [
        Option(
            "tensorboard", "DIR",
            "A folder for TensorBoard: losses, accuracies, parameters and first filters."),
        Option("csv", "FILE", "A table of the epochs, written anew after each."),
    ]

    private let folder: URL?
    private let table: URL?
    private var events: EventFile?
    private var history = TrainingHistory()

    /// Takes the options apart.
    ///
    /// - Parameter isWriter: whether this process writes files.
    /// - Throws: ``UsageError`` when a file could not be written.
    init(_ options: Options, isWriter: Bool) throws(UsageError) {
        guard isWriter else {
            (folder, table) = (nil, nil)
            return
        }
        folder = options.string("tensorboard").map { URL(fileURLWithPath: $0) }
        table = try options.outputFile("csv")
    }

    /// Begins, or resumes from a checkpoint.
    mutating func start(at progress: TrainingProgress) throws {
        history = progress.history
        guard let folder else { return }
        let steps = progress.history.stepLosses.count
        events = try EventFile(in: folder, startingAt: steps > 0 ? steps + 1 : 0)
    }

    /// Writes a step.
    func report(_ event: TrainingEvent) throws {
        guard let events, case .step(let record) = event else { return }
        try events.write(
            [("train/loss", record.loss), ("train/learning_rate", record.learningRate)],
            step: (record.epoch - 1) * record.stepsPerEpoch + record.step)
    }

    /// Writes an epoch.
    ///
    /// - Parameter network: the one that was evaluated.
    mutating func endEpoch(_ record: EpochRecord, of network: Network) throws {
        history.epochs.append(record)
        if let table {
            let text = Array(history.csv.utf8)
            try text.withUnsafeBytes { try AtomicFile.write($0, to: table.path) }
        }
        guard let events else { return }
        let step = record.epoch * history.stepsPerEpoch
        var scalars = [("epoch/train_loss", record.meanLoss)]
        let seconds = record.duration / .seconds(1)
        if let accuracy = record.trainAccuracy {
            scalars.append(("epoch/train_accuracy", accuracy.fraction))
            scalars.append(("epoch/images_per_second", Double(accuracy.total) / seconds))
        }
        if let accuracy = record.testAccuracy {
            scalars.append(("epoch/test_accuracy", accuracy.fraction))
        }
        if let loss = record.testLoss { scalars.append(("epoch/test_loss", loss)) }
        try events.write(scalars, step: step)
        for (name, value) in network.parameters {
            try events.write(histogramOf: value, name: name, step: step)
        }
        try writeFilters(of: network, to: events, step: step)
    }

    /// The first layer's filters as a picture, where there is a convolution.
    private func writeFilters(of network: Network, to events: EventFile, step: Int) throws {
        guard let filters = try? FirstLayer.filters(of: network) else { return }
        let picture = try Picture.filters(filters, limit: 64)
        try events.write(
            png: picture.bytes(.png, scale: 1), width: Int(picture.width),
            height: Int(picture.height), name: "first_filters", step: step)
    }
}
