// SPDX-License-Identifier: MIT
//
// What the kernel tests run over: drawn cases on each instruction set that this CPU has.

import ConvNetKernels
import ConvNetReference
import ConvNetTestSupport

/// Cases drawn for each operation and instruction set.
let drawnCases = 120

/// The yardstick.
let reference = ReferenceKernels()

/// Native kernels on one instruction set; two threads, unless told otherwise.
func native(_ instructionSet: InstructionSet, threads: Int = 2) throws -> NativeKernels {
    try NativeKernels(threads: threads, instructionSet: instructionSet)
}
