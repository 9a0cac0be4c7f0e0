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
        Option(
            "keep-checkpoints", "N",
            "How many to keep: FILE, the one before as FILE.1, and so on; 2."),
        Option("resume", "FILE", "Go on from this checkpoint; --checkpoint is the same file."),
        Option(
            "override", "LIST",
            "With --resume, what may differ from the checkpoint: \(overridable); nothing.",
            choices: settingNames.map(\.option)),
        Option("history", "FILE", "Where to write the losses and accuracies (JSON)."),
    ]

    /// The options that may be overridden, and what a checkpoint calls them.
    private static let settingNames = [(option: "learning-rate", setting: "learningRate")]
    private static let overridable = settingNames.map(\.option).joined(separator: ", ")

    /// Where checkpoints go to and which one is resumed; nil without any.
    ///
    /// - Throws: ``UsageError`` when the options don't go together, and what reading the checkpoint
    ///   throws.
    static func plan(_ options: Options, seed: UInt64) throws -> Checkpoints? {
        let every = try options.int("checkpoint-every")
        let kept = try options.int("keep-checkpoints")
        if let kept, kept > 1000 {
            throw UsageError("--keep-checkpoints is \(kept), expected at most 1000")
        }
        let overriding = try overriding(options)
        let resumed = options.string("resume").map { URL(fileURLWithPath: $0) }
        guard let file = try options.outputFile("checkpoint") ?? options.outputFile("resume") else {
            for (name, value) in [("checkpoint-every", every), ("keep-checkpoints", kept)] {
                guard let value else { continue }
                throw UsageError("--\(name) is \(value), expected --checkpoint beside it")
            }
            return nil
        }
        return try Checkpoints(
            file: file, everySteps: every, kept: kept ?? 2,
            settings: settings(options, seed: seed),
            resuming: resumed.map { try Checkpoint(contentsOf: $0) }, overriding: overriding)
    }

    /// The settings that need not be what they were in the checkpoint.
    private static func overriding(_ options: Options) throws(UsageError) -> Set<String> {
        guard let text = options.string("override") else { return [] }
        var settings: Set<String> = []
        for name in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let known = settingNames.first(where: { $0.option == name }) else {
                throw UsageError("--override is \(text), expected some of \(overridable)")
            }
            guard options.string(known.option) != nil else {
                throw UsageError("--override is \(text), expected --\(known.option) beside it")
            }
            settings.insert(known.setting)
        }
        guard options.string("resume") != nil else {
            throw UsageError("--override is \(text), expected --resume beside it")
        }
        return settings
    }

    /// What must be the same where training is resumed, besides what a trainer knows itself.
    ///
    /// - Throws: ``UsageError`` when there is no network of the name that is given.
    static func settings(_ options: Options, seed: UInt64) throws(UsageError) -> [String: String] {
        var settings = [
            "network": try Networks.name(options), "seed": "\(seed)",
            "initialization": options.string("initialization") ?? "standard",
        ]
        // Only where it is given: checkpoints from before there was one have none.
        settings["from"] = options.string("from")
        if options.has("new-output") { settings["newOutput"] = "true" }
        return settings
    }

    /// What to report of training that was stopped: where, and how to resume.
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

    /// What to report of training that diverged: where, and how to resume with a smaller
    /// learning rate.
    ///
    /// - Parameters:
    ///   - checkpoint: the last good one, if there is any.
    ///   - tool: how the program is called.
    static func divergence(
        _ error: TrainingError, learningRate: Double, from checkpoint: URL?,
        _ checkpoints: Checkpoints?, tool: String
    ) -> Divergence {
        var names = ["learning-rate", "override", "resume"]
        var added = ["--learning-rate", "\(learningRate)"]
        if let checkpoint {
            names.append("checkpoint")
            added += ["--override", "learning-rate", "--resume", checkpoint.path]
            if let file = checkpoints?.file, file != checkpoint {
                added += ["--checkpoint", file.path]
            }
        }
        let how = checkpoint == nil ? "begin again" : "go on from the last good checkpoint"
        return Divergence(
            description: "\(error); \(how) with: \(tool) "
                + "\(arguments(without: names, adding: added))")
    }

    /// The arguments of this call, with the checkpoint to resume.
    private static func resumingArguments(_ file: String) -> String {
        arguments(without: ["resume"], adding: ["--resume", file])
    }

    /// The arguments of this call without some options and their values, and with others.
    private static func arguments(without names: [String], adding added: [String]) -> String {
        var arguments: [String] = []
        var rest = CommandLine.arguments.dropFirst()
        while let argument = rest.popFirst() {
            if names.contains(where: { argument == "--\($0)" }) {
                _ = rest.popFirst()
            } else if !names.contains(where: { argument.hasPrefix("--\($0)=") }) {
                arguments.append(argument)
            }
        }
        return (arguments + added).map(quoted).joined(separator: " ")
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

/// Training that diverged, and how to resume it.
package struct Divergence: Error, CustomStringConvertible {
    /// One line that says where, and the command that resumes it.
    package let description: String
}
