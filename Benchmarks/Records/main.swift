// SPDX-License-Identifier: MIT
//
// Records: trainings that others have published figures of, for anyone to repeat.

import ConvNetOptions
import Foundation

signal(SIGPIPE, SIG_DFL)

do {
    try RecordTool.run(Array(CommandLine.arguments.dropFirst()))
} catch {
    FileHandle.standardError.write(Data("Records: \(error)\n".utf8))
    exit(error is UsageError ? 2 : 1)
}
