// SPDX-License-Identifier: MIT
//
// The options of training that can be interrupted and resumed.

import ConvNet
import ConvNetOptions
import Foundation

enum CheckpointOptions {
    static let options = [
        Option("checkpoint", "FILE", "Where to keep what --resume needs to go on."),
        Option(
            "checkpoint-every", "STEPS",
            "How often to write it; at the end of each epoch, of training, and on Ctrl-C."),
        Option("resume", "FILE", "Go on from this checkpoint; --checkpoint is the same file."),
        Option("history", "FILE", "Where to write the losses and accuracies (JSON)."),
    ]

    /// Where checkpoints go to and which one is resumed; nil without any.
    ///
    /// - Throws: ``UsageError`` when the options don't go together, and what reading the checkpoint
    ///   throws.
    static func plan(_ options: Options, seed: UInt64) throws -> Checkpoints? {
        let every = try options.int("checkpoint-every")
        let resumed = options.string("resume").map { URL(fileURLWithPath: $0) }
        guard let file = try options.outputFile("checkpoint") ?? options.outputFile("resume") else {
            if let every {
                throw UsageError("--checkpoint-every is \(every), expected --checkpoint beside it")
            }
            return nil
        }
        return try Checkpoints(
            file: file, everySteps: every, settings: settings(options, seed: seed),
            resuming: resumed.map { try Checkpoint(contentsOf: $0) })
    }

    /// What must be the same where training goes on, beside what a trainer knows itself.
    ///
    /// - Throws: ``UsageError`` when there is no network of the name that is given.
    static func settings(_ options: Options, seed: UInt64) throws(UsageError) -> [String: String] {
        [
            "network": try Networks.name(options), "seed": "\(seed)",
            "initialization": options.string("initialization") ?? "standard",
        ]
    }

    /// What to tell of training that was stopped: where, and how to go on.
    ///
    /// - Parameter tool: how the program is called.
    static func interruption(
        at place: (epochs: Int, steps: Int), _ checkpoints: Checkpoints?, tool: String
    ) -> Interruption {
        let stopped = "stopped in epoch \(place.epochs + 1) after step \(place.steps)"
        guard let file = checkpoints?.file.path else {
            return Interruption(
                description: "\(stopped); nothing is kept, as --checkpoint was not given")
        }
        return Interruption(
            description: "\(stopped); go on with: \(tool) \(resumingArguments(file))")
    }

    /// The arguments of this call, with the checkpoint to resume.
    private static func resumingArguments(_ file: String) -> String {
        var arguments: [String] = []
        var rest = CommandLine.arguments.dropFirst()
        while let argument = rest.popFirst() {
            if argument == "--resume" {
                _ = rest.popFirst()
            } else if !argument.hasPrefix("--resume=") {
                arguments.append(argument)
            }
        }
        return (arguments + ["--resume", file]).map(quoted).joined(separator: " ")
    }

    /// A word as a shell needs it.
    private static func quoted(_ word: String) -> String {
        let plain = word.allSatisfy {
            $0.isASCII && ($0.isLetter || $0.isNumber || "-_./=:,+@%".contains($0))
        }
        guard !plain || word.isEmpty else { return word }
        return "'" + word.replacingOccurrences(of: "'", with: "'\\''") + "'"
    }
}
