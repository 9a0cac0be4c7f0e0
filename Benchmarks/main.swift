// SPDX-License-Identifier: MIT
//
// Benchmarks: is the fast backend right on this machine, and how fast is it?

import ConvNetOptions
import Foundation

signal(SIGPIPE, SIG_DFL)

do {
    exit(try BenchmarkTool.run(Array(CommandLine.arguments.dropFirst())))
} catch {
    FileHandle.standardError.write(Data("Benchmarks: \(error)\n".utf8))
    exit(error is UsageError ? 2 : 1)
}
