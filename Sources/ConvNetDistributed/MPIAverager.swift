// SPDX-License-Identifier: MIT
//
// The averager that sends gradients from rank to rank over MPI, in buckets, while the rank goes on
// with the layers below.

internal import CConvMPI
import ConvNet
import Foundation

/// Adds up what the processes computed that `mpirun` started together.
///
/// ```swift
/// let averager = try MPIAverager()
/// let sharding = try Sharding(shards: 16, averager: averager)
/// var trainer = try Trainer(optimizer: Adam(), epochs: 3, sharding: sharding)
/// try trainer.train(&network, on: training)
/// try averager.end()
/// ```
///
/// Each bucket is summed by all ranks, each a slice of it, in the order of `ShardLayout`, and then
/// handed to all. A process has one averager at most.
public final class MPIAverager: GradientAverager, @unchecked Sendable {
    // Sendable although it changes: one trainer at a time calls it, and what the thread that talks
    // to MPI touches too is touched under that thread's lock.

    /// This process's number, from 0.
    public let rank: Int
    /// How many processes there are.
    public let rankCount: Int
    /// How many of them are on this machine.
    public let localRankCount: Int
    /// The processors that this process may run on.
    public let processorCount: Int
    /// The threads that leave each process of this machine its own processors: of those that it may
    /// run on, each divided among the processes that may run on it too; at least 1.
    public let threadShare: Int
    /// The size of a bucket in bytes.
    public let bucketByteCount: Int

    /// Whether MPI is built in: whether the package's trait MPI was on.
    public static var isBuilt: Bool { convmpi_is_built() }

    private let thread: MPIThread
    private var layout: ShardLayout?
    private var plan: StepPlan?
    private var packer: BucketPacker?
    private var sums: [Tensor] = []

    // Under the thread's lock:
    private var clock = CommunicationClock()

    // The thread's own:
    private var waiting: [Bucket] = []
    private var underWay = 0

    /// How many buckets travel at a time: enough that MPI always has something to do.
    private static let mostUnderWay = 8

    /// How many bytes of each rank fit the first message of a gathering, its length among them.
    private static let frame = 256

    /// How many bytes a broadcast hands on at a time; MPI counts in 32 bits.
    private static let largestMessage = 1 << 26

    /// Joins the other processes; waits until all have come.
    ///
    /// - Parameters:
    ///   - bucketByteCount: the size of a bucket.
    ///   - watch: called about twenty times a second, on another thread.
    ///   - onFailure: called on another thread as soon as nothing more can be shared, such as when
    ///     a rank's process has ended; calls of this object throw the error too.
    /// - Throws: ``MPIError`` where MPI is not built in or refuses, `TensorError` when a bucket has
    ///   less than 4 KiB or more than 1 GiB.
    public init(
        bucketByteCount: Int = 1 << 20, watch: @escaping @Sendable () -> Void = {},
        onFailure: @escaping @Sendable (any Error) -> Void = { _ in }
    ) throws {
        guard (1 << 12...1 << 30).contains(bucketByteCount) else {
            throw TensorError(
                operation: "MPIAverager", argument: "bucketByteCount", value: "\(bucketByteCount)",
                expected: "from \(1 << 12) to \(1 << 30)")
        }
        let thread = try MPIThread(watch: watch, onFailure: onFailure)
        let answer = Answer<convmpi_world>()
        do {
            try thread.post {
                var world = convmpi_world()
                try MPIError.check(convmpi_init(&world), "MPI_Init_thread")
                thread.change { answer.value = world }
            }
            try thread.wait { answer.value != nil }
        } catch {
            thread.stop()
            throw error
        }
        let world = answer.value ?? convmpi_world()
        self.thread = thread
        self.bucketByteCount = bucketByteCount
        rank = Int(world.rank)
        rankCount = Int(world.ranks)
        localRankCount = Int(world.local_ranks)
        processorCount = Int(world.processors)
        threadShare = Int(world.processor_share)
    }

    /// Leaves the other processes; waits until all have done their work. Nothing may be
    /// called after it.
    ///
    /// - Throws: ``MPIError`` where one of them has ended before, or MPI refuses.
    public func end() throws {
        let answer = Answer<Bool>()
        defer { thread.stop() }
        try thread.post { [thread] in
            thread.stopWatching()
            try MPIError.check(convmpi_finalize(), "MPI_Finalize")
            thread.change { answer.value = true }
        }
        try thread.wait { answer.value != nil }
    }

    /// What sharing gradients has cost this rank so far.
    public var communicationTime: CommunicationTime {
        var time = CommunicationTime()
        thread.change { time = clock.time }
        return time
    }

    /// Begins the sums of a step.
    public func begin(_ layout: ShardLayout) {
        if layout != self.layout { plan = StepPlan(layout, rank: rank) }
        self.layout = layout
        sums = []
        packer = plan.map {
            BucketPacker($0, bucketByteCount: bucketByteCount) { [unowned self] in
                try submit($0)
            }
        }
    }

    /// Takes this rank's part of a tensor's sum, and may start to add it to the others'.
    ///
    /// - Throws: `TensorError` when there is no memory, and what has gone wrong with MPI before.
    public func add(_ partialSums: consuming [Tensor], like model: Tensor) throws {
        guard let sum = try packer?.add(partialSums, like: model) else { return }
        sums.append(sum)
    }

    /// Waits for the step's sums.
    ///
    /// - Throws: ``MPIError`` where a rank has ended or MPI refuses.
    public func finish() throws -> [Tensor] {
        try packer?.flush()
        packer = nil
        thread.change { clock.wait() }
        try thread.wait { !clock.isUnderWay }
        thread.change { clock.endStep() }
        defer { sums = [] }
        return sums
    }

    /// Has the thread begin with a bucket, when it is its turn.
    private func submit(_ bucket: Bucket) throws {
        thread.change { clock.open() }
        try thread.post { [self] in
            waiting.append(bucket)
            try startBuckets()
        }
    }

    private func startBuckets() throws {
        while underWay < Self.mostUnderWay, !waiting.isEmpty {
            underWay += 1
            try waiting.removeFirst().start(on: thread) { [self] in
                underWay -= 1
                thread.change { clock.close() }
                try startBuckets()
            }
        }
    }
}

// MARK: Small messages

extension MPIAverager {
    /// Collects some bytes of each rank on every rank.
    ///
    /// - Throws: ``MPIError`` where a rank has ended or MPI refuses.
    public func gather(_ bytes: [UInt8]) throws -> [[UInt8]] {
        if packer != nil {
            try packer?.flush()
            thread.change { clock.wait() }
        }
        // The lengths, and as much as fits beside them.
        let length = withUnsafeBytes(of: UInt64(bytes.count).littleEndian) { Array($0) }
        let beside = Self.frame - length.count
        let first = try gatherEqual(length + bytes.prefix(beside), byteCount: Self.frame)
        let lengths = first.map { frame in
            Int(frame.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
        }
        let longest = lengths.max() ?? 0
        guard longest > beside else {
            return zip(first, lengths).map { Array($0.dropFirst(8).prefix($1)) }
        }
        let rest = try gatherEqual(Array(bytes.dropFirst(beside)), byteCount: longest - beside)
        return lengths.indices.map { rank in
            Array((first[rank].dropFirst(8) + rest[rank]).prefix(lengths[rank]))
        }
    }

    /// Collects so many bytes of each rank; zeros take the place of those that one lacks.
    private func gatherEqual(_ bytes: [UInt8], byteCount: Int) throws -> [ArraySlice<UInt8>] {
        let mine = try Message(byteCount: byteCount, bytes)
        let all = try Message(byteCount: byteCount * rankCount)
        try run("MPI_Iallgather", on: mine, all) { request in
            convmpi_all_gather(mine.address, all.address, byteCount, &request)
        }
        let bytes = all.bytes
        return (0..<rankCount).map { bytes[$0 * byteCount..<($0 + 1) * byteCount] }
    }

    /// Hands rank 0's bytes to every rank.
    ///
    /// - Throws: ``MPIError`` where a rank has ended or MPI refuses.
    public func broadcast(_ bytes: [UInt8]) throws -> [UInt8] {
        let length = try gather(
            withUnsafeBytes(of: UInt64(bytes.count).littleEndian) { Array($0) })[0]
        let count = Int(length.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
        guard count > 0 else { return [] }
        let message = try Message(byteCount: count, rank == 0 ? bytes : [])
        for begin in stride(from: 0, to: count, by: Self.largestMessage) {
            let size = min(Self.largestMessage, count - begin)
            try run("MPI_Ibcast", on: message) { request in
                convmpi_broadcast(message.address + begin, size, &request)
            }
        }
        return message.bytes
    }

    /// Has the thread begin something and waits for its end.
    private func run(
        _ operation: String, on messages: Message...,
        start: @escaping (inout convmpi_request) -> CInt
    ) throws {
        let answer = Answer<Bool>()
        try thread.post { [thread] in
            var request = convmpi_request()
            try MPIError.check(start(&request), operation)
            thread.follow(request) {
                withExtendedLifetime(messages) {}
                thread.change { answer.value = true }
            }
        }
        try thread.wait { answer.value != nil }
    }
}

/// Something that one thread finds out for another, under their lock.
private final class Answer<Value>: @unchecked Sendable {
    var value: Value?
}

/// Bytes that MPI reads or writes while nothing else does.
private final class Message: @unchecked Sendable {
    let address: UnsafeMutableRawPointer
    private let storage: TensorStorage

    /// So many bytes, the first of them given and the others 0.
    init(byteCount: Int, _ bytes: [UInt8] = []) throws {
        storage = try TensorStorage(byteCount: max(byteCount, 1), operation: "MPIAverager")
        address = storage.address
        address.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
        address.copyMemory(from: bytes, byteCount: bytes.count)
    }

    var bytes: [UInt8] {
        Array(UnsafeRawBufferPointer(start: address, count: storage.byteCount))
    }
}
