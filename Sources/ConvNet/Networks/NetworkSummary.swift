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
        /// The shape that comes out of it, the samples first.
        public let outputShape: [Int]
        /// How many numbers it trains.
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
        var shape = [batchSize] + network.inputShape
        _ = try Shape.elementCount(shape, operation: "summary", argument: "batchSize")
        inputShape = shape
        rows = try network.layers.map { named in
            let operations = try named.layer.operationCount(for: shape)
            shape = try named.layer.outputShape(for: shape)
            let outputs = try Shape.elementCount(
                shape, operation: "summary", argument: "batchSize")
            return Row(
                name: named.name, type: "\(type(of: named.layer))", outputShape: shape,
                parameterCount: named.layer.parameters.reduce(0) { $0 + $1.value.count },
                operationCount: operations,
                activationByteCount: outputs * MemoryLayout<Float>.size)
        }
    }

    /// The table.
    public var description: String {
        let head = ["layer", "type", "output", "parameters", "FLOPs", "memory"]
        let body = rows.map {
            [
                $0.name, $0.type, "\($0.outputShape)", Self.grouped($0.parameterCount),
                Self.scaled($0.operationCount, ""), Self.scaled($0.activationByteCount, "B"),
            ]
        }
        let total = [
            "total", "", "", Self.grouped(parameterCount), Self.scaled(operationCount, ""),
            Self.scaled(activationByteCount, "B"),
        ]
        let widths = head.indices.map { column in
            ([head, total] + body).map { $0[column].count }.max() ?? 0
        }
        let lines = ([head] + body + [total]).map { cells in
            cells.enumerated().map { column, text in
                let fill = String(repeating: " ", count: widths[column] - text.count)
                return column < 3 ? text + fill : fill + text
            }.joined(separator: "  ")
        }
        let rule = String(repeating: "-", count: widths.reduce(0, +) + 2 * (widths.count - 1))
        return """
            input \(inputShape)
            \(lines[0])
            \(rule)
            \(lines[1...body.count].joined(separator: "\n"))
            \(rule)
            \(lines[body.count + 1])
            FLOPs: of a forward pass, a multiplication and an addition being two. memory: of the
            layers' outputs. The parameters are \(Self.scaled(min(parameterCount, .max / 4) * 4, "B")); training \
            holds their gradients and
            the optimizer's state beside them.
            """
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
