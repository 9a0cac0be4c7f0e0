// SPDX-License-Identifier: MIT
//
// Where the boxes of a graph and the lines between them lie: rows below each other, in as many
// columns as a page has room for.

/// What a graph's picture is made of.
struct GraphLayout: Sendable {
    /// The size of a node's box without the label below it.
    static let boxHeight = 32.0
    /// Below a box: its value's shape, then the room where lines go sideways.
    static let labelHeight = 20.0, channelHeight = 26.0
    private static let rowHeight = boxHeight + labelHeight + channelHeight
    private static let margin = 16.0, gap = 14.0, lineWidth = 12.0, gutter = 28.0, laneGap = 7.0
    /// Fewer rows than these make no column of their own.
    private static let fewestRows = 12
    /// How much higher than wide a picture may be.
    private static let proportion = 1.1

    /// One box per node.
    private(set) var boxes: [Rectangle] = []
    /// For each node and each of its inputs, the corners of the line from the source's box to its
    /// own.
    private(set) var lines: [[[Point]]] = []
    /// The size of the whole.
    private(set) var width = 0.0, height = 0.0

    private let rows: GraphRows
    /// How much room each slot takes.
    private let widths: [Double]
    /// The rows of each column.
    private var columns: [Range<Int>] = []
    /// The middle of each slot.
    private var centers: [Double]
    /// Which column each row is in.
    private var columnOfRow: [Int] = []

    /// Lays a graph out.
    ///
    /// - Parameters:
    ///   - inputs: for each node, the nodes before it that it takes values from.
    ///   - boxWidths: how wide each node's box is.
    ///   - labelWidths: how wide the label below each node's box is.
    init(inputs: [[Int]], boxWidths: [Double], labelWidths: [Double]) {
        let rows = GraphRows(inputs: inputs)
        self.rows = rows
        widths = Self.evened(
            rows.slots.map { slot in
                slot.node.map { max(boxWidths[$0], labelWidths[$0]) } ?? Self.lineWidth
            }, in: rows)
        centers = Array(repeating: 0, count: rows.slots.count)
        columns = fittingColumns()
        columnOfRow = columns.indices.flatMap { column in columns[column].map { _ in column } }
        for column in columns { placeSlots(in: column) }
        placeColumns()
        boxes = inputs.indices.map { node in
            Rectangle(
                centers[node] - boxWidths[node] / 2, top(ofRow: rows.slots[node].row),
                boxWidths[node], Self.boxHeight)
        }
        let ports = ports()
        lines = inputs.indices.map { node in
            inputs[node].indices.map { corners(of: rows.lines[node][$0], end: ports[node][$0]) }
        }
    }

    // MARK: Columns

    /// As many columns as come nearest to the proportions of a page.
    private func fittingColumns() -> [Range<Int>] {
        let count = rows.rows.count
        let widest =
            rows.rows.map { row in
                row.reduce(0) { $0 + widths[$1] + Self.gap }
            }.max() ?? 0
        var (best, error) = (1, Double.infinity)
        for number in 1...max(count / Self.fewestRows, 1) {
            let height = Double(count) / Double(number) * Self.rowHeight
            let ratio = height / (Double(number) * (widest + Self.gutter)) / Self.proportion
            let distance = max(ratio, 1 / ratio)
            if distance < error { (best, error) = (number, distance) }
        }
        return cut(into: best)
    }

    /// Cuts the rows where the fewest lines are cut, near the places where columns are equal.
    private func cut(into number: Int) -> [Range<Int>] {
        let count = rows.rows.count
        var starts = [0]
        for column in 1..<max(number, 1) {
            let ideal = column * count / number
            let reach = count / (5 * number)
            let candidates = max(ideal - reach, starts[column - 1] + 1)...ideal + reach
            let best = candidates.min {
                (links(above: $0).count, abs($0 - ideal), $0)
                    < (links(above: $1).count, abs($1 - ideal), $1)
            }
            starts.append(best ?? ideal)
        }
        return zip(starts, starts.dropFirst() + [count]).map { $0..<$1 }
    }

    /// The slots of a row and of the row above that lines connect, from left to right above.
    private func links(above row: Int) -> [(from: Int, to: Int)] {
        rows.rows[row - 1].flatMap { from in
            rows.slots[from].below.map { (from: from, to: $0) }
        }
    }

    /// Puts columns beside each other; between two there is room for the lines from one to the
    /// next.
    private mutating func placeColumns() {
        var left = Self.margin
        for (index, column) in columns.enumerated() {
            let slots = rows.rows[column].joined()
            let least = slots.map { centers[$0] - widths[$0] / 2 }.min() ?? 0
            let most = slots.map { centers[$0] + widths[$0] / 2 }.max() ?? 0
            for slot in slots { centers[slot] += left - least }
            left += most - least
            guard index + 1 < columns.count else { break }
            left += Self.gutter + Self.laneGap * Double(links(above: column.upperBound).count)
        }
        width = left + Self.margin
        let longest = columns.map(\.count).max() ?? 0
        height = headroom + Double(longest) * Self.rowHeight + headroom - Self.channelHeight
    }

    /// Above and below the columns: room for the lines from one to the next.
    private var headroom: Double {
        let lanes = columns.dropFirst().map { links(above: $0.lowerBound).count }.max() ?? 0
        return Self.margin + (lanes > 0 ? Self.laneGap * Double(lanes + 1) : 0)
    }

    private func top(ofRow row: Int) -> Double {
        headroom + Double(row - columns[columnOfRow[row]].lowerBound) * Self.rowHeight
    }

    // MARK: Slots

    /// The widths, all that follow one another without a branch as wide as the widest of them: so
    /// that they have room to stand straight below each other.
    private static func evened(_ widths: [Double], in rows: GraphRows) -> [Double] {
        var first = Array(widths.indices), widest = widths
        for slot in rows.rows.joined() {
            let above = rows.slots[slot].above
            if above.count == 1, rows.slots[above[0]].below.count == 1 {
                first[slot] = first[above[0]]
            }
            widest[first[slot]] = max(widest[first[slot]], widths[slot])
        }
        return first.map { widest[$0] }
    }

    /// Moves the slots of a column until lines are short, rows down and up in turn.
    private mutating func placeSlots(in column: Range<Int>) {
        for row in column {
            var right = 0.0
            for slot in rows.rows[row] {
                centers[slot] = right + widths[slot] / 2
                right += widths[slot] + Self.gap
            }
            for slot in rows.rows[row] { centers[slot] -= right / 2 }
        }
        for _ in 0..<12 {
            for row in column { align(row) { $0.above } }
            for row in column.reversed() { align(row) { $0.below } }
        }
        // The last is downwards, as people read.
        for row in column { align(row) { $0.above } }
    }

    /// Moves the slots of a row as near to their neighbours in the same column as their widths
    /// allow.
    private mutating func align(_ row: Int, with neighbours: (GraphRows.Slot) -> [Int]) {
        let slots = rows.rows[row]
        var (wanted, distances): ([Double], [Double]) = ([], [])
        for (place, slot) in slots.enumerated() {
            let near = neighbours(rows.slots[slot]).filter {
                columnOfRow[rows.slots[$0].row] == columnOfRow[row]
            }.map { centers[$0] }
            wanted.append(
                near.isEmpty ? centers[slot] : near.reduce(0, +) / Double(near.count))
            let before = place > 0 ? slots[place - 1] : slot
            distances.append((widths[before] + widths[slot]) / 2 + Self.gap)
        }
        // A line that passes by shows every bend, so it moves less than a box.
        let weights = slots.map { rows.slots[$0].node == nil ? 4.0 : 1 }
        for (slot, center) in zip(slots, Self.spread(wanted, weights, distances)) {
            centers[slot] = center
        }
    }

    /// The places nearest to the wanted ones, by weighted squares, each at least its distance
    /// behind the one before: pool adjacent violators.
    static func spread(
        _ wanted: [Double], _ weights: [Double], _ distances: [Double]
    ) -> [Double] {
        var offsets: [Double] = []
        var pools: [(sum: Double, weight: Double, count: Int)] = []
        for place in wanted.indices {
            offsets.append(place == 0 ? 0 : offsets[place - 1] + distances[place])
            let weight = weights[place]
            pools.append(((wanted[place] - offsets[place]) * weight, weight, 1))
            while pools.count > 1 {
                let (a, b) = (pools[pools.count - 2], pools[pools.count - 1])
                guard a.sum / a.weight > b.sum / b.weight else { break }
                pools.removeLast(2)
                pools.append((a.sum + b.sum, a.weight + b.weight, a.count + b.count))
            }
        }
        let means = pools.flatMap { Array(repeating: $0.sum / $0.weight, count: $0.count) }
        return zip(means, offsets).map { $0 + $1 }
    }

    // MARK: Lines

    /// Where each input's line meets the box, so that lines don't cross on their last piece.
    private func ports() -> [[Double]] {
        rows.lines.indices.map { node in
            let paths = rows.lines[node]
            let order = paths.indices.sorted {
                (origin(paths[$0]), $0) < (origin(paths[$1]), $1)
            }
            var ports = Array(repeating: 0.0, count: paths.count)
            for (place, input) in order.enumerated() {
                let share = Double(place + 1) / Double(paths.count + 1)
                ports[input] = boxes[node].x + boxes[node].width * share
            }
            return ports
        }
    }

    /// Where a line comes from on its last piece.
    private func origin(_ path: [Int]) -> Double {
        path.dropLast().last.map { centers[$0] } ?? 0
    }

    /// The corners of a line through some slots; where two differ in both directions, it bends.
    private func corners(of path: [Int], end: Double) -> [Point] {
        var points = [Point(centers[path[0]], boxes[path[0]].bottom)]
        for (from, to) in zip(path, path.dropFirst()) {
            let (row, next) = (rows.slots[from].row, rows.slots[to].row)
            let below = top(ofRow: row) + Self.boxHeight + Self.labelHeight
            let x = to == path.last ? end : centers[to]
            points.append(Point(centers[from], below))
            if columnOfRow[row] != columnOfRow[next] {
                points += detour(from: from, to: to, x: x, below: below)
            }
            points.append(Point(x, top(ofRow: next)))
        }
        return points
    }

    /// The way from the foot of a column, beside it, to the head of the next.
    private func detour(from: Int, to: Int, x: Double, below: Double) -> [Point] {
        let row = rows.slots[to].row
        let links = links(above: row)
        let place = links.firstIndex { $0.from == from && $0.to == to } ?? 0
        // What stands further to the left goes around what stands at its right, so that they don't
        // cross.
        let footLane = Self.laneGap * Double(links.count - place)
        let headLane = Self.laneGap * Double(place + 1)
        let slots = rows.rows[columns[columnOfRow[row]]].joined()
        let left = slots.map { centers[$0] - widths[$0] / 2 }.min() ?? 0
        let (foot, head) = (
            below + footLane, top(ofRow: row) - Self.channelHeight / 3 - headLane
        )
        let beside = left - Self.gutter / 2 - Self.laneGap * Double(place)
        return [
            Point(centers[from], foot), Point(beside, foot), Point(beside, head), Point(x, head),
        ]
    }
}
