// SPDX-License-Identifier: MIT
//
// What a network is made of: a table with its layers' shapes, parameters, operations and memory.

/// A network's layers and what each costs, and the totals.
///
/// ```swift
/// print(try AlexNet(seed: 1).summary(batchSize: 16))
/// ```
public struct NetworkSummary: Sendable, CustomStringConvertible {
    /// What one layer costs.
    public struct Row: Sendable, Hashable {
        /// The layer's name, such as `conv1`.
        public let name: String
        /// Its type, such as `Convolution`.
        public let type: String
        /// The names of the layers, or of the network's inputs, that it takes values from.
        public let inputs: [String]
        /// Whether it takes the output of the row above, or the first row the first input, and
        /// nothing else.
        public let takesRowAbove: Bool
        /// The shape that comes out of it, the samples first.
        public let outputShape: [Int]
        /// How many numbers it trains, without those of a layer before that it shares.
        public let parameterCount: Int
        /// The floating-point operations of a forward pass over the batch; see
        /// ``Layer/operationCount(for:)``.
        public let operationCount: Int
        /// The bytes of its output for the batch, which training holds until the backward pass.
        public let activationByteCount: Int
    }

    /// The shape of the batch that goes in.
    public let inputShape: [Int]
    /// The layers in order.
    public let rows: [Row]

    /// How many numbers the network trains.
    public var parameterCount: Int { sum(\.parameterCount) }
    /// The floating-point operations of a forward pass over the batch.
    public var operationCount: Int { sum(\.operationCount) }
    /// The bytes of all layers' outputs for the batch.
    public var activationByteCount: Int { sum(\.activationByteCount) }

    /// The sum over all layers, or the largest number there is: a network from a file may describe
    /// layers that no machine could run.
    private func sum(_ figure: (Row) -> Int) -> Int {
        rows.reduce(0) {
            let (sum, overflow) = $0.addingReportingOverflow(figure($1))
            return overflow ? .max : sum
        }
    }

    init(_ network: Network, batchSize: Int) throws {
        let graph = network.graph
        inputShape = [batchSize] + network.inputShape
        _ = try Shape.elementCount(inputShape, operation: "summary", argument: "batchSize")
        var counts = [Int](repeating: 0, count: graph.nodes.count)
        for owner in network.plan.parameters.owners {
            counts[owner.node] += graph.nodes[owner.node].layer.parameters[owner.index].count
        }
        rows = try graph.nodes.enumerated().map { place, node in
            // Of one batch the shapes are those that the graph was made with.
            let inputShapes = try node.inputs.map {
                let shape = try graph.wholeShape(of: $0)
                return batchSize == graph.inputs[0].wholeShape.first
                    ? shape : [batchSize] + shape.dropFirst()
            }
            let shape = try node.layer.outputShape(for: inputShapes)
            let operations = try node.layer.operationCount(for: inputShapes)
            let outputs = try Shape.elementCount(
                shape, operation: "summary", argument: "batchSize")
            return Row(
                name: node.name, type: "\(type(of: node.layer))",
                inputs: node.inputs.map { graph.name(of: $0) },
                takesRowAbove: node.inputs == [Graph.valueBefore(place)], outputShape: shape,
                parameterCount: counts[place],
                operationCount: operations,
                activationByteCount: outputs * MemoryLayout<Float>.size)
        }
    }

    /// The table. Where layers do not simply follow one another, a column has the names of what a
    /// layer takes values from, unless that is the row above alone.
    public var description: String {
        let lines = tableLines
        let rule = String(repeating: "-", count: lines[0].count)
        return """
            input \(inputShape)
            \(lines[0])
            \(rule)
            \(lines[1...rows.count].joined(separator: "\n"))
            \(rule)
            \(lines[rows.count + 1])
            FLOPs: of a forward pass, a multiplication and an addition being two. memory: of the
            layers' outputs. The parameters are \(Self.scaled(min(parameterCount, .max / 4) * 4, "B")); training \
            holds their gradients and
            the optimizer's state beside them.
            """
    }

    /// The head, one line per layer, and the totals.
    private var tableLines: [String] {
        let cells =
            [["layer", "type", "inputs", "output", "parameters", "FLOPs", "memory"]]
            + rows.map {
                [
                    $0.name, $0.type, $0.takesRowAbove ? "" : $0.inputs.joined(separator: ", "),
                    "\($0.outputShape)", Self.grouped($0.parameterCount),
                    Self.scaled($0.operationCount, ""), Self.scaled($0.activationByteCount, "B"),
                ]
            } + [
                [
                    "total", "", "", "", Self.grouped(parameterCount),
                    Self.scaled(operationCount, ""), Self.scaled(activationByteCount, "B"),
                ]
            ]
        let isChain = rows.allSatisfy(\.takesRowAbove)
        let columns = cells[0].indices.filter { !isChain || cells[0][$0] != "inputs" }
        let widths = cells[0].indices.map { column in cells.map { $0[column].count }.max() ?? 0 }
        return cells.map { cells in
            columns.map { column in
                let fill = String(repeating: " ", count: widths[column] - cells[column].count)
                return column < 4 ? cells[column] + fill : fill + cells[column]
            }.joined(separator: "  ")
        }
    }

    /// A whole number with commas, such as 61,100,840.
    private static func grouped(_ number: Int) -> String {
        let digits = Array(String(number))
        return digits.enumerated().map { place, digit in
            place > 0 && (digits.count - place) % 3 == 0 ? ",\(digit)" : "\(digit)"
        }.joined()
    }

    /// A number with three digits or so and a prefix, such as 1.46 G.
    private static func scaled(_ number: Int, _ unit: String) -> String {
        var (value, prefixes) = (Double(number), ["", "k", "M", "G", "T", "P", "E"][...])
        while value >= 999.5, prefixes.count > 1 {
            value /= 1000
            prefixes = prefixes.dropFirst()
        }
        let prefix = prefixes.first ?? ""
        let suffix = prefix + unit
        let decimals = prefix.isEmpty || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2
        return fixed(value, decimals) + (suffix.isEmpty ? "" : " \(suffix)")
    }

    /// A number with so many decimals.
    private static func fixed(_ value: Double, _ decimals: Int) -> String {
        let scale = [1, 10, 100][decimals]
        let scaled = Int((value * Double(scale)).rounded())
        guard decimals > 0 else { return "\(scaled)" }
        let fraction = String(scaled % scale)
        let zeros = String(repeating: "0", count: decimals - fraction.count)
        return "\(scaled / scale).\(zeros)\(fraction)"
    }
}

extension Classifier {
    /// The network's layers with their shapes, parameters, operations and memory.
    ///
    /// - Parameter batchSize: how many samples the figures are for.
    /// - Throws: ``TensorError`` when there is not at least one sample, or a size is too large.
    public func summary(batchSize: Int = 1) throws -> NetworkSummary {
        try NetworkSummary(network, batchSize: batchSize)
    }
}
