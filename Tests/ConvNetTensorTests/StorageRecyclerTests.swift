// SPDX-License-Identifier: MIT
//
// Which freed blocks are kept: those that are used again, and never more than a limit.

import ConvNetTensor
import Testing

@Suite struct StorageRecyclerTests {
    @Test(arguments: [1, 255, 256, 257, 1000, 4096, 4097, 100_000, 1 << 20, 123_456_789])
    func capacitiesHoldTheirRequestsAndWasteLittle(_ byteCount: Int) {
        let capacity = StorageRecycler.capacity(for: byteCount)
        #expect(capacity >= byteCount)
        #expect(capacity <= max(byteCount + byteCount / 4 + 64, 256))
        #expect(capacity % 64 == 0)
        #expect(StorageRecycler.capacity(for: capacity) == capacity)
    }

    @Test func capacitiesGrow() {
        var previous = 0
        for byteCount in stride(from: 1, to: 100_000, by: 7) {
            let capacity = StorageRecycler.capacity(for: byteCount)
            #expect(capacity >= previous)
            previous = capacity
        }
    }

    private static let megabyte = 1 << 20

    /// Takes a block of some megabytes and gives it back.
    private static func use(_ megabytes: Int, _ recycler: StorageRecycler) throws {
        try useTogether([megabytes * megabyte], recycler)
    }

    /// Takes blocks and gives them back, in the same order.
    private static func useTogether(_ capacities: [Int], _ recycler: StorageRecycler) throws {
        let blocks = try capacities.map { try #require(recycler.take($0)) }
        for (block, capacity) in zip(blocks, capacities) { recycler.put(block, capacity) }
    }

    /// What was used long ago makes room for a result that is larger than any of it.
    @Test func theLargestBlockStaysWhereItIsUsedAgain() throws {
        let recycler = StorageRecycler(largestIdleByteCount: 8 * Self.megabyte)
        try Self.useTogether([2, 2, 3].map { $0 * Self.megabyte }, recycler)
        for turn in 0..<5 {
            try Self.use(6, recycler)
            try Self.use(2, recycler)
            #expect(recycler.systemAllocationCount == 5, "turn \(turn)")
        }
    }

    @Test func theBlockThatWasIdleForLongestIsFreedFirst() throws {
        let recycler = StorageRecycler(largestIdleByteCount: 9 * Self.megabyte)
        for size in [2, 3, 4] { try Self.use(size, recycler) }
        try Self.use(2, recycler)  // Now 3 is the one that was idle for longest.
        try Self.use(1, recycler)
        #expect(recycler.systemAllocationCount == 4)
        for size in [1, 2, 4] { try Self.use(size, recycler) }
        #expect(recycler.systemAllocationCount == 4)
        try Self.use(3, recycler)
        #expect(recycler.systemAllocationCount == 5)
    }

    @Test func smallBlocksStay() throws {
        let recycler = StorageRecycler(largestIdleByteCount: 8 * Self.megabyte)
        let small = Array(repeating: 1000, count: 50).map(StorageRecycler.capacity)
        try Self.useTogether(small, recycler)
        // With the small ones this is too much: it goes, although it is the latest.
        try Self.use(8, recycler)
        try Self.useTogether(small, recycler)
        #expect(recycler.systemAllocationCount == small.count + 1)
        try Self.use(8, recycler)
        #expect(recycler.systemAllocationCount == small.count + 2)
    }

    @Test func moreThanIsKeptIsNot() throws {
        let recycler = StorageRecycler(largestIdleByteCount: Self.megabyte)
        for _ in 0..<2 { try Self.use(2, recycler) }
        #expect(recycler.systemAllocationCount == 2)
        try Self.useTogether(Array(repeating: 1 << 19, count: 3), recycler)
        try Self.useTogether(Array(repeating: 1 << 19, count: 3), recycler)
        #expect(recycler.systemAllocationCount == 6)
    }

    @Test func releasedBlocksAreGone() throws {
        let recycler = StorageRecycler()
        try Self.use(1, recycler)
        recycler.releaseIdleBlocks()
        try Self.use(1, recycler)
        #expect(recycler.systemAllocationCount == 2)
    }
}
