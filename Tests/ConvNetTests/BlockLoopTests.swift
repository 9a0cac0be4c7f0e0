// SPDX-License-Identifier: MIT
//
// Loops that layers do themselves: each number once, and the same bits on any number of threads.

import ConvNetReference
import ConvNetTestSupport
import Testing

@testable import ConvNet

struct BlockLoopTests {
    @Test(arguments: [1, 2, 3, 7])
    func everyTurnIsDoneOnce(_ threads: Int) throws {
        let kernels = try NativeKernels(threads: threads)
        for count in [0, 1, 8191, 8192, 8193, 50_000] {
            var turns = [UInt8](repeating: 0, count: count)
            try turns.withUnsafeMutableBufferPointer { turns in
                try forEachBlock(of: count, on: kernels) { block in
                    for place in block { turns[place] += 1 }
                }
            }
            #expect(turns.allSatisfy { $0 == 1 }, "\(count)")
        }
    }

    /// Larger than a block, so that threads share the numbers.
    @Test func layersHaveTheSameBitsOnAnyNumberOfThreads() throws {
        var draw = Draw(seed: 5)
        let x = try draw.normal([3, 20, 601])
        let other = try draw.normal([3, 1, 601])
        let ranking = try Ranking(axis: 1, count: 3, isDescending: true, givesIndices: true)
        for (layer, inputs) in [
            (Pointwise(.exponential) as any Layer, [x]), (Selection(.less), [x, other]),
            (Selection(.byTruth), [x, other, x]), (ranking, [x]),
        ] {
            let expected = try layer.predict(inputs, on: ReferenceKernels())
            for threads in [1, 2, 5] {
                let found = try layer.predict(inputs, on: NativeKernels(threads: threads))
                #expect(found.hasSameBits(as: expected), "\(layer) on \(threads)")
            }
        }
    }
}
