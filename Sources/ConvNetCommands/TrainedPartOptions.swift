// SPDX-License-Identifier: MIT
//
// The options that say which part of a network is trained.

import ConvNet
import ConvNetOptions

enum TrainedPartOptions {
    static let options = [
        Option(
            "trainable", "PATTERNS",
            "Train the parameters of these names alone, such as 'fc.*,layer4.*'; '!fc.*' is all "
                + "but those; all."),
        Option(
            "freeze-normalization",
            "Normalize by the running statistics in training too, and keep them."),
    ]

    /// Sets what a trainer trains.
    static func apply(_ options: Options, to trainer: inout Trainer) {
        trainer.trainable = options.string("trainable")?
            .split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        // All of them: patterns of layers are for programs.
        if options.has("freeze-normalization") { trainer.frozenNormalizations = ["*"] }
    }

    /// What is wrong with the options where a trainer refuses what they ask for; nil where it
    /// refuses something else.
    static func mistake(_ error: TensorError) -> UsageError? {
        switch (error.operation, error.argument) {
        case ("training", "trainable"):
            UsageError("--trainable is \(error.value), expected \(error.expected)")
        case ("training", "frozenNormalizations"):
            UsageError(
                "--freeze-normalization is for networks with running statistics, expected none "
                    + "with this one")
        default: nil
        }
    }
}
