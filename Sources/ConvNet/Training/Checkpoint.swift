// SPDX-License-Identifier: MIT
//
// Everything that training needs to resume as if it had not stopped, in one safetensors file: the
// network's tensors under their names, the optimizer's under `optimizer.KIND.NAME`, moving
// averages under `average.NAME`, the losses of the steps under `history.stepLosses`, and the rest
// as JSON in the metadata under `checkpoint`. Files are not trusted: every figure is checked
// before it is used.

import Foundation

/// Training at rest: parameters, buffers, the optimizer's state, counters, the place in the data.
///
/// ```swift
/// let checkpoint = try Checkpoint(contentsOf: file)
/// let plan = try Checkpoints(file: file, everySteps: 100, resuming: checkpoint)
/// try trainer.train(&network, on: training, checkpoints: plan)
/// ```
public struct Checkpoint: Sendable {
    /// What must be the same where training is resumed, as text by name.
    public var settings: [String: String] { header.settings }
    /// The place in the data, and the figures up to it.
    public let progress: TrainingProgress

    private let header: CheckpointHeader
    private let tensors: [NamedTensor]
    /// What errors call it: its path, where it was read.
    let file: String

    static let metadataKey = "checkpoint"
    private static let stepLosses = "history.stepLosses"
    private static let averagePrefix = "average."

    /// Training as it stands.
    ///
    /// - Parameters:
    ///   - network: its parameters, buffers and the number of its next step are kept.
    ///   - updater: its state is kept.
    ///   - progress: the place in the data, and the figures up to it.
    ///   - settings: what must be the same where training is resumed, as text by name.
    ///   - averages: moving averages of the network's parameters and buffers, by their names; none
    ///     where there are no averages.
    /// - Throws: ``TensorError`` when there is no memory for it or a figure of the progress is one
    ///   that no training has, and ``FileError`` when its history has other steps and epochs.
    public init(
        network: Network, updater: Updater, progress: TrainingProgress,
        settings: [String: String], averages: [NamedTensor] = []
    ) throws {
        let state = updater.state
        header = CheckpointHeader(
            settings: settings, trainingStep: network.trainingStep, counters: state.counters,
            optimizerTensors: state.tensors.keys.sorted(), progress: progress)
        var tensors = network.parameters + network.buffers
        let names = state.parameters ?? network.parameters.map(\.name)
        for (kind, values) in state.tensors {
            for (name, value) in zip(names, values) {
                tensors.append((Self.name(kind, name), value))
            }
        }
        for (name, value) in averages { tensors.append((Self.averagePrefix + name, value)) }
        let losses = progress.history.stepLosses
        try header.checkFigures()
        _ = try header.progress(stepLosses: losses, file: "checkpoint")
        if !losses.isEmpty {
            tensors.append((Self.stepLosses, try Tensor(shape: [losses.count], doubles: losses)))
        }
        self.tensors = tensors
        self.progress = progress
        file = "checkpoint"
    }

    /// Reads a checkpoint.
    ///
    /// - Throws: ``FileError`` when the file can't be read, is broken, or is no checkpoint.
    public init(contentsOf url: URL) throws {
        try self.init(Safetensors.contents(of: url), file: url.path)
    }

    /// Takes a checkpoint's bytes apart.
    ///
    /// - Parameter file: what errors call them.
    /// - Throws: ``FileError`` when they are broken or no checkpoint.
    init(bytes: Data, file: String) throws {
        try self.init(Safetensors.contents(of: bytes, file: file), file: file)
    }

    private init(_ contents: Safetensors.Contents, file: String) throws {
        self.file = file
        guard let text = contents.metadata[Self.metadataKey] else {
            throw FileError(
                file: file,
                problem: "is not a checkpoint, expected \(Self.metadataKey) in its metadata")
        }
        header = try CheckpointHeader(json: text, file: file)
        if let (name, type) = contents.unreadTypes.min(by: { $0.key < $1.key }) {
            throw FileError(
                file: file,
                problem: "\(name) has type \(type), expected one of "
                    + Safetensors.FloatType.names.joined(separator: ", "))
        }
        var tensors = contents.tensors
        var losses: [Double] = []
        if let index = tensors.firstIndex(where: { $0.name == Self.stepLosses }) {
            losses = tensors.remove(at: index).value.doubles
        }
        progress = try header.progress(stepLosses: losses, file: file)
        self.tensors = tensors
    }

    /// Writes the checkpoint: at any moment the file is the old one or the new one, whole.
    ///
    /// - Parameters:
    ///   - url: the file.
    ///   - count: how many checkpoints to keep: this one, the one before as `FILE.1`, the one
    ///     before that as `FILE.2`, and so on. With 1, no other file is touched.
    /// - Throws: ``FileError`` when the file can't be written.
    public func write(to url: URL, keeping count: Int = 1) throws {
        try write(to: url, keeping: count, skipping: 0)
    }

    /// - Parameter skipping: how many of the newest ones are not worth keeping.
    func write(to url: URL, keeping count: Int, skipping: Int) throws {
        try ParameterFile.write(
            bytes(file: url.path), to: url, keeping: count, skipping: skipping)
    }

    /// Whether training with these settings may resume from it, and nothing in it is NaN or
    /// infinite.
    func isGood(
        for settings: [String: String], overriding: Set<String>, stepsPerEpoch: Int
    ) -> Bool {
        do {
            try header.check(
                settings, overriding: overriding, stepsPerEpoch: stepsPerEpoch, file: file)
        } catch {
            return false
        }
        return tensors.allSatisfy { $0.value.firstNonFinite == nil }
    }

    /// The bytes that a file of the checkpoint has.
    ///
    /// - Parameter file: what errors call them.
    func bytes(file: String) throws -> Data {
        try Safetensors.encode(
            tensors, metadata: [Self.metadataKey: header.json()], file: file)
    }

    /// Puts everything back: all of it, or nothing where something does not suit.
    ///
    /// - Parameter average: what the averages have to be like; nil where there are none.
    /// - Returns: the place to resume from, and the averages.
    /// - Throws: ``FileError`` that names the settings or the tensors that differ.
    func restore(
        _ network: inout Network, _ updater: inout Updater, average: AveragedTensors? = nil,
        settings: [String: String], overriding: Set<String> = [], stepsPerEpoch: Int
    ) throws -> (progress: TrainingProgress, average: AveragedTensors?) {
        try header.check(
            settings, overriding: overriding, stepsPerEpoch: stepsPerEpoch, file: file)
        var rest = Dictionary(uniqueKeysWithValues: tensors.map { ($0.name, $0.value) })
        func take(_ name: String, like model: Tensor) throws -> Tensor {
            guard let tensor = rest.removeValue(forKey: name) else {
                throw FileError(
                    file: file, problem: "\(name) is missing, expected shape \(model.shape)")
            }
            guard tensor.shape == model.shape, tensor.scalarType == model.scalarType else {
                throw FileError(
                    file: file,
                    problem: "\(name) is \(tensor.shape) of \(tensor.scalarType), "
                        + "expected \(model.shape) of \(model.scalarType)")
            }
            return tensor
        }
        let parameters = try network.parameters.map { try take($0.name, like: $0.value) }
        let buffers = try network.buffers.map { try take($0.name, like: $0.value) }
        var state = OptimizerState(counters: try counters())
        // Before the first step an optimizer keeps nothing yet.
        let isFresh = header.trainingStep == 0
        for kind in header.optimizerTensors {
            guard !isFresh || rest.keys.contains(where: { $0.hasPrefix(Self.name(kind, "")) })
            else {
                state.tensors[kind] = []
                continue
            }
            // What was never trained has nothing beside it.
            let kept = network.parameters.filter {
                updater.part.isTrained($0.name) || rest[Self.name(kind, $0.name)] != nil
            }
            state.tensors[kind] = try kept.map {
                try take(Self.name(kind, $0.name), like: $0.value)
            }
            state.parameters =
                kept.count == network.parameters.count ? nil : kept.map(\.name)
        }
        let averages = try average?.tensors.map {
            (name: $0.name, value: try take(Self.averagePrefix + $0.name, like: $0.value))
        }
        if let extra = rest.keys.min() {
            throw FileError(
                file: file, problem: "\(extra) is unexpected, expected nothing of that name")
        }
        do {
            try updater.restore(state, for: network)
        } catch {
            throw FileError(file: file, problem: "\(error)")
        }
        try network.replaceParameters(parameters)
        try network.replaceBuffers(buffers)
        network.trainingStep = header.trainingStep
        return (progress, averages.map { AveragedTensors($0) })
    }

    /// The number of steps that the optimizer had taken. Before version 0.2 each optimizer kept the
    /// counters that it needed itself, and many none.
    private func counters() throws(FileError) -> [String: Int] {
        let names = [Updater.counter, "scheduleStep"]
        if let unknown = header.counters.keys.filter({ !names.contains($0) }).min() {
            throw FileError(
                file: file,
                problem: "has the counter \(unknown), expected only \(Updater.counter)")
        }
        let steps = names.lazy.compactMap { header.counters[$0] }.first
        return [Updater.counter: steps ?? header.trainingStep]
    }

    private static func name(_ kind: String, _ parameter: String) -> String {
        "optimizer.\(kind).\(parameter)"
    }
}
