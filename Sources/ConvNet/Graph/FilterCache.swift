// SPDX-License-Identifier: MIT
//
// What kernels keep of a network's filters from one prediction to the next, in one place.

/// The prepacked filters of a network's convolutions.
///
/// Copies of a network share it until the parameters of one may change: that one takes another. May be
/// used from many threads at once.
final class FilterCache: @unchecked Sendable {
    // Sendable although it changes: everything that changes is touched under the lock.
    private var lock: Lock { Lock.survivingForks(for: self) }
    private var filters: [PrepackedFilters] = []
    private let isEager: Bool

    /// An empty one.
    ///
    /// - Parameter isEager: whether filters are prepacked at the first prediction rather than the second.
    init(isEager: Bool = false) { self.isEager = isEager }

    /// Where the filters of each convolution are kept; there are always as many.
    func filters(count: Int) -> [PrepackedFilters] {
        lock.withLock {
            if filters.isEmpty {
                filters = (0..<count).map { _ in PrepackedFilters(isEager: isEager) }
            }
            return filters
        }
    }

    /// Whether nothing was asked for yet.
    var isEmpty: Bool { lock.withLock { filters.isEmpty } }

    /// The bytes that are kept.
    var byteCount: Int {
        // Added up outside: others' locks may be the same one.
        lock.withLock { filters }.reduce(0) { $0 + $1.byteCount }
    }
}
