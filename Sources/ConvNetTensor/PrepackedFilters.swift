// SPDX-License-Identifier: MIT
//
// PrepackedFilters: what kernels make of a convolution's filters before they convolve, packed or
// transformed, kept from one prediction to the next.

/// A place where kernels keep a convolution's filters in the layout that they read, so that
/// repeated predictions don't pack or transform them each time.
///
/// A layer holds one, and takes a new one when its filters may change. Kernels decide what they
/// keep; results are the same bits with and without. May be used from many threads at once.
public final class PrepackedFilters: @unchecked Sendable {
    // Sendable although it changes: everything that changes is touched under the lock.

    /// How filters are laid out. Kernels give the numbers their meaning.
    package struct Layout: Hashable, Sendable {
        package let way: Int
        package let instructionSet: Int
        package let groups: Int

        package init(way: Int, instructionSet: Int, groups: Int) {
            (self.way, self.instructionSet, self.groups) = (way, instructionSet, groups)
        }
    }

    private struct Prepacked {
        let layout: Layout
        /// The filters that were prepacked. As long as they are held here, their numbers can't
        /// change: a writer copies them first.
        let weights: Tensor
        let filters: Tensor
    }

    private enum Answer {
        case use(Tensor)
        case prepare
        case doWithout
    }

    private var lock: Lock { Lock.survivingForks(for: self) }
    private var prepacked: Prepacked?
    /// The layout of the last request, if it could not be served.
    private var asked: Layout?
    private var isPreparing = false

    /// Whether the first request is worth it already.
    private let isEager: Bool

    /// An empty one.
    ///
    /// - Parameter isEager: whether filters are prepacked at the first request rather
    ///   than the second.
    public init(isEager: Bool = false) { self.isEager = isEager }

    /// The bytes that are kept.
    package var byteCount: Int {
        lock.withLock { (prepacked?.filters.count ?? 0) * MemoryLayout<Float>.size }
    }

    /// The filters in a layout, or nil where they are not worth preparing yet: that is done at the
    /// second request in a row for the same layout, so that a single prediction pays nothing. One
    /// layout is kept. While a thread prepares filters, the others do without.
    ///
    /// - Parameters:
    ///   - weights: the filters.
    ///   - prepare: makes them; nil when there is no memory for it.
    package func filters(
        of weights: Tensor, in layout: Layout, prepare: () -> Tensor?
    ) -> Tensor? {
        switch lock.withLock({ answer(weights, layout) }) {
        case .use(let filters): return filters
        case .doWithout: return nil
        case .prepare: break
        }
        let filters = prepare()
        lock.withLock {
            isPreparing = false
            guard let filters else { return }
            prepacked = Prepacked(layout: layout, weights: weights, filters: filters)
        }
        return filters
    }

    private func answer(_ weights: Tensor, _ layout: Layout) -> Answer {
        if let prepacked, prepacked.layout == layout, prepacked.weights.sharesNumbers(with: weights)
        {
            asked = nil
            return .use(prepacked.filters)
        }
        guard asked == layout || isEager, !isPreparing else {
            asked = layout
            return .doWithout
        }
        asked = nil
        isPreparing = true
        // Released first: the new ones take their memory.
        prepacked = nil
        return .prepare
    }
}
