// SPDX-License-Identifier: MIT
//
// A step's gradients, shard by shard. Each shard goes forward and backward separately; what a layer
// then has is added to what the shards before it gave, and handed on when the rank's last shard is
// through the layer, so that it can travel while the layers below are still at work.

/// What a rank's shards of one step have given so far.
struct ShardedStep {
    private let batch: StepBatch
    private let averager: any GradientAverager
    private let loss: any Loss
    private let plan: Plan
    /// The running statistics before the step: each shard moves them from there.
    private let buffers: [Tensor]
    /// Which of them a shard may move.
    private let movable: [Int]
    private var gradients: [TreeSum<Tensor>]
    private var movedBuffers: [TreeSum<Tensor>]
    /// The places of the parameters in the order in which their gradients were handed on.
    private var handedOn: [Int] = []

    /// What a step gave, over all shards of all ranks.
    struct Result {
        /// The gradients, in the order of the parameters; nil for those that the plan
        /// does not train.
        let gradients: [Tensor?]
        /// The buffers, in their order.
        let buffers: [Tensor]
        let loss: BatchLoss
        /// Whether a rank raised its flag.
        let isFlagged: Bool
    }

    /// A step in which nothing is computed yet.
    ///
    /// - Parameter plan: the network's, or one that trains a part; the network's own when nil.
    init(
        _ batch: StepBatch, on network: Network, plan: Plan? = nil, loss: any Loss,
        through averager: any GradientAverager
    ) {
        let plan = plan ?? network.plan
        self.plan = plan
        self.batch = batch
        self.loss = loss
        self.averager = averager
        buffers = network.buffers.map(\.value)
        movable = plan.movableBuffers
        gradients = Array(
            repeating: TreeSum(from: batch.shards.lowerBound),
            count: plan.parameters.owners.count)
        movedBuffers = Array(
            repeating: TreeSum(from: batch.shards.lowerBound), count: buffers.count)
    }

    /// Computes the rank's shards and lets the averager add them to the others'.
    ///
    /// - Parameter flag: something that the other ranks should know.
    mutating func run(on network: Network, flag: Bool) throws -> Result {
        try averager.begin(batch.layout)
        let last = batch.shards.last { batch[$0] != nil }
        var told: [Double] = [flag ? 1 : 0]
        for shard in batch.shards {
            guard let samples = batch[shard] else {
                told += [0, 0]
                continue
            }
            let share = Double(samples.images.shape[0]) / Double(batch.layout.samples)
            let loss = try compute(
                samples, shard: shard, share: share, isLast: shard == last, on: network)
            told += [loss.mean * share, Double(loss.correct)]
        }
        if last == nil { try handOnNothing(of: network) }
        for place in movable {
            try movedBuffers[place].finish(batch.shards)
            try averager.add(movedBuffers[place].takeValues(), like: buffers[place])
        }
        // Asked for first: while these few numbers travel, so do the gradients.
        let numbers = try averager.gather(told)
        let sums = try averager.finish()
        var ordered = [Tensor?](repeating: nil, count: gradients.count)
        for (place, sum) in zip(handedOn, sums) { ordered[place] = sum }
        var moved = buffers
        for (place, sum) in zip(movable, sums.dropFirst(handedOn.count)) { moved[place] = sum }
        return Result(
            gradients: ordered, buffers: moved,
            loss: try loss(numbers),
            isFlagged: numbers.contains { $0.first != 0 })
    }

    /// One shard, forward and backward.
    private mutating func compute(
        _ samples: Batch, shard: Int, share: Double, isLast: Bool, on network: Network
    ) throws -> BatchLoss {
        // Layers that draw random numbers draw them for each shard of each step. The count may
        // wrap: only that numbers differ matters.
        let step = network.trainingStep &* batch.layout.shards &+ shard
        let result = try network.computeGradients(
            [network.checked(samples.images)], targets: samples.targets, loss: loss, plan: plan,
            step: step,
            share: share
        ) { place, gradient in
            try gradients[place].append(gradient, of: shard) { try $0.add($1) }
            if isLast { try handOn(place, like: gradient) }
        }
        for place in movable {
            var scaled = result.buffers[place]
            if share != 1 { try scaled.multiply(by: share) }
            try movedBuffers[place].append(scaled, of: shard) { try $0.add($1) }
        }
        return result.loss
    }

    private mutating func handOn(_ place: Int, like model: Tensor) throws {
        try gradients[place].finish(batch.shards)
        try averager.add(gradients[place].takeValues(), like: model)
        handedOn.append(place)
    }

    /// Takes part in the sums of a step in which the rank has no samples, in the others' order.
    private mutating func handOnNothing(of network: Network) throws {
        let parameters = network.parameters
        for ready in plan.gradientOrder {
            try handOn(ready.parameter, like: parameters[ready.parameter].value)
        }
    }

    /// The loss over all shards, from what each rank has sent: its flag, and two numbers per shard.
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

extension Network {
    /// One step on a batch that is shared; where the loss is not finite, nothing has changed.
    ///
    /// - Parameter flag: something that the other ranks should know.
    /// - Returns: the loss over all ranks, and whether one of them has the flag.
    mutating func step(
        on batch: StepBatch, with updater: inout Updater, loss: any Loss,
        through averager: any GradientAverager, flag: Bool
    ) throws -> (loss: BatchLoss, isFlagged: Bool) {
        let plan = try trainingPlan(for: updater.part)
        var step = ShardedStep(batch, on: self, plan: plan, loss: loss, through: averager)
        let result = try step.run(on: self, flag: flag)
        if result.loss.mean.isFinite {
            try apply(result.gradients, buffers: result.buffers, with: &updater)
        }
        return (result.loss, result.isFlagged)
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
