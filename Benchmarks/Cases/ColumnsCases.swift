// SPDX-License-Identifier: MIT
//
// im2col and col2im of the layers, and im2col of the pooling layers' windows. The reference works
// on some of the images.

import ConvNet

enum ColumnsCases {
    static var all: [BenchmarkCase] {
        let layers = Shapes.layers.flatMap { layer -> [BenchmarkCase] in
            let columns = columnCount(layer.inputShape, layer.kernel, layer.outputExtent)
            let bytes = 4 * Double(columns + layer.inputShape.reduce(1, *))
            return [
                BenchmarkCase(
                    name: "im2col.\(layer.name)", sizes: layer.windowSizes, work: .bytes(bytes),
                    needsFull: layer.needsFull
                ) {
                    try im2col(layer.inputShape, try layer.window(), columns, $0)
                },
                BenchmarkCase(
                    name: "col2im.\(layer.name)", sizes: layer.windowSizes,
                    work: .bytes(bytes, operations: Double(columns)), needsFull: layer.needsFull
                ) {
                    try col2im(layer.inputShape, try layer.window(), columns, $0)
                },
            ]
        }
        let pools = Shapes.pools.map { pool in
            let columns = columnCount(pool.inputShape, pool.kernel, pool.outputExtent)
            let bytes = 4 * Double(columns + pool.inputShape.reduce(1, *))
            return BenchmarkCase(
                name: "im2col.\(pool.name)", sizes: pool.sizes, work: .bytes(bytes),
                needsFull: pool.needsFull
            ) {
                try im2col(pool.inputShape, try pool.window(), columns, $0)
            }
        }
        return layers + pools
    }

    private static func columnCount(_ shape: [Int], _ kernel: Int, _ extent: Int) -> Int {
        shape[0] * extent * extent * shape[1] * kernel * kernel
    }

    private static func im2col(
        _ shape: [Int], _ window: Window, _ columns: Int, _ run: Run
    ) throws -> PreparedCase {
        let x = try Inputs.tensor(shape, seed: 1)
        let images = Inputs.spread(run.referenceBudget * shape[0] / columns, of: shape[0])
        let part = try x.samples(at: images)
        return PreparedCase(
            native: { _ = try run.kernels.im2col(x, window: window) },
            reference: {
                let expected = try run.reference.im2col(part, window: window)
                return {
                    let result = try run.kernels.im2col(x, window: window)
                    let perImage = try result.reshaped(
                        to: [shape[0], result.shape[0] / shape[0], result.shape[1]])
                    var check = Check()
                    check.compareExactly(
                        try perImage.samples(at: images).doubles, expected.doubles)
                    return check
                }
            },
            referenceShare: Double(images.count) / Double(shape[0]))
    }

    private static func col2im(
        _ shape: [Int], _ window: Window, _ columns: Int, _ run: Run
    ) throws -> PreparedCase {
        let taps = window.size.height * window.size.width
        let rowLength = shape[1] * taps
        let matrix = try Inputs.tensor([columns / rowLength, rowLength], seed: 1)
        let images = Inputs.spread(run.referenceBudget * shape[0] / columns, of: shape[0])
        let partShape = [images.count] + shape.dropFirst()
        let part = try matrix.reshaped(to: [shape[0], columns / shape[0]]).samples(at: images)
            .reshaped(to: [-1, rowLength])
        return PreparedCase(
            native: { _ = try run.kernels.col2im(matrix, inputShape: shape, window: window) },
            reference: {
                let expected = try run.reference.col2im(
                    part, inputShape: partShape, window: window)
                return {
                    let result = try run.kernels.col2im(matrix, inputShape: shape, window: window)
                    let magnitudes = try run.reference.col2im(
                        part.magnitudes(), inputShape: partShape, window: window)
                    var check = Check()
                    // A pixel is a sum of at most as many numbers as the window has taps.
                    check.compare(
                        try result.samples(at: images).doubles, expected.doubles,
                        bounds: magnitudes.doubles.map { $0 * gamma(taps + 1) })
                    return check
                }
            },
            referenceShare: Double(images.count) / Double(shape[0]))
    }
}
