// SPDX-License-Identifier: MIT
//
// A network with batch normalization on several ranks: the running statistics in its files are the
// same bytes too, after a rank was killed as well.

import ConvNet
import ConvNetTestSupport
import Foundation
import Testing

extension MPITests {
    @Suite struct ResNet {
        /// Twenty steps of ten images, over eight shards.
        private static func training(in folder: URL) throws -> [String] {
            try writeDigitFiles(training: 100, test: 10, to: folder)
            return [
                "train", "--network", "resnet20", "--data", folder.path, "--batch-size", "10",
                "--epochs", "2", "--shards", "8", "--augment", "shift", "--threads", "1",
            ]
        }

        /// The files of a training that nothing interrupts.
        private static func files(
            ranks: Int
        ) throws -> (network: Data, checkpoint: [NamedTensor]) {
            try withTemporaryFolder { folder in
                let files = ["p", "c"].map { folder.appendingPathComponent($0) }
                let run = try MPIRun.run(
                    ranks: ranks,
                    training(in: folder) + [
                        "--out", files[0].path, "--checkpoint", files[1].path,
                    ], in: folder)
                try #require(run.status == 0, "\(run)")
                return (
                    try Data(contentsOf: files[0]), try Safetensors.contents(of: files[1]).tensors
                )
            }
        }

        private static let one = Result { try files(ranks: 1) }

        @Test(arguments: [2, 3]) func anyNumberOfRanksWritesTheSameBytes(_ ranks: Int) throws {
            let (one, many) = (try Self.one.get(), try Self.files(ranks: ranks))
            #expect(many.network == one.network)
            #expect(many.checkpoint.map(\.name) == one.checkpoint.map(\.name))
            #expect(many.checkpoint.map(\.value) == one.checkpoint.map(\.value))
            #expect(one.checkpoint.contains { $0.name == "3.b1.mean" })
        }

        /// A checkpoint at each step; the rank that is killed is not the one that writes.
        @Test func aRankIsKilledAndOthersGoOn() throws {
            try withTemporaryFolder { folder in
                let (checkpoint, out) = (
                    folder.appendingPathComponent("c"), folder.appendingPathComponent("p")
                )
                let arguments =
                    try Self.training(in: folder) + [
                        "--checkpoint", checkpoint.path, "--checkpoint-every", "1", "--out",
                        out.path,
                    ]
                let run = try MPIRun([(3, arguments, [])], in: folder)
                run.wait { FileManager.default.fileExists(atPath: checkpoint.path) }
                kill(try #require(run.processOfRank(1), "\(run)"), SIGKILL)
                run.process.waitUntilExit()
                #expect(run.status != 0, "\(run)")
                #expect(!FileManager.default.fileExists(atPath: out.path))

                let resumed = try MPIRun.run(
                    ranks: 2, arguments + ["--resume", checkpoint.path], in: folder)
                try #require(resumed.status == 0, "\(resumed)")
                #expect(try Data(contentsOf: out) == Self.one.get().network, "\(resumed)")
            }
        }
    }
}
