// SPDX-License-Identifier: MIT
//
// Training a part of a network: which parameters change, and which normalizations keep their
// statistics. Both are patterns of names, so that a checkpoint can say what they are.

/// Which parameters of a network are trained, and which of its layers keep their running
/// statistics.
struct TrainedPart: Sendable, Hashable {
    /// Patterns of parameters' names; those behind a `!` are not meant. Nil for all parameters.
    var trainable: [String]?
    /// Patterns of the names of layers with running statistics, which normalize by them
    /// and keep them.
    var frozenNormalizations: [String] = []

    /// Whether everything is trained.
    var isEverything: Bool { trainable == nil && frozenNormalizations.isEmpty }

    /// Whether a parameter of this name is trained: one of the patterns means it, and none of those
    /// behind a `!`. Where there are only such, all others are.
    func isTrained(_ name: String) -> Bool {
        guard let trainable else { return true }
        let (meant, excepted) = Self.split(trainable)
        return (meant.isEmpty && !excepted.isEmpty || meant.contains { $0.matches(name) })
            && !excepted.contains { $0.matches(name) }
    }

    /// The names that patterns mean, and those that they except.
    private static func split(
        _ patterns: [String]
    ) -> (meant: [NamePattern], excepted: [NamePattern]) {
        (
            patterns.filter { !$0.hasPrefix("!") }.map(NamePattern.init),
            patterns.filter { $0.hasPrefix("!") }.map { NamePattern(String($0.dropFirst())) }
        )
    }

    /// The nodes that keep their running statistics.
    func frozenNodes(of graph: Graph) -> Set<Int> {
        let patterns = frozenNormalizations.map(NamePattern.init)
        return Set(
            graph.nodes.indices.filter { index in
                !graph.nodes[index].layer.bufferNames.isEmpty
                    && patterns.contains { $0.matches(graph.nodes[index].name) }
            })
    }

    /// Fails where a pattern means nothing in a network, or nothing is left to train.
    func check(_ network: Network) throws(TensorError) {
        func refused(_ argument: String, _ pattern: String, _ names: [String]) -> TensorError {
            TensorError(
                operation: "training", argument: argument, value: pattern,
                expected: names.isEmpty
                    ? "no pattern: the network has no such layers"
                    : "a pattern that matches one of \(ParameterMatch.list(names))")
        }
        let names = network.parameters.map(\.name)
        if let trainable {
            let (meant, excepted) = Self.split(trainable)
            for pattern in meant + excepted where !names.contains(where: pattern.matches) {
                throw refused("trainable", pattern.text, names)
            }
            guard names.contains(where: isTrained) else {
                throw TensorError(
                    operation: "training", argument: "trainable",
                    value: "[\(trainable.joined(separator: ", "))]",
                    expected: "patterns that leave a parameter to train")
            }
        }
        let normalizations = network.graph.nodes.filter { !$0.layer.bufferNames.isEmpty }
            .map(\.name)
        for pattern in frozenNormalizations
        where !normalizations.contains(where: NamePattern(pattern).matches) {
            throw refused("frozenNormalizations", pattern, normalizations)
        }
    }

    /// What must be the same where training is resumed, as text by name.
    var configuration: [String: String] {
        var configuration: [String: String] = [:]
        if let trainable {
            configuration["trainable"] = trainable.joined(separator: "; ")
        }
        if !frozenNormalizations.isEmpty {
            configuration["frozenNormalizations"] = frozenNormalizations.joined(separator: "; ")
        }
        return configuration
    }
}

extension Network {
    /// In which order nodes run where a part is trained. That of the last part is kept.
    ///
    /// - Throws: ``TensorError`` where a pattern means nothing.
    mutating func trainingPlan(for part: TrainedPart) throws(TensorError) -> Plan {
        if part.isEverything { return plan }
        if let kept = partialPlan, kept.part == part { return kept.plan }
        try part.check(self)
        let partial = Plan(
            graph, fusion: .training, isTrained: parameters.map { part.isTrained($0.name) },
            frozenNodes: part.frozenNodes(of: graph))
        partialPlan = (part, partial)
        return partial
    }
}
