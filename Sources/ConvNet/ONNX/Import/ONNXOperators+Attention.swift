// SPDX-License-Identifier: MIT
//
// Attention as one operator, which exporters write from version 23 on.

extension ONNXOperators {
    /// Attention.
    static let attention: [String: Entry] = [
        "Attention": Entry(
            [
                "is_causal", "kv_num_heads", "q_num_heads", "qk_matmul_output_mode", "scale",
                "softcap", "softmax_precision",
            ], attended)
    ]

    /// The softmax of the products of queries and keys, times values.
    private static func attended(
        _ node: ONNXNodeView, _ importer: inout ONNXImporter
    ) throws -> [ONNXImporter.Value] {
        guard node.outputCount < 2 else {
            throw ONNXRefusal("outputs", "\(node.outputCount)", expected: "Y alone")
        }
        guard (4...6).allSatisfy({ node.optional($0) == nil }) else {
            throw ONNXRefusal("past_key", "given", expected: "queries, keys and values alone")
        }
        guard try node.float("softcap", 0) == 0 else {
            throw ONNXRefusal("softcap", "\(try node.float("softcap", 0))", expected: "0")
        }
        let rank = try importer.shape(of: node.input(0)).count
        let queries = try importer.heads(node.input(0), node.int("q_num_heads", 0))
        let keys = try importer.heads(node.input(1), node.int("kv_num_heads", 0))
        let values = try importer.heads(node.input(2), node.int("kv_num_heads", 0))
        let (own, others) = (try importer.shape(of: queries), try importer.shape(of: keys))
        guard own[1] == others[1], own[3] == others[3] else {
            throw ONNXRefusal(
                "K", "\(others)", expected: "as many heads and features as \(own) has")
        }
        let scale = try node.float("scale", 1 / Double(own[3]).squareRoot())
        let turned = try importer.transposed(keys, [0, 1, 3, 2], isLast: false)
        var scores = try importer.product(queries, turned)
        scores = try importer.combine(
            .multiply, scores, importer.number(scale), isLast: false)
        if let mask = node.optional(3) { scores = try importer.masked(scores, mask) }
        if try node.flag("is_causal") {
            let steps = try importer.shape(of: scores)
            let last = try importer.column(steps[2], [steps[2], 1])
            let place = try importer.column(steps[3], [1, steps[3]])
            let isBefore = try importer.emit(
                Selection(.lessOrEqual), place, last, isLast: false)
            scores = try importer.masked(scores, .running(isBefore, .bool))
        }
        let shares = try importer.apply(Softmax(axis: -1), scores, isLast: false)
        let result = try importer.product(shares, values)
        guard rank == 3 else { return [result] }
        let made = try importer.shape(of: result)
        let rows = try importer.transposed(result, [0, 2, 1, 3], isLast: false)
        return [
            try importer.reshape(rows, to: [made[0], made[2], made[1] * made[3]])
        ]
    }
}

extension ONNXImporter {
    /// `[N, H, L, E]` of such a value, or of one whose heads lie one behind the other.
    fileprivate mutating func heads(_ value: Value, _ count: Int) throws -> Value {
        let shape = try self.shape(of: value)
        guard shape.count != 4 else { return value }
        guard shape.count == 3, (1...max(shape[2], 1)).contains(count), shape[2] % count == 0
        else {
            throw ONNXRefusal(
                "q_num_heads", "\(count)", expected: "a divisor of the features of \(shape)")
        }
        let split = try reshape(
            value, to: [shape[0], shape[1], count, shape[2] / count], isLast: false)
        return try transposed(split, [0, 2, 1, 3], isLast: false)
    }

    fileprivate mutating func product(_ a: Value, _ b: Value) throws -> Value {
        let (x, y) = (try running(a), try running(b))
        return .running(try emit(BroadcastProduct(), x, y, isLast: false), .float)
    }

    /// The numbers from 0 on.
    fileprivate mutating func column(_ count: Int, _ shape: [Int]) throws -> Graph.Value {
        let numbers = ONNXConstant(shape: shape, integers: Array(0..<count))
        return try running(.constant(numbers, name: ""))
    }

    /// Scores with a mask: what is added, or where they count at all.
    fileprivate mutating func masked(_ scores: Value, _ mask: Value) throws -> Value {
        guard type(of: mask) == .bool else {
            return try combine(.add, scores, mask, isLast: false)
        }
        let none = try running(number(-.infinity))
        let (x, truth) = (try running(scores), try running(mask))
        return .running(
            try emit(Selection(.byTruth), [x, none, truth], isLast: false), .float)
    }
}
