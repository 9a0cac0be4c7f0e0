// SPDX-License-Identifier: MIT
//
// A network's graph: one box per node, below what it takes values from, and arrows with the
// values' shapes.

import ConvNetTensor

/// A node of a graph as it is drawn.
public struct GraphNode: Sendable, Hashable {
    /// Its name.
    public let name: String
    /// What kind of node it is, such as `Convolution`.
    public let kind: String
    /// The places, among all nodes, of those that it takes values from, in its inputs' order.
    public let inputs: [Int]
    /// The shape of what comes out of it, such as `[C, H, W]` of one sample.
    public let shape: [Int]

    /// A node with its name, its kind, the places of those that it takes values from, and its
    /// output's shape.
    public init(name: String, kind: String, inputs: [Int], shape: [Int]) {
        self.name = name
        self.kind = kind
        self.inputs = inputs
        self.shape = shape
    }
}

extension Picture {
    /// A graph from its inputs at the top to its outputs at the bottom, long ones in several
    /// columns.
    ///
    /// Each node stands in the row below the lowest of those that it takes values from, branches
    /// beside each other. Below a box stands the shape of its value. Nodes that join several values
    /// are orange, those that take or give none are gray.
    ///
    /// ```swift
    /// let picture = try Picture.graph([
    ///     GraphNode(name: "image", kind: "input", inputs: [], shape: [3, 32, 32]),
    ///     GraphNode(name: "conv1", kind: "Convolution", inputs: [0], shape: [8, 30, 30]),
    /// ])
    /// ```
    ///
    /// - Parameter nodes: the nodes, from 1 to 2000, each behind those that it takes values from.
    /// - Throws: ``TensorError`` when there are no nodes or too many, a node takes a value of
    ///   itself, of one behind it or of none, or lines pass more than 20000 nodes' rows altogether.
    public static func graph(_ nodes: [GraphNode]) throws(TensorError) -> Picture {
        let mostNodes = 2000, mostPassedRows = 20_000
        func require(
            _ isRight: Bool, _ argument: String, _ value: Int, _ rule: String
        ) throws(TensorError) {
            guard !isRight else { return }
            throw TensorError(
                operation: "Picture.graph", argument: argument, value: "\(value)", expected: rule)
        }
        try require(
            (1...mostNodes).contains(nodes.count), "nodes", nodes.count, "from 1 to \(mostNodes)")
        for (place, node) in nodes.enumerated() {
            for input in node.inputs {
                try require(
                    (0..<place).contains(input), "inputs of \(node.name)", input,
                    "the place of a node before \(place)")
            }
        }
        let passed = GraphRows.passedRows(inputs: nodes.map(\.inputs))
        try require(
            passed <= mostPassedRows, "rows that lines pass", passed, "at most \(mostPassedRows)")
        let sheet = GraphSheet(nodes)
        return Picture(width: sheet.layout.width, height: sheet.layout.height) {
            sheet.draw(on: $0)
        }
    }
}

/// A graph as it is drawn.
struct GraphSheet: Sendable {
    let layout: GraphLayout
    private let boxes: [Box]

    private struct Box: Sendable {
        let name, kind, shape: String
        let ground: Color
    }

    private static let nameSize = 11.0, kindSize = 9.0, shapeSize = 9.0, arrow = 6.0
    private static let longestName = 220.0
    private static let passing = Color(0xDCE9F5), joining = Color(0xFCE2C4),
        ending = Color(0xEDEDED)

    init(_ nodes: [GraphNode]) {
        var isTaken = Array(repeating: false, count: nodes.count)
        for input in nodes.flatMap(\.inputs) { isTaken[input] = true }
        boxes = nodes.indices.map { place in
            let node = nodes[place]
            let isEnd = node.inputs.isEmpty || !isTaken[place]
            return Box(
                name: Labels.fitted(node.name, width: Self.longestName, size: Self.nameSize),
                kind: Labels.fitted(node.kind, width: Self.longestName, size: Self.kindSize),
                // What nothing takes has no arrow that the shape could stand on.
                shape: isTaken[place] ? Labels.shape(node.shape) : "",
                ground: node.inputs.count > 1
                    ? Self.joining : isEnd ? Self.ending : Self.passing)
        }
        layout = GraphLayout(
            inputs: nodes.map(\.inputs),
            boxWidths: boxes.map {
                let name = Canvas.width(of: $0.name, size: Self.nameSize, bold: true)
                return max(name, Canvas.width(of: $0.kind, size: Self.kindSize), 40) + 16
            },
            labelWidths: boxes.map { Canvas.width(of: $0.shape, size: Self.shapeSize) + 4 })
    }

    func draw(on canvas: Canvas) {
        for line in layout.lines.joined() { draw(line, on: canvas) }
        for (box, area) in zip(boxes, layout.boxes) { draw(box, in: area, on: canvas) }
    }

    private func draw(_ line: [Point], on canvas: Canvas) {
        guard let end = line.last else { return }
        // The line ends inside of the arrow's head, whose point stays sharp.
        let shaft = line.dropLast() + [Point(end.x, end.y - Self.arrow / 2)]
        canvas.bendingLine(Array(shaft), .faintInk)
        canvas.fill(
            corners: [
                end, Point(end.x - Self.arrow / 2, end.y - Self.arrow),
                Point(end.x + Self.arrow / 2, end.y - Self.arrow),
            ], .faintInk)
    }

    private func draw(_ box: Box, in area: Rectangle, on canvas: Canvas) {
        canvas.fill(area, box.ground)
        canvas.frame(area, .faintInk)
        let middle = area.center.x
        canvas.text(
            box.name, at: Point(middle, area.y + 14), size: Self.nameSize, .ink, .center, bold: true
        )
        canvas.text(
            box.kind, at: Point(middle, area.y + 26), size: Self.kindSize, .faintInk, .center)
        guard !box.shape.isEmpty else { return }
        let width = Canvas.width(of: box.shape, size: Self.shapeSize) + 4
        canvas.fill(Rectangle(middle - width / 2, area.bottom + 5, width, 11), .paper)
        canvas.text(
            box.shape, at: Point(middle, area.bottom + 14), size: Self.shapeSize, .ink, .center)
    }
}
