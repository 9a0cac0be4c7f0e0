// SPDX-License-Identifier: MIT
//
// Some of a source's samples: what training sees, and what it is judged by.

import ConvNetTensor

/// Some of another source's samples, in its order.
public struct SampleSubset: BatchSource {
    /// Where they come from.
    public let source: any BatchSource
    /// Their places there, rising.
    public let places: [Int]
    /// For each of the source's places the number of its sample here; −1 where it is none of them.
    private let numbers: [Int]
    /// What distinguishes the subset from others of the source.
    private let name: String

    fileprivate init(_ source: any BatchSource, places: [Int], name: String) {
        self.source = source
        self.places = places
        self.name = name
        var numbers = [Int](repeating: -1, count: source.sampleCount)
        for (number, place) in places.enumerated() { numbers[place] = number }
        self.numbers = numbers
    }

    /// How many samples there are.
    public var sampleCount: Int { places.count }

    /// The source's order without the samples that are not here.
    public func order(ofEpoch epoch: Int) -> [Int] {
        source.order(ofEpoch: epoch).compactMap {
            numbers.indices.contains($0) && numbers[$0] >= 0 ? numbers[$0] : nil
        }
    }

    /// The samples at the given places, as they are.
    ///
    /// - Throws: ``TensorError`` when there are no places or one is outside.
    public func batch(at indices: [Int]) throws -> Batch {
        try source.batch(at: sourcePlaces(indices))
    }

    /// The samples at the given places as an epoch of training sees them.
    ///
    /// - Throws: ``TensorError`` when there are no places or one is outside.
    public func batch(at indices: [Int], epoch: Int) throws -> Batch {
        try source.batch(at: sourcePlaces(indices), epoch: epoch)
    }

    private func sourcePlaces(_ indices: [Int]) throws(TensorError) -> [Int] {
        guard !indices.isEmpty, indices.allSatisfy(places.indices.contains) else {
            throw TensorError(
                operation: "SampleSubset", argument: "indices.count", value: "\(indices.count)",
                expected: "at least one, each from 0 to \(sampleCount - 1)")
        }
        return indices.map { places[$0] }
    }

    /// The source's, and which of its samples these are.
    public var identity: [String: String] {
        var identity = source.identity
        identity["subset"] = name
        return identity
    }
}

extension BatchSource {
    /// Parts the samples into those to train with and those that are held out, by chance.
    ///
    /// ```swift
    /// let (training, heldOut) = try digits.split(holdingOut: 0.1, seed: 1)
    /// try trainer.train(&network, on: training, testing: heldOut)
    /// ```
    ///
    /// - Parameters:
    ///   - share: how many are held out, between 0 and 1; rounded, and at least one in each part.
    ///   - seed: what decides which.
    /// - Throws: ``TensorError`` when the share is not between 0 and 1, or there are fewer
    ///   than two samples.
    public func split(
        holdingOut share: Double, seed: UInt64
    ) throws(TensorError) -> (training: SampleSubset, heldOut: SampleSubset) {
        func fail(_ argument: String, _ value: String, _ rule: String) -> TensorError {
            TensorError(
                operation: "split", argument: argument, value: value, expected: rule)
        }
        guard share > 0, share < 1 else { throw fail("share", "\(share)", "between 0 and 1") }
        let count = sampleCount
        guard count >= 2 else { throw fail("samples", "\(count)", "at least 2") }
        var order = Array(0..<count)
        var generator = Philox(seed: seed, stream: RandomStream.split.number(0))
        // As far as needed, by Fisher and Yates.
        let held = min(max(Int((share * Double(count)).rounded()), 1), count - 1)
        for place in 0..<held {
            let rest = UInt64(count - place)
            order.swapAt(place, place + Int(generator.next().multipliedFullWidth(by: rest).high))
        }
        let name = "\(share) held out by seed \(seed)"
        return (
            SampleSubset(self, places: order[held...].sorted(), name: "all but \(name)"),
            SampleSubset(self, places: order[..<held].sorted(), name: name)
        )
    }
}
