// SPDX-License-Identifier: MIT
//
// convnet: the command line. Results go to standard output, everything else to standard error. Exit
// status: 0 done, 1 failed, 2 called wrongly, 130 or 143 stopped by Ctrl-C or SIGTERM.

import ConvNetCommands
import Foundation

// A reader that has had enough, such as `head`, ends the program quietly.
signal(SIGPIPE, SIG_DFL)

do {
    try CommandLineTool.run(
        Array(CommandLine.arguments.dropFirst()), tool: "convnet",
        summary: "Convolutional networks: train, evaluate, predict, and show what they see.",
        commands: CommandLineTool.commands)
} catch {
    FileHandle.standardError.write(Data("convnet: \(CommandLineTool.line(for: error))\n".utf8))
    exit(CommandLineTool.status(for: error))
}
