// SPDX-License-Identifier: MIT
//
// Tensors, windows, matrices in tensors, random numbers.

import ConvNet

extension Call {
    static let tensors = [
        Call("Tensor(shape:scalars:)") { draw in
            let shape = draw.strange(draw.shape(draw.below(4)))
            let count = draw.once(in: 3) ? draw.below(9) : product(shape)
            _ = try Tensor(shape: shape, scalars: [Float](repeating: 1, count: count))
            _ = try Tensor(shape: shape, doubles: [Double](repeating: 1, count: count))
        },
        Call("Tensor(shape:repeating:scalarType:)") { draw in
            let shape = draw.strange(draw.shape(draw.below(5)))
            let x = try Tensor(
                shape: shape, repeating: draw.real(),
                scalarType: draw.pick([.float32, .float64]))
            _ = (x.scalars, x.doubles, x == x)
        },
        Call("Tensor(zeros:scalarType:)") { draw in
            let shape = draw.strange(draw.shape(draw.below(5)))
            _ = try Tensor(zeros: shape, scalarType: draw.pick([.float32, .float64]))
        },
        Call("Tensor(normal:standardDeviation:using:)") { draw in
            var generator = Philox(seed: draw.seed(), stream: draw.seed())
            _ = try Tensor(
                normal: draw.strange(draw.shape(2)), standardDeviation: draw.real(),
                using: &generator)
        },
        Call("Tensor(uniform:in:using:)") { draw in
            var generator = Philox(seed: draw.seed())
            let bounds = [draw.real(), draw.real()].map { $0.isNaN ? 0 : $0 }.sorted()
            _ = try Tensor(
                uniform: draw.strange(draw.shape(2)), in: bounds[0]...bounds[1],
                using: &generator)
            _ = (generator.nextNormal(), generator.nextUniform())
        },
        Call("reshaped(to:)") { draw in
            let x = try draw.tensor()
            var shape = draw.strange(x.shape)
            if draw.once(in: 2), !shape.isEmpty { shape[draw.below(shape.count)] = -1 }
            _ = try x.reshaped(to: draw.tell(shape))
        },
        Call("samples(at:)") { draw in
            let x = try draw.tensor()
            let places = draw.list(upTo: 4) { $0.size($0.below(3)) }
            _ = try x.samples(at: places)
        },
        Call("samples(_:)") { draw in
            let bounds = [draw.integer(), draw.integer()].sorted()
            _ = try draw.tensor().samples(bounds[0]..<bounds[1])
        },
        Call("argmaxOfRows()") { draw in _ = try draw.tensor(draw.shape(2)).argmaxOfRows() },
        Call("Tensor[…]") { draw in
            let x = try draw.tensor()
            let (a, b, c) = (draw.size(0), draw.size(0), draw.size(0))
            switch draw.below(4) {
            case 0: _ = try x[a]
            case 1: _ = try x[a, b]
            case 2: _ = try x[a, b, c]
            default: _ = try x[a, b, c, a, b]
            }
        },
        Call("converted(to:)") { draw in
            _ = try draw.tensor().converted(to: draw.pick([.float32, .float64]))
        },
        Call("IndexTensor(shape:indices:)") { draw in
            let shape = draw.strange(draw.shape(2))
            let count = draw.once(in: 3) ? draw.below(9) : product(shape)
            let x = try IndexTensor(
                shape: shape, indices: [Int32](repeating: .min, count: count))
            _ = (x.indices, x == x)
        },
        Call("Batch(images:labels:)") { draw in
            _ = try Batch(images: draw.tensor(), labels: draw.labels(3, classes: 3))
        },
    ]

    static let geometry = [
        Call("Window(…).outputSize(height:width:)") { draw in
            let window = try draw.window()
            _ = try window.outputSize(height: draw.size(), width: draw.size())
        },
        Call("Window(height:width:stride:padding:dilation:)") { draw in
            let window = try Window(
                height: draw.size(), width: draw.size(), stride: PerAxis(draw.size()),
                padding: Padding(draw.size(0)), dilation: PerAxis(draw.size(1)))
            _ = try window.outputSize(height: draw.integer(), width: draw.integer())
        },
        Call("MatrixLayout, MatrixView") { draw in
            let layout = try MatrixLayout(
                rows: draw.size(), columns: draw.size(),
                leadingDimension: draw.once(in: 2) ? nil : draw.size(9), offset: draw.size(0))
            let x = try draw.tensor([9, 9])
            let view = try MatrixView(x, layout: layout).transposed
            _ = (view.rows, view.columns)
            _ = try MatrixView(x)
        },
        Call("DropoutMask") { draw in
            var mask = try DropoutMask(
                rate: draw.real(0.5), seed: draw.seed(), layer: draw.seed(), step: draw.integer())
            mask.step = draw.integer()
            _ = try draw.kernels().dropout(draw.tensor(), mask: mask)
        },
        Call("NativeKernels(threads:instructionSet:)") { draw in
            let kernels = try NativeKernels(
                threads: draw.size(), instructionSet: draw.pick(InstructionSet.allCases))
            _ = try kernels.running(onThreads: draw.integer())
            _ = try draw.kernels().running(onThreads: draw.integer())
        },
        Call("InstructionSet.fromEnvironment") { draw in
            _ = try InstructionSet.fromEnvironment(draw.text())
        },
    ]

    /// How many numbers a shape has, where they are few.
    private static func product(_ shape: [Int]) -> Int {
        shape.allSatisfy { (0...65).contains($0) } ? min(shape.reduce(1, *), 1 << 16) : 7
    }
}
