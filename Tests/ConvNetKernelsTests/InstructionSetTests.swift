// SPDX-License-Identifier: MIT
//
// Which instruction set is in use, and how the environment and the caller choose.

import ConvNetKernels
import Foundation
import Testing

@Suite struct InstructionSetTests {
    @Test func theBestIsTheLastSupported() {
        #expect(InstructionSet.supported.last == InstructionSet.best)
        #expect(InstructionSet.supported.first == .portable)
    }

    @Test(arguments: InstructionSet.supported)
    func aForcedSetIsTheOneInUse(_ set: InstructionSet) throws {
        #expect(try NativeKernels(instructionSet: set).instructionSet == set)
        #expect(try InstructionSet.fromEnvironment(set.rawValue) == set)
        #expect(set.productKernelName.hasSuffix(set.rawValue))
    }

    @Test func unknownAndMissingSetsAreNamed() {
        let supported = InstructionSet.supported.map(\.rawValue).joined(separator: ", ")
        let missing = InstructionSet.allCases.filter { !$0.isSupported }
        for name in ["avx9"] + missing.map(\.rawValue) {
            let error = #expect(throws: TensorError.self) {
                try InstructionSet.fromEnvironment(name)
            }
            #expect(
                error?.description
                    == "NativeKernels: CONVNET_ISA is \(name), expected one of \(supported) on this CPU"
            )
        }
    }

    @Test(
        .enabled(
            if: ProcessInfo.processInfo.environment["CONVNET_ISA"] != nil, "CONVNET_ISA is not set")
    )
    func theEnvironmentIsFollowed() throws {
        let name = ProcessInfo.processInfo.environment["CONVNET_ISA"]
        #expect(NativeKernels().instructionSet.rawValue == name)
    }

    @Test(arguments: [0, -1, 1025, Int.max])
    func threadCountsAreChecked(_ threads: Int) {
        let error = #expect(throws: TensorError.self) { try NativeKernels(threads: threads) }
        #expect(
            error?.description == "NativeKernels: threads is \(threads), expected from 1 to 1024")
    }
}
