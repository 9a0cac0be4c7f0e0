// SPDX-License-Identifier: MIT
//
// A step's gradients, shard by shard. Each shard goes forward and backward by itself; what a layer then
// has is added to what the shards before it gave, and handed on when the rank's last shard is through
// the layer, so that it can travel while the layers below are still at work.

/// What a rank's shards of one step have given so far.
struct ShardedStep {
    private let batch: StepBatch
    private let averager: any GradientAverager
    /// For each layer the places of its parameters among the network's.
    private let places: [Range<Int>]
    /// The running statistics before the step: each shard moves them from there.
    private let buffers: [Tensor]
    private var gradients: [TreeSum<Tensor>]
    private var movedBuffers: [TreeSum<Tensor>]
    /// The places of the parameters in the order in which their gradients were handed on.
    private var handedOn: [Int] = []

    /// What a step gave, over all shards of all ranks.
    struct Result {
        /// The gradients, in the order of the parameters.
        let gradients: [Tensor]
        let loss: BatchLoss
        /// Whether a rank raised its flag.
        let isFlagged: Bool
    }

    /// A step in which nothing is computed yet.
    init(_ batch: StepBatch, on network: Network, through averager: any GradientAverager) {
        self.batch = batch
        self.averager = averager
        var count = 0
        places = network.layers.map { named in
            let first = count
            count += named.layer.parameters.count
            return first..<count
        }
        buffers = network.buffers.map(\.value)
        gradients = Array(repeating: TreeSum(from: batch.shards.lowerBound), count: count)
        movedBuffers = Array(
            repeating: TreeSum(from: batch.shards.lowerBound), count: buffers.count)
    }

    /// Computes the rank's shards and lets the averager add them to the others'.
    ///
    /// - Parameter flag: something to tell the other ranks.
    mutating func run(on network: inout Network, flag: Bool) throws -> Result {
        try averager.begin(batch.layout)
        let last = batch.shards.last { batch[$0] != nil }
        var told: [Double] = [flag ? 1 : 0]
        for shard in batch.shards {
            guard let samples = batch[shard] else {
                told += [0, 0]
                continue
            }
            let share = Double(samples.labels.count) / Double(batch.layout.samples)
            let loss = try compute(
                samples, shard: shard, share: share, isLast: shard == last, on: &network)
            told += [loss.mean * share, Double(loss.correct)]
        }
        if last == nil { try handOnNothing(of: network) }
        for (place, buffer) in buffers.enumerated() {
            try movedBuffers[place].finish(batch.shards)
            try averager.add(movedBuffers[place].takeValues(), like: buffer)
        }
        // Asked for first: while these few numbers travel, so do the gradients.
        let numbers = try averager.gather(told)
        let sums = try averager.finish()
        try network.replaceBuffers(Array(sums.suffix(buffers.count)))
        let ordered = zip(handedOn, sums).sorted { $0.0 < $1.0 }.map(\.1)
        return Result(
            gradients: ordered, loss: try loss(numbers),
            isFlagged: numbers.contains { $0.first != 0 })
    }

    /// One shard, forward and backward.
    private mutating func compute(
        _ samples: Batch, shard: Int, share: Double, isLast: Bool, on network: inout Network
    ) throws -> BatchLoss {
        if !buffers.isEmpty { try network.replaceBuffers(buffers) }
        // Layers that draw random numbers draw them for each shard of each step. The count may wrap:
        // only that numbers differ matters.
        let step = network.trainingStep &* batch.layout.shards &+ shard
        let loss = try network.computeGradients(
            samples.images, labels: samples.labels, step: step, share: share
        ) { network, layer in
            let found = try network.gradients(ofLayer: layer)
            for (place, gradient) in zip(places[layer], found) {
                try gradients[place].append(gradient, of: shard) { try $0.add($1) }
                if isLast { try handOn(place, like: gradient) }
            }
        }
        for (place, buffer) in network.buffers.enumerated() {
            var scaled = buffer.value
            if share != 1 { try scaled.multiply(by: share) }
            try movedBuffers[place].append(scaled, of: shard) { try $0.add($1) }
        }
        return loss
    }

    private mutating func handOn(_ place: Int, like model: Tensor) throws {
        try gradients[place].finish(batch.shards)
        try averager.add(gradients[place].takeValues(), like: model)
        handedOn.append(place)
    }

    /// Takes part in the sums of a step in which the rank has no samples, in the others' order.
    private mutating func handOnNothing(of network: Network) throws {
        let parameters = network.parameters
        for step in network.steps.reversed() {
            for place in places[step.layer] { try handOn(place, like: parameters[place].value) }
        }
    }

    /// The loss over all shards of what each rank has told: its flag, and two numbers a shard.
    private func loss(_ numbers: [[Double]]) throws -> BatchLoss {
        let layout = batch.layout
        var (mean, correct) = (TreeSum<Double>(from: 0), 0.0)
        for (rank, numbers) in numbers.enumerated() {
            for (place, shard) in layout.shards(ofRank: rank).enumerated()
            where !layout.samples(ofShard: shard).isEmpty {
                mean.append(numbers[2 * place + 1], of: shard) { $0 += $1 }
                correct += numbers[2 * place + 2]
            }
        }
        mean.skip(upTo: layout.shards) { $0 += $1 }
        // A tree over a number of shards that is no power of two leaves more than one.
        let sums = mean.partialSums.map(\.value)
        return BatchLoss(mean: sums.reversed().reduce(0) { $1 + $0 }, correct: Int(correct))
    }
}

extension TreeSum<Tensor> {
    /// Knows from now on that shards of the range that have not come have no samples.
    fileprivate mutating func finish(_ shards: Range<Int>) throws {
        try skip(upTo: shards.upperBound) { try $0.add($1) }
    }

    /// The partial sums, which the sum then no longer holds.
    fileprivate mutating func takeValues() -> [Tensor] {
        defer { self = TreeSum(from: 0) }
        return partialSums.map(\.value)
    }
}
