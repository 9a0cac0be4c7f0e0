// SPDX-License-Identifier: MIT
//
// Branches whose condition is known when the model is loaded: exporters write one where an axis may
// have extent 1.

extension ONNXOperators {
    /// Operators that hold graphs.
    static let branches: [String: Entry] = [
        "If": Entry(["then_branch", "else_branch"]) { node, importer in
            let condition = try importer.constant(node.input(0), "condition").doubles
            guard condition.count == 1 else {
                throw ONNXRefusal("condition", "\(condition.count) numbers", expected: "one")
            }
            let name = condition[0] != 0 ? "then_branch" : "else_branch"
            guard case .branch(let branch)? = node.operation.attributes[name] else {
                throw ONNXRefusal(name, "missing", expected: "a graph")
            }
            return try importer.results(of: branch)
        }
    ]
}

extension ONNXImporter {
    /// What a branch gives; its operators become part of the graph.
    fileprivate mutating func results(of branch: ONNXProgram.Branch) throws -> [Value] {
        let operation = current
        defer { current = operation }
        for (name, value) in branch.constants {
            weightNames.insert(name)
            values[name] = current(value, named: name)
        }
        for operation in branch.operators { try add(operation) }
        return try branch.outputs.map { name in
            guard let value = values[name] ?? initializer(name) else {
                throw ONNXRefusal("outputs", name, expected: "a value of the branch")
            }
            return value
        }
    }
}
