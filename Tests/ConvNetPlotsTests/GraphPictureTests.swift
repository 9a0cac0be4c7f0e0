// SPDX-License-Identifier: MIT
//
// Pictures of graphs: boxes apart from each other, a line for each input that meets no other box,
// and pixels at known places.

import ConvNetTensor
import ConvNetTestSupport
import Foundation
import Testing

@testable import ConvNetPlots

struct GraphPictureTests {
    /// Nodes in a chain, of which some take values from further up as well.
    private static func drawnNodes(_ count: Int, seed: Int) -> [GraphNode] {
        var generator = Philox(seed: UInt64(seed), stream: 1)
        return (0..<count).map { place in
            var inputs = place > 0 && generator.next() % 16 > 0 ? [place - 1] : []
            while place > 0, generator.next() % 3 == 0 {
                inputs.append(Int(generator.next() % UInt64(place)))
            }
            return GraphNode(
                name: String(repeating: "n", count: Int(generator.next() % 60)), kind: "Kind",
                inputs: inputs, shape: [Int(generator.next() % 2048), 7, 7])
        }
    }

    /// Points along a line as it is drawn, bends included.
    private static func trace(_ line: [Point]) -> [Point] {
        zip(line, line.dropFirst()).flatMap { from, to in
            (0...16).map { step in
                let t = Double(step) / 16, s = 1 - t
                // Bézier's curve with its inner points at half the height.
                let share = from.y == to.y ? t : 3 * s * t * t + t * t * t
                let middle = (from.y + to.y) / 2
                let y = s * s * s * from.y + 3 * s * t * middle + t * t * t * to.y
                return Point(from.x + (to.x - from.x) * share, y)
            }
        }
    }

    @Test(arguments: [1, 2, 3, 11, 23, 24, 40, 80])
    func boxesAreApartAndLinesMeetTheirOwnAlone(_ count: Int) throws {
        for seed in 0..<4 {
            let nodes = Self.drawnNodes(count, seed: seed)
            let layout = GraphSheet(nodes).layout
            let boxes = layout.boxes
            try #require(boxes.count == count)
            let page = Rectangle(0, 0, layout.width, layout.height)
            for (place, box) in boxes.enumerated() {
                #expect(box.x >= 0 && box.y >= 0 && box.right <= page.right, "\(seed) \(place)")
                #expect(box.bottom <= page.bottom, "\(seed) \(place)")
                let others = boxes[..<place]
                #expect(!others.contains { $0.intersects(box) }, "\(seed) \(place)")
            }
            for (place, node) in nodes.enumerated() {
                try #require(layout.lines[place].count == node.inputs.count)
                for (source, line) in zip(node.inputs, layout.lines[place]) {
                    try Self.expect(line, from: boxes[source], to: boxes[place])
                    let hit = Self.trace(line).contains { point in
                        boxes.contains {
                            point.x > $0.x && point.x < $0.right && point.y > $0.y
                                && point.y < $0.bottom
                        }
                    }
                    #expect(!hit, "seed \(seed): from \(source) to \(place)")
                }
            }
        }
    }

    /// A line begins below its source and ends on top of its target, inside of the page.
    private static func expect(_ line: [Point], from source: Rectangle, to target: Rectangle) throws
    {
        let (first, last) = try (#require(line.first), #require(line.last))
        #expect(first == Point(source.center.x, source.bottom))
        #expect(last.y == target.y && last.x > target.x && last.x < target.right)
    }

    /// Rows are by depth, and what joins stands in the middle below its branches.
    @Test func branchesStandSideBySide() {
        let nodes = [[], [0], [0], [1, 2], [3, 0]].map {
            GraphNode(name: "n", kind: "K", inputs: $0, shape: [1])
        }
        let boxes = GraphSheet(nodes).layout.boxes
        #expect(boxes[1].y == boxes[2].y && boxes[1].right < boxes[2].x)
        #expect(boxes[0].bottom < boxes[1].y && boxes[2].bottom < boxes[3].y)
        #expect(boxes[3].bottom < boxes[4].y)
    }

    /// A node that takes one value twice gets two lines.
    @Test func aValueTakenTwiceHasTwoLines() {
        let nodes = [[], [0, 0]].map { GraphNode(name: "n", kind: "K", inputs: $0, shape: [1]) }
        let lines = GraphSheet(nodes).layout.lines[1]
        #expect(lines.count == 2)
        #expect(lines[0].last != lines[1].last)
    }

    @Test func aLongChainStandsInColumns() {
        let chain = (0..<60).map {
            GraphNode(name: "n\($0)", kind: "K", inputs: $0 > 0 ? [$0 - 1] : [], shape: [1])
        }
        let layout = GraphSheet(chain).layout
        #expect(Set(layout.boxes.map(\.center.x)).count > 1)
        #expect(layout.height < 3 * layout.width)
        let short = GraphSheet(Array(chain.prefix(20))).layout
        #expect(Set(short.boxes.map(\.center.x)).count == 1)
    }

    /// Boxes of 56 units, 16 from the left, one above the other; an arrow between them.
    @Test func pixelsAreWhereTheyShouldBe() throws {
        let picture = try Picture.graph([
            GraphNode(name: "a", kind: "", inputs: [], shape: [2]),
            GraphNode(name: "b", kind: "", inputs: [0], shape: [2]),
            GraphNode(name: "c", kind: "", inputs: [1, 1], shape: [2]),
        ])
        let raster = try picture.raster()
        #expect(raster.width == 88)
        #expect(raster[20, 20] == 0xEDEDED)
        #expect(raster[20, 20 + 78] == 0xDCE9F5)
        #expect(raster[20, 20 + 156] == 0xFCE2C4)
        // The point of the arrow.
        #expect(raster[44, 16 + 78 - 4] != 0xFFFFFF)
        #expect(raster[5, 5] == 0xFFFFFF)
    }

    @Test func bytesAreTheSameEachTime() throws {
        let nodes = Self.drawnNodes(50, seed: 7)
        let files = try (0..<2).map { _ in try Picture.graph(nodes).bytes(.png) }
        #expect(files[0] == files[1])
        // Cairo numbers the surfaces of a process.
        let texts = try (0..<2).map { _ in
            String(decoding: try Picture.graph(nodes).bytes(.svg), as: UTF8.self)
                .replacing(/id="surface\d+"/, with: "")
        }
        #expect(texts[0] == texts[1])
    }

    @Test func impossibleGraphsAreRefused() throws {
        func node(_ inputs: [Int]) -> GraphNode {
            GraphNode(name: "n", kind: "K", inputs: inputs, shape: [1])
        }
        func refusal(_ nodes: [GraphNode]) -> TensorError? {
            #expect(throws: TensorError.self) { try Picture.graph(nodes) }
        }
        #expect(refusal([])?.description.contains("nodes is 0, expected from 1 to 2000") == true)
        #expect(refusal((0..<2001).map { _ in node([]) })?.value == "2001")
        for wrong in [-1, 1, 2, .max, .min] {
            let error = refusal([node([]), node([wrong])])
            #expect(error?.argument == "inputs of n")
            #expect(error?.value == "\(wrong)")
        }
        let dense = (0..<200).map { place in node(Array(0..<place)) }
        #expect(refusal(dense)?.expected == "at most 20000")
    }
}
