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
        #if CONVNET_EXACT_MEMORY
            // For the sanitizers, a block of its own that is as large as what is used of it: they
            // see what lies beyond the end of a block, and what is used after it was freed, and
            // they take a recycler's lock for an order between threads.
            let capacity = byteCount
            let block = StorageRecycler.shared.takeNew(byteCount)
        #else
            let capacity = StorageRecycler.capacity(for: byteCount)
            let block = StorageRecycler.shared.take(capacity)
        #endif
        guard let address = block else {
            throw TensorError(
                operation: operation, argument: "size", value: "\(byteCount) bytes",
                expected: "no more than the system can allocate")
        }
        self.address = address
        self.byteCount = byteCount
        self.capacity = capacity
    }

    deinit {
        #if CONVNET_EXACT_MEMORY
            free(address)
        #else
            StorageRecycler.shared.put(address, capacity)
        #endif
    }
}
