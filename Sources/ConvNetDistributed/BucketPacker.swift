// SPDX-License-Identifier: MIT
//
// Cutting large tensors into buckets where they lie, and putting small ones together in one.

import ConvNet

/// Makes buckets of tensors that come one after the other.
struct BucketPacker {
    /// A tensor whose sum is wanted.
    private struct Item {
        /// The rank's partial sums of it, each with numbers of its own.
        var partialSums: [Tensor]
        /// Where the total goes: the first partial sum, or a tensor for it alone.
        var total: Tensor
    }

    private let plan: StepPlan
    private let bucketByteCount: Int
    private let submit: (Bucket) throws -> Void
    private var items: [Item] = []
    private var itemByteCount = 0
    private var bucketCount = 0

    /// A packer of nothing.
    ///
    /// - Parameter submit: called with each bucket.
    init(
        _ plan: StepPlan, bucketByteCount: Int, submit: @escaping (Bucket) throws -> Void
    ) {
        self.plan = plan
        self.bucketByteCount = bucketByteCount
        self.submit = submit
    }

    /// Takes a tensor in.
    ///
    /// - Returns: the tensor in which its sum will be.
    mutating func add(_ partialSums: consuming [Tensor], like model: Tensor) throws -> Tensor {
        for place in partialSums.indices {
            try partialSums[place].makeUnique(operation: "MPIAverager")
        }
        let total =
            try partialSums.first
            ?? Tensor(
                uninitialized: model.shape, scalarType: model.scalarType, operation: "MPIAverager")
        let item = Item(partialSums: partialSums, total: total)
        let byteCount = total.count * total.scalarType.byteCount
        let isOther = items.first.map { $0.total.scalarType != total.scalarType } ?? false
        if isOther || itemByteCount + byteCount > bucketByteCount { try flush() }
        if byteCount >= bucketByteCount {
            try cut(item)
        } else {
            items.append(item)
            itemByteCount += byteCount
        }
        return total
    }

    /// Cuts a large tensor into buckets of about the same size.
    private mutating func cut(_ item: Item) throws {
        let size = item.total.scalarType.byteCount
        let count = item.total.count
        let pieces = (count * size - 1) / bucketByteCount + 1
        let addresses = item.partialSums.map(\.address)
        for piece in 0..<pieces {
            let range = count * piece / pieces..<count * (piece + 1) / pieces
            let offset = range.lowerBound * size
            try submit(
                makeBucket(
                    addresses.map { $0 + offset }, total: item.total.address + offset,
                    count: range.count, item.total.scalarType
                ) { withExtendedLifetime(item) {} })
        }
    }

    /// Makes a bucket of what has come since the last one.
    mutating func flush() throws {
        guard let first = items.first else { return }
        let (items, type) = (self.items, first.total.scalarType)
        (self.items, itemByteCount) = ([], 0)
        let count = items.reduce(0) { $0 + $1.total.count }
        // Where the rank has no samples there is nothing to send, and still a total to come.
        var packed: [Tensor] = []
        for _ in 0..<max(first.partialSums.count, 1) {
            packed.append(
                try Tensor(uninitialized: [count], scalarType: type, operation: "MPIAverager"))
        }
        for (place, sum) in packed.enumerated() where place < first.partialSums.count {
            var address = sum.address
            for item in items { address = item.partialSums[place].copy(to: address) }
        }
        let sums = Array(packed.prefix(first.partialSums.count)).map(\.address)
        try submit(
            makeBucket(sums, total: packed[0].address, count: count, type) { [packed] in
                var address = UnsafeRawPointer(packed[0].address)
                for item in items { address = item.total.fill(from: address) }
            })
    }

    private mutating func makeBucket(
        _ partialSums: [UnsafeMutableRawPointer], total: UnsafeMutableRawPointer, count: Int,
        _ scalarType: ScalarType, completion: @escaping () -> Void
    ) -> Bucket {
        defer { bucketCount += 1 }
        return Bucket(
            partialSums, result: total, count: count, scalarType: scalarType, number: bucketCount,
            plan: plan, completion: completion)
    }
}

extension Tensor {
    private var byteCount: Int { count * scalarType.byteCount }

    /// Copies the numbers to an address, and gives the one behind them.
    fileprivate func copy(to target: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        target.copyMemory(from: address, byteCount: byteCount)
        return target + byteCount
    }

    /// Copies the numbers from an address, and gives the one behind them.
    fileprivate func fill(from source: UnsafeRawPointer) -> UnsafeRawPointer {
        address.copyMemory(from: source, byteCount: byteCount)
        return source + byteCount
    }
}
