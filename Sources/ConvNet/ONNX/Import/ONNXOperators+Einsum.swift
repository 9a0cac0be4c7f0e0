// SPDX-License-Identifier: MIT
//
// Einsum of one and two values: sums over axes, and matrix products between them.

extension ONNXOperators {
    /// Sums of products that an equation describes.
    static let sums: [String: Entry] = [
        "Einsum": Entry(["equation"]) { node, importer in
            let text = try node.text("equation", "").filter { $0 != " " }
            let values = try node.allInputs()
            let equation = try Equation(text, count: values.count)
            for (value, labels) in zip(values, equation.inputs) {
                guard try importer.shape(of: value).count == labels.count else {
                    throw ONNXRefusal("equation", text, expected: "a letter for each axis")
                }
            }
            return [
                values.count == 1
                    ? try importer.summed(values[0], equation.inputs[0], equation.output)
                    : try importer.multiplied(values, equation)
            ]
        }
    ]

    /// Letters for the axes of each value.
    struct Equation {
        let inputs: [[Character]]
        let output: [Character]

        init(_ text: String, count: Int) throws {
            let refusal = ONNXRefusal(
                "equation", text,
                expected: "letters for the axes of one or two values, none twice in a value")
            let sides = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
            let terms = sides[0].split(separator: ",", omittingEmptySubsequences: false).map {
                Array($0)
            }
            let all = terms.flatMap { $0 }
            guard terms.count == count, (1...2).contains(count),
                all.allSatisfy({ $0.isLetter && $0.isASCII }),
                terms.allSatisfy({ Set($0).count == $0.count })
            else { throw refusal }
            inputs = terms
            if sides.count == 2 {
                guard sides[1].first == ">" else { throw refusal }
                output = Array(sides[1].dropFirst())
            } else {
                // What stands once, in the order of the alphabet.
                output = Set(all).filter { letter in all.filter { $0 == letter }.count == 1 }
                    .sorted()
            }
            guard Set(output).count == output.count, Set(output).isSubset(of: all) else {
                throw refusal
            }
        }
    }
}

extension ONNXImporter {
    /// A value without the axes that are not wanted, over which it is summed, and the
    /// others in order.
    fileprivate mutating func summed(
        _ value: Value, _ labels: [Character], _ wanted: [Character]
    ) throws -> Value {
        let axes = labels.indices.filter { !wanted.contains(labels[$0]) }
        let kept = labels.filter { wanted.contains($0) }
        let sum =
            axes.isEmpty ? value : try reduced(value, .sum, axes, keepsAxes: false)
        let order = wanted.compactMap { kept.firstIndex(of: $0) }
        return try transposed(sum, order, isLast: false)
    }

    /// The products of two values, those of shared letters that are not wanted added up.
    fileprivate mutating func multiplied(
        _ values: [Value], _ equation: ONNXOperators.Equation
    ) throws -> Value {
        let (a, b, output) = (equation.inputs[0], equation.inputs[1], equation.output)
        let shared = a.filter { b.contains($0) }
        let batch = shared.filter { output.contains($0) }
        let inner = shared.filter { !output.contains($0) }
        let rows = a.filter { output.contains($0) && !b.contains($0) }
        let columns = b.filter { output.contains($0) && !a.contains($0) }
        var extents: [Character: Int] = [:]
        for (value, labels) in zip(values, equation.inputs) {
            for (label, extent) in zip(labels, try shape(of: value)) {
                guard extents[label] == nil || extents[label] == extent else {
                    throw ONNXRefusal(
                        "equation", "\(label) of \(extent)",
                        expected: "one extent for each letter")
                }
                extents[label] = extent
            }
        }
        func sizes(_ labels: [Character]) -> [Int] { labels.map { extents[$0] ?? 1 } }
        func size(_ labels: [Character]) -> Int { sizes(labels).reduce(1, *) }
        let left = try reshape(
            summed(values[0], a, batch + rows + inner),
            to: sizes(batch) + [size(rows), size(inner)], isLast: false)
        let right = try reshape(
            summed(values[1], b, batch + inner + columns),
            to: sizes(batch) + [size(inner), size(columns)], isLast: false)
        let (x, y) = (try running(left), try running(right))
        let product = Value.running(try emit(BroadcastProduct(), x, y), .float)
        let made = batch + rows + columns
        let whole = try reshape(product, to: sizes(made), isLast: false)
        let order = output.compactMap { made.firstIndex(of: $0) }
        return try transposed(whole, order, isLast: false)
    }
}
