// SPDX-License-Identifier: MIT
//
// The files that training reads and writes beside its images.

import ConvNet
import ConvNetOptions
import ConvNetPlots
import Foundation

/// Where training's results go, and what it resumes from.
struct TrainingFiles {
    /// The network's file.
    let output: URL?
    /// Checkpoints, and the one that is resumed.
    let checkpoints: Checkpoints?
    private let history: URL?
    private let plot: URL?

    /// Takes the options apart.
    ///
    /// - Parameter isWriter: whether this process writes files; another one need not even see them.
    /// - Throws: ``UsageError`` when a file can't be written, and what reading a checkpoint throws.
    init(_ options: Options, seed: UInt64, isWriter: Bool) throws {
        guard isWriter else {
            (output, checkpoints, history, plot) = (nil, nil, nil, nil)
            return
        }
        output = try options.outputFile("out")
        history = try options.outputFile("history")
        plot = try options.pictureFile("plot")
        checkpoints = try CheckpointOptions.plan(options, seed: seed)
    }

    /// Writes the results of training that were asked for.
    func write(_ result: TrainingHistory, report: inout any TrainingReport) throws {
        if let history {
            try result.write(to: history)
            report.wrote(history.path)
        }
        if let plot, !result.epochs.isEmpty {
            try Picture.learningCurves(result.curves).write(to: plot)
            report.wrote(plot.path)
        }
    }
}
