// SPDX-License-Identifier: MIT
//
// convnet-mpi: training on several processes that mpirun starts, on one machine or many.
// Rank 0 reports and writes files; each rank says on standard error what ends it. Exit
// status as convnet's.

import ConvNetCommands
import Foundation

signal(SIGPIPE, SIG_DFL)

do {
    try CommandLineTool.run(
        Array(CommandLine.arguments.dropFirst()), tool: "convnet-mpi",
        summary: "Trains a convolutional network on several processes, by data: mpirun -n 4 "
            + "convnet-mpi train …",
        commands: [TeamTrainCommand.self])
} catch {
    Rank.say(CommandLineTool.line(for: error))
    exit(CommandLineTool.status(for: error))
}
