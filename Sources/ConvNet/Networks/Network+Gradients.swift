// SPDX-License-Identifier: MIT
//
// Gradients as values: what a step needs of a network, which stays as it is.

/// What a batch gives: its loss, the gradients, and the buffers as training leaves them.
public struct NetworkGradients: Sendable {
    /// The mean loss of the batch.
    public let loss: Double
    /// How many samples had their largest logit at their label.
    public let correct: Int
    /// A gradient for each parameter, by its name, in the order of ``Classifier/parameters``.
    public let parameters: [NamedTensor]
    /// The buffers after the batch, by name, in the order of ``Classifier/buffers``.
    public let buffers: [NamedTensor]
}

extension Classifier {
    /// The loss of a batch with its gradients, as the next training step would see them. The
    /// network stays as it is.
    ///
    /// ```swift
    /// let result = try network.gradients(x, labels: [7])
    /// for (name, value) in result.parameters { print(name, value.shape) }
    /// ```
    ///
    /// - Parameters:
    ///   - x: samples `[N, C, H, W]`.
    ///   - labels: N classes, each from 0 to K − 1.
    ///   - loss: what is made small; cross-entropy by default.
    /// - Throws: ``TensorError`` when a shape or label is wrong.
    public func gradients(
        _ x: Tensor, labels: [Int], loss: any Loss = SoftmaxCrossEntropy.standard
    ) throws -> NetworkGradients {
        try gradients(x, targets: .labels(labels), loss: loss)
    }

    /// The loss of a batch with its gradients, as the next training step would see them. The
    /// network stays as it is.
    ///
    /// - Parameters:
    ///   - x: samples `[N, C, H, W]`.
    ///   - targets: what the network should make of them.
    ///   - loss: what is made small.
    /// - Throws: ``TensorError`` when a shape is wrong or the targets don't suit the loss.
    public func gradients(
        _ x: Tensor, targets: Targets, loss: any Loss
    ) throws -> NetworkGradients {
        try network.gradients([network.checked(x)], targets: targets, loss: loss)
    }
}

extension Network {
    /// The loss of a batch with its gradients, for a network with several inputs or outputs. The
    /// network stays as it is.
    ///
    /// ```swift
    /// let result = try network.gradients(
    ///     ["left": a, "right": b], targets: .labels([1, 0]), output: "logits")
    /// ```
    ///
    /// - Parameters:
    ///   - inputs: a batch for each of the graph's inputs, by name; all of as many samples.
    ///   - targets: what the network should make of them.
    ///   - output: the output that the loss is of; the graph's first when nil.
    ///   - loss: what is made small; cross-entropy by default.
    /// - Throws: ``TensorError`` when a name is unknown or missing, a shape is wrong or the targets
    ///   don't suit the loss.
    public func gradients(
        _ inputs: [String: Tensor], targets: Targets, output: String? = nil,
        loss: any Loss = SoftmaxCrossEntropy.standard
    ) throws -> NetworkGradients {
        try gradients(
            checked(inputs, operation: "gradients"), targets: targets, output: place(of: output),
            loss: loss)
    }

    /// One training step of a network with several inputs or outputs. Where it fails, the
    /// network is as it was.
    ///
    /// - Parameters:
    ///   - inputs: a batch for each of the graph's inputs, by name; all of as many samples.
    ///   - targets: what the network should make of them.
    ///   - output: the output that the loss is of; the graph's first when nil.
    ///   - updater: what changes the parameters.
    ///   - loss: what is made small.
    /// - Returns: the batch's mean loss before the step.
    /// - Throws: ``TensorError`` when the samples don't suit the network, or the loss is not
    ///   finite.
    @discardableResult
    public mutating func trainStep(
        on inputs: [String: Tensor], targets: Targets, output: String? = nil,
        with updater: inout Updater, loss: any Loss = SoftmaxCrossEntropy.standard
    ) throws -> Double {
        try Self.finite(
            step(
                on: checked(inputs, operation: "trainStep"), targets: targets,
                output: place(of: output), with: &updater, loss: loss))
    }

    /// The place of an output by its name.
    private func place(of output: String?) throws(TensorError) -> Int {
        guard let output else { return 0 }
        guard let place = graph.outputs.firstIndex(where: { $0.name == output }) else {
            throw TensorError(
                operation: "gradients", argument: "output", value: output,
                expected: graph.outputs.map(\.name).joined(separator: ", "))
        }
        return place
    }

    /// The loss and its gradients by name.
    fileprivate func gradients(
        _ inputs: [Tensor], targets: Targets, output: Int = 0, loss: any Loss
    ) throws -> NetworkGradients {
        let result = try computeGradients(
            inputs, targets: targets, output: output, loss: loss, plan: plan)
        let named = { (tensors: [Tensor], names: [NamedTensor]) in
            zip(names, tensors).map { (name: $0.name, value: $1) }
        }
        return NetworkGradients(
            loss: result.outcome.loss.mean, correct: result.outcome.loss.correct,
            parameters: named(result.parameters.compactMap { $0 }, parameters),
            buffers: named(result.outcome.buffers, buffers))
    }
}

/// What a pass through a network gave beside the gradients of its parameters.
struct StepOutcome {
    let loss: BatchLoss
    /// In the order of the network's buffers.
    let buffers: [Tensor]
}

extension Network {
    /// The gradients of a batch, in the order of the parameters; nil for those that the plan
    /// does not train.
    func computeGradients(
        _ inputs: [Tensor], targets: Targets, output: Int = 0, loss: any Loss, plan: Plan
    ) throws -> (outcome: StepOutcome, parameters: [Tensor?]) {
        var gradients = [Tensor?](repeating: nil, count: plan.parameters.owners.count)
        let outcome = try computeGradients(
            inputs, targets: targets, output: output, loss: loss, plan: plan
        ) { gradients[$0] = $1 }
        return (outcome, gradients)
    }

    /// The gradients of a batch, parameter by parameter.
    ///
    /// - Parameters:
    ///   - inputs: one tensor for each of the graph's inputs, already checked.
    ///   - output: the place of the output that the loss is of.
    ///   - plan: the network's, or one that trains a part.
    ///   - step: the step's number for layers that draw random numbers; the network's own by
    ///     default.
    ///   - share: what the loss's gradient is multiplied by: the batch's share in a larger one.
    ///   - didFinish: called with each parameter's number and gradient as soon as it is ready, in
    ///     the order of the plan's ``Plan/gradientOrder``.
    func computeGradients(
        _ inputs: [Tensor], targets: Targets, output place: Int = 0, loss: any Loss, plan: Plan,
        step: Int? = nil, share: Double = 1,
        didFinish: (_ parameter: Int, _ gradient: Tensor) throws -> Void
    ) throws -> StepOutcome {
        var tape = try forward(inputs, plan: plan, step: step)
        let output = tape.outputs[place]
        let result = try loss.evaluate(output, targets, on: kernels)
        let correct = try output.count(ofTargetsWithLargest: targets)
        try KernelChecks.require(
            result.gradient, matches: output, operation: "\(type(of: loss))", argument: "gradient")
        var gradient = result.gradient
        if share != 1 { try gradient.multiply(by: share) }
        let buffers = plan.buffers.owners.enumerated().map { number, owner in
            tape.buffers[number] ?? graph.nodes[owner.node].layer.buffers[owner.index]
        }
        let gradients = tape.outputs.indices.map { $0 == place ? gradient : nil }
        try tape.parameterGradients(graph, gradients, didFinish: didFinish)
        return StepOutcome(
            loss: BatchLoss(mean: result.loss, correct: correct), buffers: buffers)
    }

    /// The outputs as training sees them, with what the backward pass needs.
    ///
    /// - Parameters:
    ///   - inputs: one tensor for each of the graph's inputs, already checked.
    ///   - plan: the network's own by default.
    ///   - step: the step's number for layers that draw random numbers; the network's own by
    ///     default.
    func forward(_ inputs: [Tensor], plan: Plan? = nil, step: Int? = nil) throws -> Tape {
        try (plan ?? self.plan).forward(
            graph, inputs, Pass(kernels: kernels, step: step ?? trainingStep))
    }

    /// The mean loss that the next training step would find.
    func trainingLoss(_ x: Tensor, labels: [Int]) throws -> Double {
        try kernels.softmaxCrossEntropy(forward([checked(x)]).outputs[0], labels: labels).loss
    }
}
