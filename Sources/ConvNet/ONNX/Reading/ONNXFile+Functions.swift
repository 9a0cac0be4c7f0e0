// SPDX-License-Identifier: MIT
//
// Functions that a model brings along: operators of its own, made of others. Each use of one is
// replaced by what it is made of.

import ConvNetSupport

extension ONNXFile {
    /// An operator of a model's own (FunctionProto).
    struct Function {
        var name = ""
        var domain = ""
        var inputs: [String] = []
        var outputs: [String] = []
        var nodes: [Node] = []
        /// What attributes are that a use does not give.
        var defaults: [String: Attribute] = [:]
        /// The version of ONNX's operators that it is written for; nil where it uses none.
        var operatorVersion: Int?

        /// FunctionProto
        init(_ reader: ProtobufReader) throws {
            var reader = reader
            let source = reader.source
            while let (number, value) = try reader.next() {
                guard let range = value.range else { continue }
                let message = ProtobufReader(source, range)
                switch number {
                case 1: name = try source.text(range)
                case 4: inputs.append(try source.text(range))
                case 5: outputs.append(try source.text(range))
                case 7: nodes.append(try Node(message, depth: 0))
                case 9:
                    let (domain, version) = try ONNXFile.operators(message)
                    if domain.isEmpty { operatorVersion = version }
                case 10: domain = try source.text(range)
                case 11:
                    let (name, value) = try Attribute.read(message, depth: 0)
                    defaults[name] = value
                default: break
                }
            }
        }
    }

    /// How deep uses of functions may lie in functions.
    private static let deepestFunction = 16

    /// The graph's nodes, with what functions are made of in place of their uses.
    ///
    /// - Throws: ``FileError`` when functions use each other without end, or are written for
    ///   another version of the operators than the model.
    func expandedNodes() throws -> [Node] {
        guard !functions.isEmpty else { return nodes }
        let known = Dictionary(functions.map { ("\($0.domain):\($0.name)", $0) }) { first, _ in
            first
        }
        var expansion = Expansion(file: self, functions: known)
        for node in nodes { try expansion.add(node, depth: 0) }
        return expansion.nodes
    }

    /// Nodes of which functions are made, as far as they are expanded.
    private struct Expansion {
        let file: ONNXFile
        let functions: [String: Function]
        private(set) var nodes: [Node] = []
        private var uses = 0

        init(file: ONNXFile, functions: [String: Function]) {
            (self.file, self.functions) = (file, functions)
        }

        mutating func add(_ node: Node, depth: Int) throws {
            guard let function = functions["\(node.domain):\(node.operation)"] else {
                nodes.append(node)
                return try check(nodes.count, "nodes")
            }
            guard depth < ONNXFile.deepestFunction else {
                throw refusal("has functions of functions without end", "fewer levels")
            }
            if let version = function.operatorVersion, version != file.operatorVersion {
                throw refusal(
                    "has function \(function.name) for operators \(version)",
                    "\(file.operatorVersion), as the model's")
            }
            uses += 1
            try check(uses, "uses of functions")
            var names: [String: String] = [:]
            for (place, name) in function.inputs.enumerated() {
                names[name] = node.inputs.indices.contains(place) ? node.inputs[place] : ""
            }
            for (name, own) in zip(function.outputs, node.outputs) where !own.isEmpty {
                names[name] = own
            }
            let prefix = "\(node.name.isEmpty ? function.name : node.name).\(uses)."
            let attributes = function.defaults.merging(node.attributes) { $1 }
            for inner in function.nodes {
                try add(inner.renamed(&names, prefix, attributes), depth: depth + 1)
            }
        }

        private func check(_ count: Int, _ what: String) throws(FileError) {
            guard count <= ONNXFile.mostItems else {
                throw refusal("is made of more than \(ONNXFile.mostItems) \(what)", "fewer")
            }
        }

        private func refusal(_ problem: String, _ expected: String) -> FileError {
            FileError(file: file.name, problem: problem, expected: expected)
        }
    }
}

extension ONNXFile.Node {
    /// The node in a use of the function that it is part of.
    ///
    /// - Parameters:
    ///   - names: what the function's values are called there; grows by the node's outputs.
    ///   - prefix: what values of no other name begin with.
    ///   - attributes: those of the use.
    fileprivate func renamed(
        _ names: inout [String: String], _ prefix: String,
        _ attributes: [String: ONNXFile.Attribute]
    ) -> ONNXFile.Node {
        var node = self
        node.name = prefix + name
        node.inputs = inputs.map { $0.isEmpty ? "" : names[$0] ?? $0 }
        for (name, value) in self.attributes {
            switch value {
            case .reference(let outer): node.attributes[name] = attributes[outer]
            case .graph(var branch):
                var inner = names
                for place in branch.initializers.indices {
                    let own = branch.initializers[place].name
                    inner[own] = prefix + own
                    branch.initializers[place].name = prefix + own
                }
                branch.nodes = branch.nodes.map { $0.renamed(&inner, prefix, attributes) }
                for place in branch.outputs.indices {
                    let own = branch.outputs[place].name
                    branch.outputs[place].name = inner[own] ?? own
                }
                node.attributes[name] = .graph(branch)
            default: break
            }
        }
        node.outputs = outputs.map { output in
            guard !output.isEmpty else { return "" }
            if names[output] == nil { names[output] = prefix + output }
            return names[output] ?? output
        }
        return node
    }
}
