// SPDX-License-Identifier: MIT
//
// An optimizer at work: the rule, what it keeps beside each parameter, and how far it has come. A
// copy is independent.

/// Changes the parameters of a network step by step.
///
/// ```swift
/// var updater = try Updater(Adam(), clipping: .norm(1))
/// for batch in batches { try network.trainStep(on: batch, with: &updater) }
/// ```
public struct Updater: Sendable {
    /// The rule.
    public let optimizer: any Optimizer
    /// What the learning rate is multiplied by in each step; nil for nothing.
    public let schedule: LearningRateSchedule?
    /// How gradients are clipped; nil for not at all.
    public let clipping: GradientClipping?
    /// Parameters with settings of their own; the first that matches a name counts.
    public let groups: [ParameterGroup]
    /// Which parameters the optimizer's weight decay is for; a group's own is for all
    /// that it means.
    public let decaying: DecayedParameters
    /// Which parameters are trained, by patterns of their names: `*` stands for any characters, `?`
    /// for one, and what a pattern behind a `!` means is not trained. Nil for all of them.
    ///
    /// The others stay as they are, bit for bit, and no gradient is computed that they alone would
    /// need; a layer of which some parameters are trained computes the gradients of all. A tied
    /// parameter goes by the name that ``Network/parameters`` has.
    ///
    /// ```swift
    /// updater.trainable = ["fc.*"]
    /// updater.trainable = ["!layer1.*", "!*.gamma", "!*.beta"]    // all but these
    /// ```
    public var trainable: [String]? {
        get { part.trainable }
        set { part.trainable = newValue }
    }
    /// Which layers with running statistics normalize by them in training as in prediction, and
    /// keep them bit for bit, by patterns of the layers' names. Their scale and shift are trained
    /// unless ``trainable`` says otherwise.
    public var frozenNormalizations: [String] {
        get { part.frozenNormalizations }
        set { part.frozenNormalizations = newValue }
    }
    /// What is trained.
    private(set) var part = TrainedPart()
    /// How many steps were taken.
    public private(set) var step = 0
    /// For each parameter a tensor for each of the optimizer's names, or none where it was never
    /// trained; empty before the first step.
    private var kept: [[Tensor]] = []
    /// The parameters' names.
    private var keptNames: [String] = []

    /// An optimizer that has not taken a step yet.
    ///
    /// - Throws: ``TensorError`` when the clipping's bound is not above 0 and in `Float`'s range.
    public init(
        _ optimizer: any Optimizer, schedule: LearningRateSchedule? = nil,
        clipping: GradientClipping? = nil, groups: [ParameterGroup] = [],
        decaying: DecayedParameters = .all
    ) throws(TensorError) {
        try clipping?.check(operation: "Updater")
        self.optimizer = optimizer
        self.schedule = schedule
        self.clipping = clipping
        self.groups = groups
        self.decaying = decaying
    }

    /// The optimizer's learning rate in a step, the schedule's factor included.
    ///
    /// - Parameter step: the step's number over all epochs, from 0.
    public func learningRate(atStep step: Int) -> Double {
        optimizer.learningRate * (schedule?.factor(atStep: step) ?? 1)
    }

    /// Takes a step.
    ///
    /// - Parameters:
    ///   - parameters: changed in place, as far as they are ``trainable``.
    ///   - gradients: one per parameter, of its shape.
    ///   - names: the parameters' names, which groups go by.
    ///   - kernels: what does the arithmetic.
    /// - Throws: ``TensorError`` when the parameters are not those of earlier steps, or a group
    ///   matches none of them; nothing has changed then.
    public mutating func update(
        _ parameters: inout [Tensor], gradients: [Tensor], names: [String], on kernels: any Kernels
    ) throws {
        let part = part
        let wanted = zip(names, gradients).map { part.isTrained($0) ? $1 : nil }
        try update(
            &parameters, wanted: names.count == gradients.count ? wanted : gradients,
            names: names, on: kernels)
    }

    /// Takes a step.
    ///
    /// - Parameter gradients: one per parameter; nil for those that stay.
    mutating func update(
        _ parameters: inout [Tensor], wanted gradients: [Tensor?], names: [String],
        on kernels: any Kernels
    ) throws {
        guard gradients.count == parameters.count, names.count == parameters.count else {
            throw TensorError(
                operation: "Updater", argument: "gradients.count", value: "\(gradients.count)",
                expected: "one for each of \(parameters.count) parameters")
        }
        try prepare(for: parameters, names: names, isTrained: gradients.map { $0 != nil })
        let (factor, limit) =
            try clipping?.scaling(gradients.compactMap { $0 }, on: kernels)
            ?? (1, Double.infinity)
        let scheduled = schedule?.factor(atStep: step) ?? 1
        step += 1
        for place in parameters.indices {
            guard let gradient = gradients[place] else { continue }
            let group = groups.first { $0.matches(names[place]) }
            let decay = decaying.contains(parameters[place]) ? optimizer.weightDecay : 0
            let update = Update(
                step: step,
                learningRate: (group?.learningRate ?? optimizer.learningRate) * scheduled,
                weightDecay: group?.weightDecay ?? decay,
                gradientFactor: factor, gradientLimit: limit, kernels: kernels)
            try optimizer.update(
                &parameters[place], state: &kept[place], gradient: gradient, update)
        }
    }

    /// Makes zeros beside each parameter, the first time that it is trained; afterwards checks that
    /// they still suit.
    private mutating func prepare(
        for parameters: [Tensor], names: [String], isTrained: [Bool]
    ) throws {
        let operation = "\(type(of: optimizer))"
        if step == 0 {
            for group in groups where !names.contains(where: group.matches) {
                throw TensorError(
                    operation: operation, argument: "groups", value: group.pattern,
                    expected: "a pattern that matches one of " + ParameterMatch.list(names))
            }
        }
        let count = optimizer.stateNames.count
        if kept.isEmpty {
            kept = Array(repeating: [], count: parameters.count)
            keptNames = names
        }
        for (place, parameter) in parameters.enumerated()
        where place < kept.count && kept[place].isEmpty && isTrained[place] {
            kept[place] = try (0..<count).map { _ in
                try Tensor(zeros: parameter.shape, scalarType: parameter.scalarType)
            }
        }
        let suits =
            kept.count == parameters.count
            && zip(kept, parameters).allSatisfy { tensors, parameter in
                (tensors.count == count || tensors.isEmpty)
                    && tensors.allSatisfy {
                        $0.shape == parameter.shape && $0.scalarType == parameter.scalarType
                    }
            }
        guard suits else {
            throw TensorError(
                operation: operation, argument: "network",
                value: "one with parameters \(parameters.map(\.shape))",
                expected: "the network of earlier steps, with "
                    + "\(kept.map { $0.first?.shape ?? [] }) of the same type")
        }
    }

    /// Everything that must be the same where training is resumed, as text by name.
    public var configuration: [String: String] {
        var configuration = optimizer.configuration
        if let schedule { configuration.merge(schedule.configuration) { $1 } }
        if let clipping { configuration["clipping"] = "\(clipping)" }
        if !groups.isEmpty {
            configuration["groups"] = groups.map(\.text).joined(separator: "; ")
        }
        if decaying != .all { configuration["decaying"] = decaying.rawValue }
        configuration.merge(part.configuration) { $1 }
        return configuration
    }

    /// What is kept from step to step. Reading it copies no numbers.
    public var state: OptimizerState {
        var tensors: [String: [Tensor]] = [:]
        let trained = kept.indices.filter { !kept[$0].isEmpty }
        for (index, name) in optimizer.stateNames.enumerated() {
            tensors[name] = trained.map { kept[$0][index] }
        }
        let isWhole = tensors.isEmpty || trained.count == kept.count
        return OptimizerState(
            tensors: tensors, counters: [Self.counter: step],
            parameters: isWhole ? nil : trained.map { keptNames[$0] })
    }

    /// Goes on from a state that an updater of the same configuration had with the same network.
    ///
    /// - Throws: ``TensorError`` when the state is of another kind or does not suit the network;
    ///   nothing has changed then.
    public mutating func restore(
        _ state: OptimizerState, for network: Network
    ) throws(TensorError) {
        let operation = "\(type(of: optimizer)).restore"
        try state.check(
            tensors: Set(optimizer.stateNames), counters: [Self.counter], suit: network,
            operation: operation)
        let tensors = optimizer.stateNames.map { state.tensors[$0] ?? [] }
        let count = tensors.first?.count ?? 0
        let given = (0..<count).map { place in tensors.map { $0[place] } }
        keptNames = network.parameters.map(\.name)
        if let names = state.parameters, count > 0 {
            let places = Dictionary(zip(names, given)) { first, _ in first }
            kept = keptNames.map { places[$0] ?? [] }
        } else {
            kept = given
        }
        step = state.counters[Self.counter] ?? 0
    }

    static let counter = "step"
}

extension Network {
    /// One training step: forward, backward, update. Where it fails, the network is as it was.
    ///
    /// - Parameters:
    ///   - batch: the samples and what they are.
    ///   - updater: what changes the parameters.
    ///   - loss: what is made small.
    /// - Returns: the batch's mean loss before the step.
    /// - Throws: ``TensorError`` when the samples don't suit the network, or the loss is not
    ///   finite.
    @discardableResult
    public mutating func trainStep(
        on batch: Batch, with updater: inout Updater,
        loss: any Loss = SoftmaxCrossEntropy.standard
    ) throws -> Double {
        try Self.finite(step(on: batch, with: &updater, loss: loss))
    }

    /// A step's mean loss, if it is finite.
    static func finite(_ loss: BatchLoss) throws(TensorError) -> Double {
        guard loss.mean.isFinite else {
            throw TensorError(
                operation: "trainStep", argument: "loss",
                value: NonFiniteNumber.text(of: loss.mean),
                expected: "a finite number; a smaller learning rate may help")
        }
        return loss.mean
    }

    /// One step.
    ///
    /// - Returns: the batch's loss before the step; where it is not finite, nothing has changed.
    package mutating func step(
        on batch: Batch, with updater: inout Updater,
        loss: any Loss = SoftmaxCrossEntropy.standard
    ) throws -> BatchLoss {
        try step(
            on: [checked(batch.images)], targets: batch.targets, with: &updater, loss: loss)
    }

    /// One step.
    ///
    /// - Parameters:
    ///   - inputs: one tensor for each of the graph's inputs, already checked.
    ///   - output: the place of the output that the loss is of.
    mutating func step(
        on inputs: [Tensor], targets: Targets, output: Int = 0, with updater: inout Updater,
        loss: any Loss
    ) throws -> BatchLoss {
        let plan = try trainingPlan(for: updater.part)
        let (outcome, gradients) = try computeGradients(
            inputs, targets: targets, output: output, loss: loss, plan: plan)
        if outcome.loss.mean.isFinite {
            try apply(gradients, buffers: outcome.buffers, with: &updater)
        }
        return outcome.loss
    }

    /// Updates the parameters, puts the buffers in place and counts the step.
    mutating func apply(
        _ gradients: [Tensor?], buffers: [Tensor], with updater: inout Updater
    ) throws {
        let (kernels, names) = (kernels, parameters.map(\.name))
        try updateParameters {
            try updater.update(&$0, wanted: gradients, names: names, on: kernels)
        }
        if !buffers.isEmpty { try replaceBuffers(buffers) }
        trainingStep += 1
    }
}
