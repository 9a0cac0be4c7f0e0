// SPDX-License-Identifier: MIT
//
// A bucket: so many numbers of gradients that travel together. Each rank adds up one slice of it,
// for all ranks, and then hands the sum to all: every number is sent twice at most, whatever the
// number of ranks.

internal import CConvMPI
import ConvNet

/// The numbers of a bucket on this rank, and the way they go.
///
/// Made on the thread that computes; everything else happens on the one that talks to MPI.
final class Bucket: @unchecked Sendable {
    // Sendable although it changes: it is handed from one thread to the other, and back
    // when it is done.

    /// Where the rank's partial sums lie, `count` numbers each; the total ends up in the first.
    private let partialSums: [UnsafeMutableRawPointer]
    private let result: UnsafeMutableRawPointer
    private let count: Int
    private let scalarType: ScalarType
    /// What keeps the memory, and takes the total where it belongs.
    private let completion: () -> Void
    private let number: Int
    private let plan: StepPlan

    private var received: [UnsafeMutableRawPointer?]
    private var memory: [TensorStorage] = []
    private var missingParts = 0
    private var missingOperations = 0
    private var isDone: () throws -> Void = {}

    /// A bucket.
    ///
    /// - Parameters:
    ///   - partialSums: the rank's, one for each of its subtrees; they are written over.
    ///   - result: where the total goes: the first partial sum, or memory of its own where there is
    ///     none.
    ///   - number: that of the bucket in the step.
    ///   - completion: called when the total is there.
    init(
        _ partialSums: [UnsafeMutableRawPointer], result: UnsafeMutableRawPointer, count: Int,
        scalarType: ScalarType, number: Int, plan: StepPlan, completion: @escaping () -> Void
    ) {
        self.partialSums = partialSums
        self.result = result
        self.count = count
        self.scalarType = scalarType
        self.number = number
        self.plan = plan
        self.completion = completion
        received = Array(repeating: nil, count: plan.ranks)
    }

    /// Begins to send each rank its slice of the partial sums, and to receive this rank's.
    func start(on thread: MPIThread, isDone: @escaping () throws -> Void) throws {
        self.isDone = isDone
        missingOperations = 1
        let mine = slice(of: plan.rank)
        // Beginning with the neighbours spreads the load: no rank is the first of all others.
        for distance in 1..<max(plan.ranks, 1) {
            let from = (plan.rank - distance + plan.ranks) % plan.ranks
            let parts = plan.partCount(ofRank: from)
            guard parts > 0, !mine.isEmpty else { continue }
            missingParts += 1
            try receiveParts(parts * bytes(mine.count), from: from, on: thread)
        }
        for distance in 1..<max(plan.ranks, 1) {
            let to = (plan.rank + distance) % plan.ranks
            try sendParts(to: to, on: thread)
        }
        if missingParts == 0 { try addAndHandOn(on: thread) }
        try operationIsDone()
    }

    private func receiveParts(_ byteCount: Int, from rank: Int, on thread: MPIThread) throws {
        let storage = try TensorStorage(byteCount: byteCount, operation: "MPIAverager")
        memory.append(storage)
        received[rank] = storage.address
        try receive(storage.address, byteCount, from: rank, .parts, on: thread) { [self] in
            missingParts -= 1
            if missingParts == 0 { try addAndHandOn(on: thread) }
        }
    }

    /// Sends a rank its slice of this rank's partial sums, and then waits for the slice's total.
    private func sendParts(to rank: Int, on thread: MPIThread) throws {
        let range = slice(of: rank)
        guard !range.isEmpty else { return }
        let byteCount = bytes(range.count)
        func receiveTotal() throws {
            // Only now: it comes to where the part went out from.
            try receive(
                result + bytes(range.lowerBound), byteCount, from: rank, .total, on: thread)
        }
        switch partialSums.count {
        case 0: try receiveTotal()
        case 1:
            try send(
                partialSums[0] + bytes(range.lowerBound), byteCount, to: rank, .parts, on: thread,
                then: receiveTotal)
        default:
            let storage = try TensorStorage(
                byteCount: partialSums.count * byteCount, operation: "MPIAverager")
            memory.append(storage)
            for (place, sum) in partialSums.enumerated() {
                (storage.address + place * byteCount).copyMemory(
                    from: sum + bytes(range.lowerBound), byteCount: byteCount)
            }
            try send(
                storage.address, partialSums.count * byteCount, to: rank, .parts, on: thread,
                then: receiveTotal)
        }
    }

    /// Adds up this rank's slice over all ranks, and sends the total to all.
    private func addAndHandOn(on thread: MPIThread) throws {
        let range = slice(of: plan.rank)
        guard !range.isEmpty else { return }
        let byteCount = bytes(range.count)
        var sums: [UnsafeMutableRawPointer] = []
        for rank in 0..<plan.ranks {
            if rank == plan.rank {
                sums += partialSums.map { $0 + bytes(range.lowerBound) }
            } else if let parts = received[rank] {
                sums += (0..<plan.partCount(ofRank: rank)).map { parts + $0 * byteCount }
            }
        }
        let total = result + bytes(range.lowerBound)
        plan.add(sums, of: scalarType, count: range.count, to: total)
        for distance in 1..<max(plan.ranks, 1) {
            let rank = (plan.rank + distance) % plan.ranks
            try send(total, byteCount, to: rank, .total, on: thread)
        }
    }

    // MARK: Messages

    /// What a message is: part of a sum, or the sum.
    private enum Kind: Int {
        case parts, total
    }

    /// Distinguishes the messages of one bucket from those of another. Fewer buckets than this
    /// are under way.
    private func tag(_ kind: Kind) -> CInt { CInt(number % 4096 * 2 + kind.rawValue) }

    private func send(
        _ data: UnsafeMutableRawPointer, _ byteCount: Int, to rank: Int, _ kind: Kind,
        on thread: MPIThread, then next: @escaping () throws -> Void = {}
    ) throws {
        var request = convmpi_request()
        try MPIError.check(
            convmpi_send(data, byteCount, CInt(rank), tag(kind), &request), "MPI_Isend")
        follow(request, on: thread, then: next)
    }

    private func receive(
        _ data: UnsafeMutableRawPointer, _ byteCount: Int, from rank: Int, _ kind: Kind,
        on thread: MPIThread, then next: @escaping () throws -> Void = {}
    ) throws {
        var request = convmpi_request()
        try MPIError.check(
            convmpi_receive(data, byteCount, CInt(rank), tag(kind), &request), "MPI_Irecv")
        follow(request, on: thread, then: next)
    }

    private func follow(
        _ request: convmpi_request, on thread: MPIThread, then next: @escaping () throws -> Void
    ) {
        missingOperations += 1
        thread.follow(request) { [self] in
            try next()
            try operationIsDone()
        }
    }

    private func operationIsDone() throws {
        missingOperations -= 1
        guard missingOperations == 0 else { return }
        memory = []
        completion()
        try isDone()
    }

    // MARK: Slices

    private func bytes(_ count: Int) -> Int { count * scalarType.byteCount }

    /// The part of the bucket that a rank adds up, a whole number of cache lines where
    /// there are enough.
    private func slice(of rank: Int) -> Range<Int> {
        func bound(_ rank: Int) -> Int {
            rank == plan.ranks ? count : count * rank / plan.ranks & ~15
        }
        return bound(rank)..<bound(rank + 1)
    }
}
