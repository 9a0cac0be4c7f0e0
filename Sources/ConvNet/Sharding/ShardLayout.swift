// SPDX-License-Identifier: MIT
//
// Which rank computes which part of a step's batch, and in which order the results are added up.
// Floating-point sums depend on their order, so the order is that of a fixed binary tree over
// shards: the number of ranks decides which rank adds, never what is added to what.

/// How the samples of a step fall into shards, and the shards to ranks.
///
/// Shard `s` of S has the samples from `n·s/S` to below `n·(s + 1)/S`, rank `r` of R the shards
/// from `S·r/R` to below `S·(r + 1)/R`. The sum over all shards is that of a binary tree: shards 0
/// and 1, 2 and 3 and so on are added, then the sums of two of these, up to one; what has no
/// neighbour goes up as it is. A shard without samples takes no part.
public struct ShardLayout: Sendable, Hashable {
    /// A subtree: the sum over `2^level` shards from number `index · 2^level` on.
    public struct Node: Sendable, Hashable {
        /// How many additions lie one above the other in it.
        public let level: Int
        /// Its place among those of its level.
        public let index: Int
    }

    /// How many samples the step has, over all ranks.
    public let samples: Int
    /// How many shards they fall into.
    public let shards: Int
    /// How many ranks there are.
    public let ranks: Int

    /// A layout; the caller has checked that there is a rank at least, and a shard for each.
    init(samples: Int, shards: Int, ranks: Int) {
        self.samples = samples
        self.shards = shards
        self.ranks = ranks
    }

    /// The places of a shard's samples in the step's batch; empty where there are fewer samples
    /// than shards, and for a number that no shard has.
    public func samples(ofShard shard: Int) -> Range<Int> {
        guard (0..<shards).contains(shard) else { return 0..<0 }
        return samples * shard / shards..<samples * (shard + 1) / shards
    }

    /// The shards that a rank computes; none for a number that no rank has.
    public func shards(ofRank rank: Int) -> Range<Int> {
        guard (0..<ranks).contains(rank) else { return 0..<0 }
        return shards * rank / ranks..<shards * (rank + 1) / ranks
    }

    /// The sums that a rank can finish by itself: the largest subtrees that lie in its shards, in
    /// their order, without those that have no samples.
    public func partialSums(ofRank rank: Int) -> [Node] {
        let range = shards(ofRank: rank)
        var sum = TreeSum<Void>(from: range.lowerBound)
        for shard in range where !samples(ofShard: shard).isEmpty {
            sum.append((), of: shard) { _, _ in }
        }
        sum.skip(upTo: range.upperBound) { _, _ in }
        return sum.partialSums.map(\.node)
    }

    /// One addition of two partial sums.
    public struct Addition: Sendable, Hashable {
        /// The place of the sum that is added to.
        public let target: Int
        /// The place of the sum that is added, which is not needed afterwards.
        public let source: Int
    }

    /// The additions, one after the other, that make the sum over all shards of all ranks' partial
    /// sums. Places count these from rank 0's first on; the result ends up at place 0.
    public var additions: [Addition] {
        let nodes = (0..<ranks).flatMap(partialSums)
        let places = Dictionary(uniqueKeysWithValues: nodes.enumerated().map { ($1, $0) })
        var additions: [Addition] = []
        func place(of node: Node) -> Int? {
            if let place = places[node] { return place }
            guard node.level > 0, node.index << node.level < shards else { return nil }
            let left = place(of: Node(level: node.level - 1, index: 2 * node.index))
            let right = place(of: Node(level: node.level - 1, index: 2 * node.index + 1))
            if let left, let right { additions.append(Addition(target: left, source: right)) }
            return left ?? right
        }
        var height = 0
        while 1 << height < shards { height += 1 }
        _ = place(of: Node(level: height, index: 0))
        return additions
    }
}

/// Adds up values of shards that come one after the other, as ``ShardLayout`` has it, with no more
/// of them in memory than the tree is high.
struct TreeSum<Value> {
    private typealias Subtree = (node: ShardLayout.Node, value: Value?)

    /// The subtrees so far that can't be added to one another; without a value where they have no
    /// samples.
    private var subtrees: [Subtree] = []
    private var next: Int

    /// A sum of nothing.
    ///
    /// - Parameter shard: the first that it may be of.
    init(from shard: Int) { next = shard }

    /// Takes a shard's value in; those before it that have not come have no samples.
    ///
    /// - Parameter add: adds its second argument to its first.
    mutating func append(
        _ value: Value, of shard: Int, add: (inout Value, Value) throws -> Void
    ) rethrows {
        try skip(upTo: shard, add: add)
        try append(optional: value, add: add)
    }

    /// Knows from now on that the shards below a number, as far as they have not come,
    /// have no samples.
    mutating func skip(upTo end: Int, add: (inout Value, Value) throws -> Void) rethrows {
        while next < end { try append(optional: nil, add: add) }
    }

    private mutating func append(
        optional value: Value?, add: (inout Value, Value) throws -> Void
    ) rethrows {
        var top: Subtree = (ShardLayout.Node(level: 0, index: next), value)
        next += 1
        while top.node.index % 2 == 1, subtrees.last?.node.level == top.node.level,
            var left = subtrees.popLast()
        {
            if let addend = top.value {
                // Taken out: adding to a value that is held twice would copy it.
                if var sum = left.value.take() {
                    try add(&sum, addend)
                    left.value = sum
                } else {
                    left.value = addend
                }
            }
            top = (
                ShardLayout.Node(level: top.node.level + 1, index: top.node.index / 2), left.value
            )
        }
        subtrees.append(top)
    }

    /// The subtrees that have samples, in order, and what they add up to.
    var partialSums: [(node: ShardLayout.Node, value: Value)] {
        subtrees.compactMap { subtree in subtree.value.map { (subtree.node, $0) } }
    }
}
