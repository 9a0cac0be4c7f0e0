// SPDX-License-Identifier: MIT
//
// What an optimizer keeps from step to step, as plain values that a checkpoint can hold. Where it
// comes back it is checked against the network before anything believes it.

/// The state of an optimizer: for each kind of it, such as a velocity, a tensor for each of the
/// network's parameters; and counters.
public struct OptimizerState: Sendable, Equatable {
    /// For each kind, such as `velocity`, a tensor for each of the network's parameters, or of
    /// ``parameters``, in their order; no tensors before the first step.
    public var tensors: [String: [Tensor]]
    /// The names of the parameters that there are tensors for, in the network's order; nil for all.
    /// What was never trained has none.
    public var parameters: [String]?
    /// Numbers that count, such as `step`, each from 0 to ``largestCount``.
    public var counters: [String: Int]

    /// The largest number that a counter may have: counting on from it overflows nothing.
    public static let largestCount = 1 << 53

    /// A state; without arguments that of an optimizer that keeps nothing.
    public init(
        tensors: [String: [Tensor]] = [:], counters: [String: Int] = [:],
        parameters: [String]? = nil
    ) {
        self.tensors = tensors
        self.counters = counters
        self.parameters = parameters
    }

    /// Fails unless the state has exactly the given kinds of tensors and counters, and the tensors
    /// suit a network: none at all, or of each kind one for each parameter that is named, of its
    /// shape and number type.
    ///
    /// An updater's ``Updater/restore(_:for:)`` calls it before it takes anything over.
    ///
    /// - Parameters:
    ///   - kinds: the kinds of tensors that there must be, such as `velocity`.
    ///   - names: the names of the counters that there must be.
    ///   - network: what the tensors must suit.
    ///   - operation: what errors call the caller.
    /// - Throws: ``TensorError`` that names what differs.
    public func check(
        tensors kinds: Set<String>, counters names: Set<String>, suit network: Network,
        operation: String
    ) throws(TensorError) {
        func wrong(_ argument: String, _ value: String, _ expected: String) -> TensorError {
            TensorError(
                operation: operation, argument: argument, value: value, expected: expected)
        }
        func list(_ names: some Sequence<String>) -> String {
            let text = names.sorted().joined(separator: ", ")
            return text.isEmpty ? "none" : text
        }
        guard Set(tensors.keys) == kinds else {
            throw wrong("state.tensors", list(tensors.keys), list(kinds))
        }
        guard Set(counters.keys) == names else {
            throw wrong("state.counters", list(counters.keys), list(names))
        }
        for (name, count) in counters.sorted(by: { $0.key < $1.key })
        where count < 0 || count > Self.largestCount {
            throw wrong("state.counters.\(name)", "\(count)", "from 0 to \(Self.largestCount)")
        }
        guard !tensors.values.allSatisfy(\.isEmpty) else { return }
        let all = network.parameters
        let names = self.parameters.map(Set.init)
        if let unknown = names?.subtracting(all.map(\.name)).min() {
            throw wrong("state.parameters", unknown, "names of the network's parameters")
        }
        let parameters = all.filter { names?.contains($0.name) ?? true }
        for (kind, values) in tensors.sorted(by: { $0.key < $1.key }) {
            guard values.count == parameters.count else {
                throw wrong(
                    "state.tensors.\(kind)", "\(values.count) tensors",
                    "\(parameters.count), one for each parameter")
            }
            for (value, parameter) in zip(values, parameters)
            where value.shape != parameter.value.shape
                || value.scalarType != parameter.value.scalarType
            {
                throw wrong(
                    "state.tensors.\(kind) of \(parameter.name)",
                    "\(value.shape) of \(value.scalarType)",
                    "\(parameter.value.shape) of \(parameter.value.scalarType)")
            }
        }
    }
}
