// SPDX-License-Identifier: MIT
//
// convnet curves: several trainings in one picture.

import ConvNet
import ConvNetOptions
import ConvNetPlots
import ConvNetSupport
import Foundation

enum CurvesCommand: Command {
    static let name = "curves"
    static let summary = "Draws the losses and accuracies of several trainings in one picture."
    static let operands = "RUN…"
    static let example = "convnet curves first.json second.csv third.checkpoint --out curves.png"
    static let options = [
        Option("names", "LIST", "What the runs are called, with commas between; their files."),
        .picture,
    ]

    static func run(_ options: Options) throws {
        guard !options.operands.isEmpty else {
            throw UsageError(
                "no run, expected files of --history, --csv or --checkpoint")
        }
        guard options.operands.count <= Picture.mostRuns else {
            throw UsageError(
                "\(options.operands.count) runs, expected at most \(Picture.mostRuns)")
        }
        let output = try options.requiredPicture()
        let files = options.operands.map { URL(fileURLWithPath: $0) }
        let names =
            options.string("names")?.split(separator: ",", omittingEmptySubsequences: false)
            .map(String.init) ?? files.map(\.lastPathComponent)
        guard names.count == files.count else {
            throw UsageError(
                "--names is \(options.string("names") ?? ""), expected \(files.count), "
                    + "one for each run")
        }
        let runs = try zip(files, names).map { file, name in
            let history = try RunFile.history(in: file)
            guard !history.epochs.isEmpty else {
                throw FileError(
                    file: file.path, problem: "has no epochs", expected: "at least one")
            }
            return TrainingRun(name: CommandLineTool.line(name), curves: history.curves)
        }
        try Picture.learningCurves(of: runs).write(to: output)
        print("wrote \(output.path)")
    }
}

/// A file that records how a training went.
enum RunFile {
    /// The largest text that is read, in bytes.
    private static let largestText = TrainingHistory.largestJSON

    /// What a file of `--history`, `--csv` or `--checkpoint` records.
    ///
    /// - Throws: ``FileError`` when it can't be read or is none of them.
    static func history(in file: URL) throws -> TrainingHistory {
        // A checkpoint begins with the size of its header, in eight bytes of which the
        // last are zeros.
        let start = try FileHandle(forReadingFrom: file).read(upToCount: 8) ?? Data()
        guard !start.contains(0) else {
            return try Checkpoint(contentsOf: file).progress.history
        }
        let bytes = try FileBytes.contents(of: file.path, limit: largestText)
        guard start.first == UInt8(ascii: "{") else {
            return try table(String(decoding: bytes, as: UTF8.self), file: file.path)
        }
        do {
            return try TrainingHistory(jsonData: Data(bytes))
        } catch {
            throw FileError(
                file: file.path, problem: "is not a history",
                expected: "what train --history writes")
        }
    }

    private static func table(_ text: String, file: String) throws(FileError) -> TrainingHistory {
        do throws(TensorError) {
            return try TrainingHistory(csv: text)
        } catch {
            throw FileError(
                file: file, problem: "\(error.argument) is \(CommandLineTool.line(error.value))",
                expected: error.expected)
        }
    }
}

extension TrainingHistory {
    /// What a picture shows of a training.
    var curves: LearningCurves {
        // A curve has no gaps: one with a number that is missing is nowhere.
        func whole(_ values: [Double?]) -> [Double] {
            let found = values.compactMap { $0 }
            return found.count == values.count ? found : []
        }
        return LearningCurves(
            trainLoss: epochs.map(\.meanLoss), testLoss: whole(epochs.map(\.testLoss)),
            trainAccuracy: whole(epochs.map { $0.trainAccuracy?.fraction }),
            testAccuracy: whole(epochs.map { $0.testAccuracy?.fraction }))
    }
}
