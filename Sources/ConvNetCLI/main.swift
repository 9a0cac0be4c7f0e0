// SPDX-License-Identifier: MIT
//
// convnet: the command line. Results go to standard output, everything else to standard error. Exit
// status: 0 done, 1 failed, 2 called wrongly.

import ConvNet
import ConvNetOptions
import Foundation

// A reader that has had enough, such as `head`, ends the program quietly.
signal(SIGPIPE, SIG_DFL)

do {
    try CommandLineTool.run(Array(CommandLine.arguments.dropFirst()))
} catch {
    let isUsage = error is UsageError
    FileHandle.standardError.write(Data("convnet: \(CommandLineTool.line(for: error))\n".utf8))
    exit(isUsage ? 2 : 1)
}
