// SPDX-License-Identifier: MIT
//
// The nodes of a graph in rows, and their order from left to right: the first half of Sugiyama,
// Tagawa and Toda, "Methods for visual understanding of hierarchical system structures", 1981.

/// The nodes of a graph in rows, each below all that it takes values from. A line that passes a row
/// has a place of its own there, so that lines go from a row to the next alone.
struct GraphRows: Sendable {
    /// A place in a row.
    struct Slot: Sendable {
        /// The node that stands there; nil where a line passes by.
        let node: Int?
        /// The row, counted from above.
        let row: Int
        /// The slots of the row above that lines come from.
        fileprivate(set) var above: [Int] = []
        /// The slots of the row below that lines lead to.
        fileprivate(set) var below: [Int] = []
    }

    /// All slots; those of the nodes come first, in the nodes' order.
    private(set) var slots: [Slot] = []
    /// The slots of each row from left to right.
    private(set) var rows: [[Int]] = []
    /// For each node, and each of its inputs, the slots from the source to the node.
    private(set) var lines: [[[Int]]] = []

    /// How many rows all lines pass, which is how many slots they need.
    static func passedRows(inputs: [[Int]]) -> Int {
        let row = depths(inputs)
        return inputs.indices.reduce(0) { sum, node in
            inputs[node].reduce(sum) { $0 + row[node] - row[$1] - 1 }
        }
    }

    /// Puts nodes into rows.
    ///
    /// - Parameter inputs: for each node, the nodes before it that it takes values from.
    init(inputs: [[Int]]) {
        let depths = Self.depths(inputs)
        slots = depths.indices.map { Slot(node: $0, row: depths[$0]) }
        lines = inputs.indices.map { node in
            inputs[node].map { addLine(from: $0, to: node) }
        }
        rows = Array(repeating: [], count: (depths.max() ?? -1) + 1)
        for slot in slots.indices { rows[slots[slot].row].append(slot) }
        // Lines straighten out within a few rounds; the last is downwards, as people read.
        for _ in 0..<6 {
            for row in rows.indices.reversed() { sort(row, by: \.below) }
            for row in rows.indices { sort(row, by: \.above) }
        }
    }

    /// Each node's row: one below the lowest that it takes a value from. What takes nothing stands
    /// just above the first that takes it.
    private static func depths(_ inputs: [[Int]]) -> [Int] {
        var depths = Array(repeating: 0, count: inputs.count)
        for node in inputs.indices {
            depths[node] = inputs[node].reduce(0) { max($0, depths[$1] + 1) }
        }
        var highest = Array(repeating: Int.max, count: inputs.count)
        for node in inputs.indices {
            for source in inputs[node] { highest[source] = min(highest[source], depths[node]) }
        }
        for node in inputs.indices where inputs[node].isEmpty && highest[node] < Int.max {
            depths[node] = highest[node] - 1
        }
        return depths
    }

    /// Adds the slots of the rows that a line passes.
    private mutating func addLine(from source: Int, to target: Int) -> [Int] {
        var path = [source]
        for row in slots[source].row + 1..<slots[target].row {
            slots.append(Slot(node: nil, row: row))
            path.append(slots.count - 1)
        }
        path.append(target)
        for (above, below) in zip(path, path.dropFirst()) {
            slots[above].below.append(below)
            slots[below].above.append(above)
        }
        return path
    }

    /// Brings the slots of a row into the order of the means of their neighbours' places; a slot
    /// without neighbours keeps its place.
    private mutating func sort(_ row: Int, by neighbours: KeyPath<Slot, [Int]>) {
        let slots = rows[row]
        guard slots.count > 1 else { return }
        let other = neighbours == \.above ? row - 1 : row + 1
        let places = rows.indices.contains(other) ? shares(of: rows[other]) : [:]
        let own = shares(of: slots)
        let means = slots.map { slot in
            let near = self.slots[slot][keyPath: neighbours].compactMap { places[$0] }
            return near.isEmpty ? own[slot] ?? 0 : near.reduce(0, +) / Double(near.count)
        }
        rows[row] = slots.indices.sorted { (means[$0], $0) < (means[$1], $1) }.map { slots[$0] }
    }

    /// Where each slot of a row stands, from 0 to 1.
    private func shares(of row: [Int]) -> [Int: Double] {
        Dictionary(
            uniqueKeysWithValues: row.enumerated().map {
                ($1, (Double($0) + 0.5) / Double(row.count))
            })
    }
}
