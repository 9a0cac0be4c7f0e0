// SPDX-License-Identifier: MIT
//
// The memory behind a tensor: 64-byte aligned, so that a vector load never straddles a cache line,
// and recycled, because a training step frees and asks for the same sizes over and over, and
// fresh pages from the system cost more than many a kernel.

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A block of aligned memory with one owner; tensors share it and copy before they write.
package final class TensorStorage: @unchecked Sendable {
    // Sendable although it hands out mutable memory: only a holder that has checked that it is
    // the only one writes (see `Tensor.withUnsafeMutableScalars`).

    /// The start of the block, aligned to ``alignment`` bytes.
    package let address: UnsafeMutableRawPointer
    /// The usable size of the block in bytes.
    package let byteCount: Int
    private let capacity: Int

    /// The alignment of every block in bytes: one cache line, one AVX-512 vector.
    package static let alignment = 64

    /// Uninitialised memory for `byteCount` bytes.
    ///
    /// - Throws: ``TensorError`` when the system has no such memory to give.
    package init(byteCount: Int, operation: String) throws(TensorError) {
        let capacity = StorageRecycler.capacity(for: byteCount)
        guard let address = StorageRecycler.shared.take(capacity) else {
            throw TensorError(
                operation: operation, argument: "size", value: "\(byteCount) bytes",
                expected: "no more than the system can allocate")
        }
        self.address = address
        self.byteCount = byteCount
        self.capacity = capacity
    }

    deinit { StorageRecycler.shared.put(address, capacity) }
}

/// Keeps freed blocks for the next request of the same size.
package final class StorageRecycler: @unchecked Sendable {
    // Sendable although it changes: everything that changes is touched under the lock.

    /// The recycler that all tensors share.
    package static let shared = StorageRecycler()

    /// How many bytes of freed blocks are kept at most; beyond it the largest go back to the system.
    package static let largestIdleByteCount = 1 << 30

    private static let hugePage = 2 << 20

    private let lock = Lock()
    /// Blocks by the place of their capacity: a small network's prediction asks so often that hashing
    /// would be felt.
    private var idleBlocks: [[UnsafeMutableRawPointer]] = Array(
        repeating: [], count: 4 * Int.bitWidth)
    private var idleByteCount = 0
    private var allocationCount = 0

    private init() {}

    /// How often the system has been asked for memory since the process started.
    package var systemAllocationCount: Int { lock.withLock { allocationCount } }

    /// The size that a request is rounded up to: the next of four steps between powers of two, so
    /// that similar sizes share blocks and at most a fifth of a block goes unused.
    package static func capacity(for byteCount: Int) -> Int {
        let smallest = 256
        guard byteCount > smallest else { return smallest }
        let powerOfTwo = 1 << (Int.bitWidth - 1 - (byteCount - 1).leadingZeroBitCount)
        let step = max(powerOfTwo / 4, TensorStorage.alignment)
        return (byteCount + step - 1) / step * step
    }

    /// The place of a capacity among all there are, four between powers of two.
    private static func place(of capacity: Int) -> Int {
        let exponent = Int.bitWidth - 1 - (capacity - 1).leadingZeroBitCount
        return 4 * exponent + ((capacity - 1) >> (exponent - 2)) & 3
    }

    /// The capacity at a place.
    private static func capacity(at place: Int) -> Int { (5 + place & 3) << (place / 4 - 2) }

    fileprivate func take(_ capacity: Int) -> UnsafeMutableRawPointer? {
        let recycled = lock.withLock { () -> UnsafeMutableRawPointer? in
            guard let block = idleBlocks[Self.place(of: capacity)].popLast() else {
                allocationCount += 1
                return nil
            }
            idleByteCount -= capacity
            return block
        }
        return recycled ?? Self.allocate(capacity)
    }

    fileprivate func put(_ block: UnsafeMutableRawPointer, _ capacity: Int) {
        let surplus = lock.withLock { () -> [UnsafeMutableRawPointer] in
            guard capacity <= Self.largestIdleByteCount else { return [block] }
            idleBlocks[Self.place(of: capacity)].append(block)
            idleByteCount += capacity
            return takeSurplus()
        }
        for block in surplus { free(block) }
    }

    /// Gives all freed blocks back to the system.
    package func releaseIdleBlocks() {
        let blocks = lock.withLock { () -> [UnsafeMutableRawPointer] in
            defer { idleByteCount = 0 }
            return idleBlocks.indices.flatMap { place in
                defer { idleBlocks[place] = [] }
                return idleBlocks[place]
            }
        }
        for block in blocks { free(block) }
    }

    /// Takes out the largest idle blocks until the others are few enough. Small ones stay: a program
    /// that once held something huge would otherwise ask the system for each tensor ever after.
    private func takeSurplus() -> [UnsafeMutableRawPointer] {
        var surplus: [UnsafeMutableRawPointer] = []
        while idleByteCount > Self.largestIdleByteCount,
            let place = idleBlocks.lastIndex(where: { !$0.isEmpty })
        {
            surplus.append(idleBlocks[place].removeLast())
            idleByteCount -= Self.capacity(at: place)
        }
        return surplus
    }

    private static func allocate(_ capacity: Int) -> UnsafeMutableRawPointer? {
        // Large blocks on huge pages: fewer faults when they are new, fewer misses of the
        // translation buffer ever after.
        let isLarge = capacity >= 2 * hugePage
        var block: UnsafeMutableRawPointer?
        guard
            posix_memalign(&block, isLarge ? hugePage : TensorStorage.alignment, capacity) == 0
        else { return nil }
        #if os(Linux)
            if isLarge { madvise(block, capacity, Int32(MADV_HUGEPAGE)) }
        #endif
        return block
    }
}
