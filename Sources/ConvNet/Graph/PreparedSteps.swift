// SPDX-License-Identifier: MIT
//
// What a plan's steps need of a network's layers, found once for many predictions: a network
// of few numbers runs in microseconds, and feels each array that is made and each reference
// that is counted.

/// A step of a plan with the tensors that it reads of the network.
protocol PreparedStep: AnyObject, Sendable {
    /// The step's output.
    ///
    /// - Parameter begun: what other steps have written of it, which is taken; nil where there is
    ///   nothing.
    func predict(
        _ inputs: [Tensor], _ begun: inout Tensor?, on kernels: any Kernels
    ) throws -> Tensor

    /// The bytes that kernels keep of its filters.
    var byteCount: Int { get }
}

/// The prepared steps of a network.
///
/// Copies of a network share them until the tensors of one may change: that one takes others. May
/// be used from many threads at once.
final class PreparedSteps: @unchecked Sendable {
    // Sendable although it changes: everything that changes is touched under the lock.
    private var lock: Lock { Lock.survivingForks(for: self) }
    private var steps: [any PreparedStep] = []
    private let isEager: Bool

    /// None yet.
    ///
    /// - Parameter isEager: whether filters are prepacked at the first prediction rather
    ///   than the second.
    init(isEager: Bool = false) { self.isEager = isEager }

    /// The steps of a plan; it and the graph are the same at each call.
    ///
    /// - Throws: ``TensorError`` when a layer lacks a tensor that its kind has.
    func steps(of plan: Plan, _ graph: Graph) throws -> [any PreparedStep] {
        let kept = lock.withLock { steps }
        if !kept.isEmpty { return kept }
        let made = try plan.steps.map { try $0.prepared(graph, isEager: isEager) }
        return lock.withLock {
            // Another thread may have been faster: there is to be one set of filters.
            if steps.isEmpty { steps = made }
            return steps
        }
    }

    /// Whether nothing was asked for yet.
    var isEmpty: Bool { lock.withLock { steps.isEmpty } }

    /// The bytes that kernels keep of filters.
    var byteCount: Int {
        // Added up outside: others' locks may be the same one.
        lock.withLock { steps }.reduce(0) { $0 + $1.byteCount }
    }
}

extension Plan.Step {
    fileprivate func prepared(_ graph: Graph, isEager: Bool) throws -> any PreparedStep {
        let layer = graph.nodes[node].layer
        switch kind {
        case .layer: return PreparedLayer(layer)
        case .affine: return PreparedAffine(try affine(layer.parameters))
        case .normalization: preconditionFailure("a plan for training is asked for a prediction")
        case .convolution(let fused):
            var operation = try convolution(fused, layer.parameters)
            if let (node, epsilon) = fused.normalization {
                operation.epilogue.normalization = try Self.normalization(
                    graph.nodes[node].layer, epsilon: epsilon)
            }
            if let expansion = fused.expansion {
                let before = try Self.convolution(
                    expansion.descriptor, graph.nodes[expansion.node].layer.parameters,
                    activation: expansion.activation)
                return PreparedExpansion(
                    before.stage(PrepackedFilters(isEager: isEager)),
                    operation.stage(PrepackedFilters(isEager: isEager)))
            }
            let filters = PrepackedFilters(isEager: isEager)
            guard fused.slice != nil || fused.destination != nil else {
                return PreparedConvolution(operation, hasAddend: fused.hasAddend, filters)
            }
            return PreparedPart(
                operation, of: fused.slice.map { graph.nodes[$0].layer.pattern },
                fused.destination, filters)
        }
    }
}

private final class PreparedLayer: PreparedStep {
    private let layer: any Layer

    init(_ layer: any Layer) { self.layer = layer }

    var byteCount: Int { 0 }

    func predict(
        _ inputs: [Tensor], _ begun: inout Tensor?, on kernels: any Kernels
    ) throws -> Tensor { try layer.predict(inputs, on: kernels) }
}

private final class PreparedAffine: PreparedStep {
    private let operation: AffineOperation

    init(_ operation: AffineOperation) { self.operation = operation }

    var byteCount: Int { 0 }

    func predict(
        _ inputs: [Tensor], _ begun: inout Tensor?, on kernels: any Kernels
    ) throws -> Tensor { try operation.predict(inputs[0], on: kernels) }
}

private final class PreparedConvolution: PreparedStep {
    private let weights: Tensor
    private let descriptor: ConvolutionDescriptor
    private let epilogue: Epilogue
    private let hasAddend: Bool
    private let filters: PrepackedFilters

    init(_ operation: ConvolutionOperation, hasAddend: Bool, _ filters: PrepackedFilters) {
        (weights, descriptor) = (operation.weights, operation.descriptor)
        epilogue = operation.epilogue
        (self.hasAddend, self.filters) = (hasAddend, filters)
    }

    var byteCount: Int { filters.byteCount }

    func predict(
        _ inputs: [Tensor], _ begun: inout Tensor?, on kernels: any Kernels
    ) throws -> Tensor {
        guard hasAddend else { return try predict(inputs[0], epilogue, on: kernels) }
        var epilogue = epilogue
        epilogue.addend = inputs[1]
        return try predict(inputs[0], epilogue, on: kernels)
    }

    private func predict(
        _ x: Tensor, _ epilogue: Epilogue, on kernels: any Kernels
    ) throws -> Tensor {
        try kernels.convolution(
            x, weights: weights, prepacked: filters, descriptor, epilogue: epilogue,
            wantsArgmax: false
        ).output
    }
}

/// A convolution that reads some channels of a tensor, or whose output is some of a larger one's.
private final class PreparedPart: PreparedStep {
    private let operation: ConvolutionOperation
    private let slice: Slice?
    private let destination: Plan.Destination?
    private let filters: PrepackedFilters

    init(
        _ operation: ConvolutionOperation, of pattern: LayerPattern?,
        _ destination: Plan.Destination?, _ filters: PrepackedFilters
    ) {
        self.operation = operation
        slice = if case .slice(let slice) = pattern { slice } else { nil }
        (self.destination, self.filters) = (destination, filters)
    }

    var byteCount: Int { filters.byteCount }

    func predict(
        _ inputs: [Tensor], _ begun: inout Tensor?, on kernels: any Kernels
    ) throws -> Tensor {
        let x = inputs[0]
        let channels = try slice?.range(in: x.shape) ?? 0..<(x.shape.dropFirst().first ?? 0)
        var shape = try KernelChecks.convolution(
            inputShape: KernelChecks.channels(channels, of: x).shape,
            weightsShape: operation.weights.shape, operation.descriptor, operation: "convolution"
        ).outputShape
        if let destination { shape[1] = destination.total }
        // Taken out: a tensor that is held twice would be copied.
        var output =
            try begun.take()
            ?? Tensor(uninitialized: shape, scalarType: x.scalarType, operation: "Convolution")
        try kernels.convolution(
            x, channels: channels, weights: operation.weights, prepacked: filters,
            operation.descriptor, epilogue: operation.epilogue, into: &output,
            fromChannel: destination?.channels.lowerBound ?? 0)
        return output
    }
}

private final class PreparedExpansion: PreparedStep {
    private let expansion: ConvolutionStage
    private let depthwise: ConvolutionStage

    init(_ expansion: ConvolutionStage, _ depthwise: ConvolutionStage) {
        (self.expansion, self.depthwise) = (expansion, depthwise)
    }

    var byteCount: Int {
        [expansion, depthwise].reduce(0) { $0 + ($1.prepacked?.byteCount ?? 0) }
    }

    func predict(
        _ inputs: [Tensor], _ begun: inout Tensor?, on kernels: any Kernels
    ) throws -> Tensor { try kernels.convolution(inputs[0], expansion, then: depthwise) }
}
