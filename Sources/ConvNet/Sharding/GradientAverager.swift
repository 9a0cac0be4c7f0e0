// SPDX-License-Identifier: MIT
//
// What a trainer needs of others that train along: sums of tensors over all ranks, and a few
// small messages. It knows no more about them than this; which engine carries the numbers is
// theirs to say.

/// Something that adds up what ranks have computed, a rank being a process that trains along.
///
/// Each rank calls the same functions in the same order. A step is ``begin(_:)``, an
/// ``add(_:like:)`` for each tensor and ``finish()``; between them, sums may travel while the
/// rank goes on computing. Every rank gets the same bits, those of the order that
/// ``ShardLayout`` lays down.
///
/// It is an object: what it stands for, such as connections to other processes, can't be copied. A
/// trainer calls it from one thread at a time.
public protocol GradientAverager: AnyObject, Sendable {
    /// This rank's number, from 0.
    var rank: Int { get }
    /// How many ranks there are.
    var rankCount: Int { get }

    /// Begins the sums of a step.
    ///
    /// - Parameter layout: which partial sums each rank has, and the order of their additions.
    func begin(_ layout: ShardLayout) throws

    /// Takes this rank's part of a tensor's sum, and may start to add it to the others'.
    ///
    /// - Parameters:
    ///   - partialSums: one for each of the layout's ``ShardLayout/partialSums(ofRank:)`` of this
    ///     rank, in that order. The caller gives them up.
    ///   - model: a tensor of the sum's shape and number type; its numbers don't matter.
    func add(_ partialSums: consuming [Tensor], like model: Tensor) throws

    /// Waits for the step's sums.
    ///
    /// - Returns: a sum for each call of ``add(_:like:)`` since ``begin(_:)``, in their order.
    func finish() throws -> [Tensor]

    /// Collects some bytes of each rank on every rank.
    ///
    /// It may be called between ``begin(_:)`` and ``finish()``.
    ///
    /// - Parameter bytes: this rank's, of any number.
    /// - Returns: every rank's, by their number.
    func gather(_ bytes: [UInt8]) throws -> [[UInt8]]

    /// Hands rank 0's bytes to every rank.
    ///
    /// - Parameter bytes: what rank 0 has to say; the others' are not looked at.
    /// - Returns: rank 0's.
    func broadcast(_ bytes: [UInt8]) throws -> [UInt8]
}

extension GradientAverager {
    /// Collects a number of each rank on every rank, any number of them from each.
    func gather(_ numbers: [Double]) throws -> [[Double]] {
        let bytes = numbers.flatMap { number in
            withUnsafeBytes(of: number.bitPattern.littleEndian) { Array($0) }
        }
        return try gather(bytes).map { bytes in
            stride(from: 0, to: bytes.count - 7, by: 8).map { begin in
                let word = (0..<8).reversed().reduce(UInt64(0)) {
                    $0 << 8 | UInt64(bytes[begin + $1])
                }
                return Double(bitPattern: word)
            }
        }
    }
}

/// The averager of a process that trains alone: it adds up its own shards.
public final class LocalAverager: GradientAverager, @unchecked Sendable {
    // Sendable although it changes: one trainer at a time calls it, which a caller sees to.

    /// 0.
    public let rank = 0
    /// 1.
    public let rankCount = 1
    private var additions: [ShardLayout.Addition] = []
    private var sums: [Tensor] = []

    /// The only rank.
    public init() {}

    /// Begins the sums of a step.
    public func begin(_ layout: ShardLayout) {
        additions = layout.additions
        sums = []
    }

    /// Adds the partial sums up.
    ///
    /// - Throws: ``TensorError`` when there is no memory for it.
    public func add(_ partialSums: consuming [Tensor], like model: Tensor) throws {
        guard additions.allSatisfy({ max($0.source, $0.target) < partialSums.count }) else {
            throw TensorError(
                operation: "LocalAverager", argument: "partialSums",
                value: "\(partialSums.count) tensors",
                expected: "one for each partial sum of the layout")
        }
        for addition in additions {
            let addend = partialSums[addition.source]
            try partialSums[addition.target].add(addend)
        }
        guard let sum = partialSums.first else {
            throw TensorError(
                operation: "LocalAverager", argument: "partialSums", value: "none",
                expected: "one for each partial sum of the layout")
        }
        sums.append(sum)
    }

    /// The sums.
    public func finish() -> [Tensor] {
        defer { sums = [] }
        return sums
    }

    /// The bytes alone.
    public func gather(_ bytes: [UInt8]) -> [[UInt8]] { [bytes] }

    /// The bytes as they are.
    public func broadcast(_ bytes: [UInt8]) -> [UInt8] { bytes }
}
