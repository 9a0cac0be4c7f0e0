// SPDX-License-Identifier: MIT
//
// Any number of ranks and of threads writes the same bytes.

import ConvNet
import ConvNetTestSupport
import Foundation
import Testing

/// Jobs of mpirun's compete for processors: one at a time.
@Suite(
    .serialized,
    .enabled(if: MPIRun.isPossible, "needs mpirun and a convnet-mpi built with --traits MPI"))
struct MPITests {}

extension MPITests {
    @Suite struct SameBytes {
        /// Seventeen samples are left over for the last step: one or two in each of 16 shards.
        private static let training = [
            "train", "--limit", "217", "--epochs", "2", "--augment", "shift,rotate", "--clip",
            "norm:1", "--schedule", "cosine",
        ]

        /// What one rank gives with more settings.
        private static func training(
            ranks: Int, _ more: [String] = []
        ) throws -> (parameters: Data, checkpoint: [NamedTensor], history: TrainingHistory) {
            try withTemporaryFolder { folder in
                let files = ["p", "c", "h"].map { folder.appendingPathComponent($0) }
                let run = try MPIRun.run(
                    ranks: ranks,
                    training + more + [
                        "--out", files[0].path, "--checkpoint", files[1].path, "--history",
                        files[2].path,
                    ], in: folder)
                try #require(run.status == 0, "\(run)")
                // One rank reports it, and no other.
                #expect(run.output.split(separator: "\n").count { $0.hasPrefix("epoch 2/2") } == 1)
                return (
                    try Data(contentsOf: files[0]), try Safetensors.contents(of: files[1]).tensors,
                    try TrainingHistory(jsonData: Data(contentsOf: files[2]))
                )
            }
        }

        private static let one = Result { try training(ranks: 1, ["--threads", "1"]) }

        @Test(arguments: [
            (2, ["--threads", "1"]), (3, ["--threads", "2"]), (4, ["--threads", "1"]),
            (1, ["--threads", "3"]), (2, ["--bucket-size", "4096"]), (5, []),
        ])
        func anyNumberOfRanksWritesThem(_ ranks: Int, _ more: [String]) throws {
            let (one, many) = (try Self.one.get(), try Self.training(ranks: ranks, more))
            #expect(many.parameters == one.parameters)
            // But for the seconds in its header.
            #expect(many.checkpoint.map(\.name) == one.checkpoint.map(\.name))
            #expect(many.checkpoint.map(\.value) == one.checkpoint.map(\.value))
            #expect(many.history.stepLosses == one.history.stepLosses)
            #expect(many.history.epochs.map(\.meanLoss) == one.history.epochs.map(\.meanLoss))
            #expect(
                many.history.epochs.map(\.trainAccuracy) == one.history.epochs.map(\.trainAccuracy))
            #expect(many.history.epochs.map(\.testLoss) == one.history.epochs.map(\.testLoss))
            #expect(
                many.history.epochs.map(\.testAccuracy) == one.history.epochs.map(\.testAccuracy))
        }
    }
}
