// SPDX-License-Identifier: MIT
//
// im2col and col2im, "Deep Learning from Scratch", section 7.4.3.

import ConvNetTensor

extension ReferenceKernels {
    /// Every patch that the window sees, as one row of a matrix.
    ///
    /// - Returns: `[N·OH·OW, C·KH·KW]`.
    /// - Throws: ``TensorError`` when `x` is not `[N, C, H, W]` or the window is too large for it.
    public func im2col(_ x: Tensor, window: Window) throws -> Tensor {
        let sizes = try KernelChecks.columns(
            inputShape: x.shape, window: window, operation: "im2col")
        let input = x.doubles
        return try Tensor(sizes.columnsShape, like: x, operation: "im2col") { columns in
            Self.forEachTap(of: sizes) { place, pixel in columns[place] = input[pixel] }
        }
    }

    /// The adjoint of im2col: adds every patch back to where it came from.
    ///
    /// - Returns: `[N, C, H, W]`.
    /// - Throws: ``TensorError`` when the shapes and the window disagree.
    public func col2im(_ columns: Tensor, inputShape: [Int], window: Window) throws -> Tensor {
        let sizes = try KernelChecks.col2im(columns, inputShape: inputShape, window: window)
        let values = columns.doubles
        return try Tensor(inputShape, like: columns, operation: "col2im") { result in
            Self.forEachTap(of: sizes) { place, pixel in result[pixel] += values[place] }
        }
    }

    /// Goes through the matrix of columns, row by row, and names for each place the pixel it stands
    /// for, leaving out places that stand for padding.
    @inline(__always)
    private static func forEachTap(
        of sizes: WindowedSizes, _ body: (_ place: Int, _ pixel: Int) -> Void
    ) {
        let (kernelHeight, kernelWidth) = (sizes.window.size.height, sizes.window.size.width)
        var place = 0
        for n in 0..<sizes.samples {
            for i in 0..<sizes.outputHeight {
                for j in 0..<sizes.outputWidth {
                    for c in 0..<sizes.channels {
                        let plane = (n * sizes.channels + c) * sizes.pixels
                        for u in 0..<kernelHeight {
                            let row = sizes.row(i, tap: u)
                            for v in 0..<kernelWidth {
                                let column = sizes.column(j, tap: v)
                                if row >= 0, row < sizes.height, column >= 0, column < sizes.width {
                                    body(place, plane + row * sizes.width + column)
                                }
                                place += 1
                            }
                        }
                    }
                }
            }
        }
    }
}
