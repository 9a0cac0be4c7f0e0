// SPDX-License-Identifier: MIT
//
// What the kernel tests run over: drawn cases on each instruction set that this CPU has.

import ConvNetKernels
import ConvNetReference
import ConvNetTestSupport
import Foundation

/// Cases drawn for each operation and instruction set. Sanitizers make everything slower: where
/// they run, `DRAWN_CASES` asks for fewer.
let drawnCases = ProcessInfo.processInfo.environment["DRAWN_CASES"].flatMap(Int.init) ?? 120

/// The yardstick.
var reference: any Kernels { Yardstick.kernels }

/// What stands for the reference in a task.
enum Yardstick {
    @TaskLocal static var kernels: any Kernels = ReferenceKernels()
}

/// Native kernels on one instruction set; two threads by default.
func native(_ instructionSet: InstructionSet, threads: Int = 2) throws -> NativeKernels {
    try NativeKernels(threads: threads, instructionSet: instructionSet)
}
