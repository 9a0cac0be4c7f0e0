// SPDX-License-Identifier: MIT
//
// Freed blocks of memory, kept for the next request of the same size: a training step frees and
// asks for the same sizes over and over.

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Keeps freed blocks for the next request of the same size.
package final class StorageRecycler: @unchecked Sendable {
    // Sendable although it changes: everything that changes is touched under the lock.

    /// The recycler that all tensors share.
    package static let shared = StorageRecycler()

    /// How many bytes of freed blocks are kept at most.
    private let largestIdleByteCount: Int

    private static let hugePage = 2 << 20
    /// Blocks of so many bytes, or more, go back to the system when they have lain idle for long.
    private static let largeBlock = 1 << 20

    private struct IdleBlock {
        let address: UnsafeMutableRawPointer
        /// How many blocks had been freed when this one was.
        let freed: Int
    }

    private let lock = Lock.ofRecycler
    /// Blocks by the place of their capacity, those that have been idle for longest first: a small
    /// network's prediction asks so often that hashing would be felt.
    private var idleBlocks: [[IdleBlock]] = Array(repeating: [], count: 4 * Int.bitWidth)
    private var idleByteCount = 0
    private var allocationCount = 0
    private var freedCount = 0

    /// A recycler of its own, for tests.
    package init(largestIdleByteCount: Int = 1 << 30) {
        self.largestIdleByteCount = largestIdleByteCount
    }

    deinit { releaseIdleBlocks() }

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

    /// A block of the capacity, or nil when the system has no such memory.
    package func take(_ capacity: Int) -> UnsafeMutableRawPointer? {
        let recycled = lock.withLock { () -> UnsafeMutableRawPointer? in
            guard let block = idleBlocks[Self.place(of: capacity)].popLast() else { return nil }
            idleByteCount -= capacity
            return block.address
        }
        return recycled ?? takeNew(capacity)
    }

    /// A block from the system, or nil when it has no such memory.
    func takeNew(_ capacity: Int) -> UnsafeMutableRawPointer? {
        lock.withLock { allocationCount += 1 }
        return Self.allocate(capacity)
    }

    /// Takes a block back.
    package func put(_ block: UnsafeMutableRawPointer, _ capacity: Int) {
        let surplus = lock.withLock { () -> [UnsafeMutableRawPointer] in
            guard capacity <= largestIdleByteCount else { return [block] }
            idleBlocks[Self.place(of: capacity)].append(
                IdleBlock(address: block, freed: freedCount))
            freedCount &+= 1
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
                return idleBlocks[place].map(\.address)
            }
        }
        for block in blocks { free(block) }
    }

    /// Takes out blocks until the others are few enough: of large ones that which has been idle for
    /// longest, so that what a program asks for again and again stays, however large. Small ones
    /// stay as long as there are large ones: a program that once held something huge would
    /// otherwise ask the system for each tensor from then on.
    private func takeSurplus() -> [UnsafeMutableRawPointer] {
        var surplus: [UnsafeMutableRawPointer] = []
        while idleByteCount > largestIdleByteCount {
            if let place = longestIdlePlace {
                surplus.append(idleBlocks[place].removeFirst().address)
                idleByteCount -= Self.capacity(at: place)
            } else if let place = idleBlocks.lastIndex(where: { !$0.isEmpty }) {
                // There may be millions: the last one is taken out at once.
                surplus.append(idleBlocks[place].removeLast().address)
                idleByteCount -= Self.capacity(at: place)
            } else {
                break
            }
        }
        return surplus
    }

    /// Where the large block lies that has been idle for longest.
    private var longestIdlePlace: Int? {
        var longest: (place: Int, freed: Int)?
        for place in Self.place(of: Self.largeBlock)..<idleBlocks.endIndex {
            guard let freed = idleBlocks[place].first?.freed else { continue }
            if longest.map({ freed < $0.freed }) ?? true { longest = (place, freed) }
        }
        return longest?.place
    }

    private static func allocate(_ capacity: Int) -> UnsafeMutableRawPointer? {
        // Large blocks on huge pages: fewer faults when they are new, fewer misses of the
        // translation buffer later.
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
