// SPDX-License-Identifier: MIT
//
// Where the time of a prediction goes: each step of the plan, timed.

/// The steps of a prediction and how long each took.
public struct PredictionProfile: Sendable {
    /// One or several layers that run as one.
    public struct Step: Sendable {
        /// The layers' names, in the order they run.
        public let layers: [String]
        /// The first layer's type, such as `Convolution`.
        public let type: String
        /// The shape that comes out, the samples first.
        public let outputShape: [Int]
        /// Floating-point operations; see ``Layer/operationCount(for:)``.
        public let operationCount: Int
        /// The shortest time of all runs, in seconds.
        public internal(set) var seconds: Double
        /// Which algorithm a convolution takes; nil for others, and on other kernels than
        /// the native ones.
        public let algorithm: String?
    }

    /// The steps in the order they run.
    public internal(set) var steps: [Step]
    /// The shortest time of a whole run, in seconds.
    public internal(set) var seconds: Double
}

extension Network {
    /// Times each step of a prediction.
    ///
    /// - Parameters:
    ///   - inputs: a batch for each of the graph's inputs, by name, of the shapes that the
    ///     network was made for.
    ///   - runs: how often; the shortest times count. One more, before these, is not timed.
    ///   - algorithm: names a convolution's algorithm from the shapes of its images and filters.
    /// - Throws: ``TensorError`` when an input is missing or has another shape.
    public func profile(
        _ inputs: [String: Tensor], runs: Int = 5,
        algorithm: (_ input: [Int], _ weights: [Int], ConvolutionDescriptor) -> String? = {
            _, _, _ in nil
        }
    ) throws -> PredictionProfile {
        let tensors = try graph.inputs.map { input throws(TensorError) in
            guard let tensor = inputs[input.name],
                tensor.shape.dropFirst().elementsEqual(input.shape)
            else {
                throw TensorError(
                    operation: "profile", argument: input.name,
                    value: inputs[input.name].map { "\($0.shape)" } ?? "missing",
                    expected: "[N" + input.shape.map { ", \($0)" }.joined() + "]")
            }
            return tensor
        }
        let prepared = PreparedSteps(isEager: true)
        var profile: PredictionProfile?
        for run in 0...max(runs, 1) {
            let found = try timed(tensors, prepared, algorithm)
            // The first one packs filters.
            guard run > 0 else { continue }
            guard var best = profile else {
                profile = found
                continue
            }
            best.seconds = min(best.seconds, found.seconds)
            for place in best.steps.indices {
                best.steps[place].seconds = min(
                    best.steps[place].seconds, found.steps[place].seconds)
            }
            profile = best
        }
        return profile ?? PredictionProfile(steps: [], seconds: 0)
    }

    private func timed(
        _ tensors: [Tensor], _ prepared: PreparedSteps,
        _ algorithm: (_ input: [Int], _ weights: [Int], ConvolutionDescriptor) -> String?
    ) throws -> PredictionProfile {
        var (steps, failure) = ([PredictionProfile.Step](), (any Error)?.none)
        let clock = ContinuousClock()
        var last = clock.now
        _ = try predictionPlan.predict(graph, tensors, prepared, on: kernels) {
            node, inputs, output in
            let now = clock.now
            do {
                steps.append(
                    try step(
                        predictionPlan.steps[steps.count], inputs, output,
                        seconds: (now - last) / .seconds(1), algorithm))
            } catch {
                failure = error
            }
            // What it takes to write this down is not the next step's.
            last = clock.now
        }
        if let failure { throw failure }
        return PredictionProfile(steps: steps, seconds: steps.reduce(0) { $0 + $1.seconds })
    }

    private func step(
        _ step: Plan.Step, _ inputs: [Tensor], _ output: Tensor, seconds: Double,
        _ algorithm: (_ input: [Int], _ weights: [Int], ConvolutionDescriptor) -> String?
    ) throws -> PredictionProfile.Step {
        let layer = graph.nodes[step.node].layer
        var (name, shape, operations) = (String?.none, output.shape, 0)
        var inputShapes = inputs.prefix(graph.nodes[step.node].inputs.count).map(\.shape)
        if case .convolution(let fused) = step.kind, let weights = layer.parameters.first {
            if let slice = fused.slice {
                inputShapes = [try graph.nodes[slice].layer.outputShape(for: inputShapes)]
            }
            if let expansion = fused.expansion {
                let before = graph.nodes[expansion.node].layer
                operations = try before.operationCount(for: inputShapes)
                inputShapes = [try before.outputShape(for: inputShapes)]
            }
            name = algorithm(inputShapes[0], weights.shape, fused.descriptor)
            if fused.expansion != nil { name = name.map { "expansion and \($0)" } }
            // Its own part of a concatenation.
            if let destination = fused.destination { shape[1] = destination.channels.count }
        }
        return PredictionProfile.Step(
            layers: step.nodes.map { graph.nodes[$0].name }, type: "\(type(of: layer))",
            outputShape: shape,
            operationCount: try operations + layer.operationCount(for: inputShapes),
            seconds: seconds, algorithm: name)
    }
}
