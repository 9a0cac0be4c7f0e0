// SPDX-License-Identifier: MIT
//
// Another engine than MPI: ranks that are threads of this process. The trainer can't tell.

import ConvNet
import Foundation

/// Threads that train together.
final class ThreadTeam: @unchecked Sendable {
    // Sendable although it changes: everything is touched under the lock.

    private let condition = NSCondition()
    private let count: Int
    private var given: [Int: Any] = [:]
    private var taken = 0

    /// A team of so many threads.
    private init(_ count: Int) { self.count = count }

    /// Runs `body` on so many threads, each with an averager of the team.
    ///
    /// - Returns: what each gave, by its rank.
    static func run<Value>(
        _ count: Int, _ body: @escaping @Sendable (any GradientAverager) throws -> Value
    ) throws -> [Value] {
        let team = ThreadTeam(count)
        let results = Results<Value>(count)
        let threads = (0..<count).map { rank in
            Thread { results.set(Result { try body(Member(rank: rank, team)) }, at: rank) }
        }
        for thread in threads {
            thread.stackSize = 8 << 20
            thread.start()
        }
        return try results.all().map { try $0.get() }
    }

    /// Every rank's value on every rank.
    fileprivate func exchange<Value>(_ value: Value, rank: Int) -> [Value] {
        condition.withLock {
            // The last exchange is over when all ranks have taken from it.
            while given[rank] != nil { condition.wait() }
            given[rank] = value
            condition.broadcast()
            while given.count < count { condition.wait() }
            let all = (0..<count).compactMap { given[$0] as? Value }
            taken += 1
            if taken == count { (given, taken) = ([:], 0) }
            condition.broadcast()
            while given.count == count { condition.wait() }
            return all
        }
    }

    private final class Member: GradientAverager, @unchecked Sendable {
        let rank: Int
        var rankCount: Int { team.count }
        private let team: ThreadTeam
        private var layout: ShardLayout?
        private var partialSums: [[Tensor]] = []

        init(rank: Int, _ team: ThreadTeam) {
            self.rank = rank
            self.team = team
        }

        func begin(_ layout: ShardLayout) { (self.layout, partialSums) = (layout, []) }
        func add(_ partialSums: consuming [Tensor], like model: Tensor) {
            self.partialSums.append(partialSums)
        }
        func finish() throws -> [Tensor] {
            let all = team.exchange(partialSums, rank: rank)
            return try partialSums.indices.map { place in
                var sums = all.flatMap { $0[place].map(\.scalars) }
                for addition in layout?.additions ?? [] {
                    sums[addition.target] = zip(sums[addition.target], sums[addition.source])
                        .map { $0 + $1 }
                }
                let shape = all.lazy.compactMap { $0[place].first?.shape }.first ?? []
                return try Tensor(shape: shape, scalars: sums[0])
            }
        }
        func gather(_ bytes: [UInt8]) -> [[UInt8]] { team.exchange(bytes, rank: rank) }
        func broadcast(_ bytes: [UInt8]) -> [UInt8] { team.exchange(bytes, rank: rank)[0] }
    }
}

/// What threads leave behind.
private final class Results<Value>: @unchecked Sendable {
    private let condition = NSCondition()
    private var values: [Int: Result<Value, any Error>] = [:]
    private let count: Int

    init(_ count: Int) { self.count = count }

    func set(_ value: Result<Value, any Error>, at rank: Int) {
        condition.withLock {
            values[rank] = value
            condition.broadcast()
        }
    }

    func all() -> [Result<Value, any Error>] {
        condition.withLock {
            while values.count < count { condition.wait() }
            return (0..<count).compactMap { values[$0] }
        }
    }
}
