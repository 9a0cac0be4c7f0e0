// SPDX-License-Identifier: MIT
//
// Training of a network with batch normalization that is killed and resumed: what it keeps beside
// its parameters, the running statistics, is the same bytes as without the break.

import ConvNet
import ConvNetTestSupport
import Foundation
import Testing

@Suite struct ResNetResumeTests {
    /// A hundred steps and more lines than the page of a pipe that is not read: a training that is
    /// killed after a few steps is not through.
    private static func training(in folder: URL) throws -> [String] {
        try writeDigitFiles(training: 200, test: 10, to: folder)
        return [
            "train", "--network", "resnet20", "--data", folder.path, "--batch-size", "2",
            "--epochs", "1", "--augment", "shift,flip", "--json", "--steps",
        ]
    }

    @Test(arguments: [nil, "3"]) func killedAndResumedItWritesTheSameBytes(
        _ shards: String?
    ) throws {
        try withTemporaryFolder { folder in
            let files = ["whole", "c", "resumed"].map { folder.appendingPathComponent($0) }
            let training =
                try Self.training(in: folder) + (shards.map { ["--shards", $0] } ?? [])
            let whole = try Tool.run(training + ["--threads", "2", "--out", files[0].path])
            try #require(whole.status == 0, "\(whole)")

            let kept =
                training + [
                    "--checkpoint", files[1].path, "--checkpoint-every", "5", "--out",
                    files[2].path,
                ]
            let tool = try RunningProgram(kept + ["--threads", "1"], in: folder)
            tool.wait { tool.output.split(separator: "\n").count { $0.contains("\"step\":") } >= 8 }
            tool.send(SIGKILL)
            tool.wait()
            try #require(tool.process.terminationReason == .uncaughtSignal, "\(tool.error)")
            let checkpoint = try Checkpoint(contentsOf: files[1])
            #expect(checkpoint.progress.steps % 5 == 0 && checkpoint.progress.steps > 0)

            let resumed = try Tool.run(kept + ["--threads", "2", "--resume", files[1].path])
            try #require(resumed.status == 0, "\(resumed)")
            #expect(try Data(contentsOf: files[2]) == Data(contentsOf: files[0]), "\(resumed)")
        }
    }
}
