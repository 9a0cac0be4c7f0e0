// SPDX-License-Identifier: MIT
//
// The order of a step's additions, worked out once for all of its buckets.

import ConvNet

/// How many partial sums each rank has in a step, and how they add up.
struct StepPlan: Sendable {
    let rank: Int
    let ranks: Int
    private let partCounts: [Int]
    private let additions: [ShardLayout.Addition]

    /// The plan of a layout.
    init(_ layout: ShardLayout, rank: Int) {
        self.rank = rank
        ranks = layout.ranks
        partCounts = (0..<layout.ranks).map { layout.partialSums(ofRank: $0).count }
        additions = layout.additions
    }

    /// How many partial sums a rank has.
    func partCount(ofRank rank: Int) -> Int { partCounts[rank] }

    /// Adds up all ranks' partial sums of a range of numbers; they are written over.
    ///
    /// - Parameters:
    ///   - sums: where they lie, rank 0's first.
    ///   - total: where the sum goes; it may be one of them.
    func add(
        _ sums: [UnsafeMutableRawPointer], of scalarType: ScalarType, count: Int,
        to total: UnsafeMutableRawPointer
    ) {
        // In one file with the loops, so that they are compiled for each type in debug builds too.
        switch scalarType {
        case .float32: add(sums, as: Float.self, count: count, to: total)
        case .float64: add(sums, as: Double.self, count: count, to: total)
        }
    }

    private func add<Scalar: TensorScalar>(
        _ sums: [UnsafeMutableRawPointer], as type: Scalar.Type, count: Int,
        to total: UnsafeMutableRawPointer
    ) {
        let sums = sums.map { $0.assumingMemoryBound(to: type) }
        let total = total.assumingMemoryBound(to: type)
        guard let last = additions.last else {
            if let only = sums.first, only != total { total.update(from: only, count: count) }
            return
        }
        // A block at a time, so that what is added again is still in the cache.
        let block = 4096
        for begin in stride(from: 0, to: count, by: block) {
            let end = min(begin + block, count)
            for addition in additions.dropLast() {
                let (target, source) = (sums[addition.target], sums[addition.source])
                for place in begin..<end { target[place] += source[place] }
            }
            // The last one is that of the tree's root.
            let (left, right) = (sums[last.target], sums[last.source])
            for place in begin..<end { total[place] = left[place] + right[place] }
        }
    }
}
