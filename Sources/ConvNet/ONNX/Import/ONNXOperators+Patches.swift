// SPDX-License-Identifier: MIT
//
// Patches that are put together to images, and grids of places in them.

extension ONNXOperators {
    /// What goes between images and patches or places.
    static let patches: [String: Entry] = [
        "Col2Im": Entry(["dilations", "pads", "strides"], assembled),
        "AffineGrid": Entry(["align_corners"], affineGrid),
    ]

    /// The sums of patches where they meet, as PyTorch's `fold`.
    private static func assembled(
        _ node: ONNXNodeView, _ importer: inout ONNXImporter
    ) throws -> [ONNXImporter.Value] {
        let x = try node.input(0)
        let shape = try importer.shape(of: x)
        let image = try wholeNumbers(node, &importer, 1, "image_shape")
        let block = try wholeNumbers(node, &importer, 2, "block_shape")
        func numbers(_ name: String, _ count: Int, _ standard: Int) throws -> [Int] {
            let numbers = try node.ints(name) ?? [Int](repeating: standard, count: count)
            guard numbers.count == count,
                numbers.allSatisfy({ (standard...1 << 20).contains($0) })
            else {
                throw ONNXRefusal(
                    name, "\(numbers)", expected: "\(count) numbers of at least \(standard)")
            }
            return numbers
        }
        let (strides, dilations) = (try numbers("strides", 2, 1), try numbers("dilations", 2, 1))
        let pads = try numbers("pads", 4, 0)
        guard image.count == 2, block.count == 2, (image + block).allSatisfy({ $0 >= 1 }) else {
            throw ONNXRefusal("image_shape", "\(image)", expected: "two axes of pixels")
        }
        try ONNXArithmetic.check(image)
        try ONNXArithmetic.check(block)
        let places = (0..<2).map { axis -> Int in
            let reach = dilations[axis] * (block[axis] - 1) + 1
            let room = image[axis] + pads[axis] + pads[axis + 2] - reach
            return room / strides[axis] + 1
        }
        let taps = block[0] * block[1]
        guard shape.count == 3, shape[1] % taps == 0, places.allSatisfy({ $0 >= 1 }),
            shape[2] == places[0] * places[1], taps * shape[2] <= ONNXArithmetic.mostNumbers
        else {
            throw ONNXRefusal(
                "input", "\(shape)", expected: "[N, C·\(taps), \(places[0] * places[1])]")
        }
        // For each pixel where the numbers stand that are added up there.
        var sources = [[Int]](repeating: [], count: image[0] * image[1])
        for tap in 0..<taps {
            for place in 0..<shape[2] {
                let row =
                    place / places[1] * strides[0] + tap / block[1] * dilations[0] - pads[0]
                let column =
                    place % places[1] * strides[1] + tap % block[1] * dilations[1] - pads[1]
                guard (0..<image[0]).contains(row), (0..<image[1]).contains(column) else {
                    continue
                }
                sources[row * image[1] + column].append(tap * shape[2] + place)
            }
        }
        let channels = [shape[0], shape[1] / taps]
        let flat = try importer.reshape(x, to: channels + [taps * shape[2]], isLast: false)
        let sum = try importer.sum(of: flat, at: sources)
        return [try importer.reshape(sum, to: channels + image)]
    }

    /// The places that an affine map of the plane sends pixels to.
    private static func affineGrid(
        _ node: ONNXNodeView, _ importer: inout ONNXImporter
    ) throws -> [ONNXImporter.Value] {
        let theta = try node.input(0)
        let shape = try importer.shape(of: theta)
        let size = try wholeNumbers(node, &importer, 1, "size")
        guard shape.count == 3, shape[1...] == [2, 3], size.count == 4, size[0] == shape[0] else {
            throw ONNXRefusal("theta", "\(shape)", expected: "[N, 2, 3], of images")
        }
        let (rows, columns) = (size[2], size[3])
        try checkExtents(size, "size")
        try ONNXArithmetic.check([rows, columns])
        let alignsCorners = try node.flag("align_corners")
        func steps(_ count: Int) -> [Double] {
            (0..<count).map { step -> Double in
                let place = 2 * Double(step)
                guard alignsCorners else { return (place + 1) / Double(count) - 1 }
                return count == 1 ? 0 : place / Double(count - 1) - 1
            }
        }
        let across = steps(columns)
        let numbers: [Double] = steps(rows).flatMap { y in across.flatMap { x in [x, y, 1.0] } }
        let pixels = try importer.running(
            .constant(
                ONNXArithmetic.floats([1, rows * columns, 3], numbers), name: ""))
        let map = try importer.running(importer.transposed(theta, [0, 2, 1], isLast: false))
        let grid = ONNXImporter.Value.running(
            try importer.emit(BroadcastProduct(), pixels, map, isLast: false), .float)
        return [try importer.reshape(grid, to: [shape[0], rows, columns, 2])]
    }
}

extension ONNXImporter {
    /// The sums of numbers along the last of three axes; a place may have none.
    mutating func sum(of value: Value, at sources: [[Int]]) throws -> Value {
        let extent = try shape(of: value)[2]
        // Where fewer numbers meet than elsewhere, 0 is added.
        let padded = try padded(value, 2, before: 0, after: 1, mode: "constant", value: 0)
        let most = max(sources.map(\.count).max() ?? 1, 1)
        var sum: Value?
        for layer in 0..<most {
            let indices = sources.map { layer < $0.count ? $0[layer] : extent }
            let row = Value.constant(
                ONNXConstant(shape: [indices.count], integers: indices), name: "")
            let part = try gathered(Gathering(.parts, axis: 2), padded, row, isLast: false)
            sum = try sum.map { try combine(.add, $0, part, isLast: false) } ?? part
        }
        return sum ?? padded
    }
}
