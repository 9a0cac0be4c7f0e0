// SPDX-License-Identifier: MIT
//
// Copies between views against the reference, to the bit, and resampling within derived bounds.

import ConvNetKernels
import ConvNetReference
import ConvNetTestSupport
import Testing

@Suite struct ShapeKernelTests {
    /// Extents that meet the ends of runs, blocks and vectors, few enough for the reference.
    private static func shape(_ draw: inout Draw) -> [Int] {
        switch draw.int(0...5) {
        case 0: [draw.int(1...3), draw.int(60...130), draw.int(60...70)]
        case 1: [draw.int(1...9000)]
        case 2: [draw.int(100...1200), draw.int(1...9)]
        default: (0..<draw.int(0...5)).map { _ in draw.pick([1, 2, 3, 4, 5, 8]) }
        }
    }

    /// A view of the given shape in a tensor that is as large as it takes: axes in any order, some
    /// backwards, some with numbers left out before, between and behind.
    private static func view(
        _ shape: [Int], _ draw: inout Draw, repeats: Bool
    ) throws -> (view: StridedView, outer: [Int]) {
        var order = Array(shape.indices)
        if draw.oneIn(2) {
            for place in order.indices { order.swapAt(place, draw.int(0...place)) }
        }
        var (outer, slices): ([Int], [(first: Int, step: Int)]) = ([], [])
        for axis in order {
            let step = draw.pick([1, 1, 1, -1, -1, 2, 3, -2])
            let reach = (shape[axis] - 1) * abs(step)
            let before = draw.pick([0, 0, 1, 3])
            outer.append(before + reach + 1 + draw.pick([0, 0, 1, 2]))
            slices.append((step < 0 ? before + reach : before, step))
        }
        var view = try StridedView(shape: outer)
        for (place, axis) in order.enumerated() {
            view = try view.slice(
                axis: place, from: slices[place].first, step: slices[place].step,
                count: shape[axis])
        }
        var inverse = order
        for (place, axis) in order.enumerated() { inverse[axis] = place }
        view = try view.transposed(inverse)
        guard repeats, let axis = shape.indices.last, draw.oneIn(4) else { return (view, outer) }
        var strides = view.strides
        strides[draw.int(0...axis)] = 0
        // One of the indices for all; with negative strides the others have to stay inside.
        let repeated = try? StridedView(shape: shape, strides: strides, offset: view.offset)
        return (repeated ?? view, outer)
    }

    /// Numbers of which no two are equal, NaN and negative zero among them.
    private static func numbers(_ shape: [Int]) throws -> Tensor {
        let count = shape.reduce(1, *)
        var scalars = (0..<count).map { Float($0) + 0.5 }
        scalars[count / 2] = .nan
        scalars[count / 3] = -0.0
        return try Tensor(shape: shape, scalars: scalars)
    }

    @Test(arguments: InstructionSet.supported, 0..<drawnCases)
    func copiesAreThoseOfTheReference(_ set: InstructionSet, _ seed: Int) throws {
        var draw = Draw(seed: seed)
        let shape = Self.shape(&draw)
        let (source, outer) = try Self.view(shape, &draw, repeats: true)
        let (target, other) = try Self.view(shape, &draw, repeats: false)
        let x = try Self.numbers(outer)
        let before = try Tensor(shape: other, repeating: -7)
        var (found, expected) = (before, before)
        try native(set).copy(x, from: source, into: &found, at: target)
        try reference.copy(x, from: source, into: &expected, at: target)
        #expect(found.hasSameBits(as: expected), "seed \(seed), \(source) to \(target)")
        #expect(before.scalars.allSatisfy { $0 == -7 }, "a copy was changed")

        let view = try native(set).copied(x, as: source)
        #expect(try view.hasSameBits(as: reference.copied(x, as: source)), "seed \(seed)")
        let back = try native(set).copiedBack(view, to: target, inputShape: other)
        #expect(
            try back.hasSameBits(
                as: reference.copiedBack(view, to: target, inputShape: other)), "seed \(seed)")
    }

    /// Taps as no interpolation has them: outputs with none, with the same place twice, or all
    /// alike.
    static func taps(
        from inputSize: Int, _ draw: inout Draw, whole: Bool
    ) throws -> ResamplingTaps {
        let outputSize = draw.oneIn(3) ? draw.int(30...70) : draw.int(1...9)
        let each = draw.pick([0, 1, 1, 2, 2, 3, 4])
        let numbers = try whole ? draw.integers([1000]).doubles : draw.normal([1000]).doubles
        return try ResamplingTaps(
            inputSize: inputSize,
            outputs: (0..<outputSize).map { _ in
                (0..<(each > 0 ? each : draw.int(0...6))).map { _ in
                    (
                        draw.int(0...inputSize - 1),
                        draw.oneIn(6) ? 1 : draw.pick(numbers)
                    )
                }
            })
    }

    /// The same taps with weights without sign.
    private static func magnitudes(_ taps: ResamplingTaps) throws -> ResamplingTaps {
        try ResamplingTaps(
            inputSize: taps.inputSize,
            outputs: (0..<taps.outputSize).map { output in
                (taps.firsts[output]..<taps.firsts[output + 1]).map {
                    (Int(taps.places[$0]), abs(taps.weights[$0]))
                }
            })
    }

    private static func most(_ taps: ResamplingTaps) -> Int {
        zip(taps.firsts, taps.firsts.dropFirst()).map { $1 - $0 }.max() ?? 0
    }

    @Test(arguments: InstructionSet.supported, 0..<drawnCases)
    func resamplingAgreesWithReference(_ set: InstructionSet, _ seed: Int) throws {
        var draw = Draw(seed: seed)
        let isWhole = draw.oneIn(3)
        let size = draw.pick([[1, 1], [5, 3], [2, 40], [17, 67], [9, 16]])
        let shape = (0..<draw.int(0...2)).map { _ in draw.int(1...3) } + size
        let rows = try Self.taps(from: size[0], &draw, whole: isWhole)
        let columns = try Self.taps(from: size[1], &draw, whole: isWhole)
        let x = try isWhole ? draw.integers(shape) : draw.normal(shape)
        for (x, rows, columns) in [
            (x, rows, columns),
            (
                try reference.resampled(x, rows: rows, columns: columns), rows.transposed,
                columns.transposed
            ),
        ] {
            let found = try native(set).resampled(x, rows: rows, columns: columns)
            let expected = try reference.resampled(x, rows: rows, columns: columns)
            // Both weights, the sums' roundings, and the reference's own.
            let factor = gamma(Self.most(rows) + Self.most(columns) + 3)
            let terms = try reference.resampled(
                x.magnitudes(), rows: Self.magnitudes(rows), columns: Self.magnitudes(columns))
            let comparison = Comparison(
                found, expected, bounds: terms.doubles.map { isWhole ? 0 : $0 * factor })
            #expect(comparison.isWithinBounds, "seed \(seed), \(x.shape): \(comparison)")
        }
    }

    /// ⟨R x Cᵀ, y⟩ = ⟨x, Rᵀ y C⟩, exact for whole numbers.
    @Test(arguments: 0..<drawnCases)
    func transposedTapsAreTheAdjoint(_ seed: Int) throws {
        var draw = Draw(seed: seed)
        let rows = try Self.taps(from: 7, &draw, whole: true)
        let columns = try Self.taps(from: 12, &draw, whole: true)
        let x = try draw.integers([2, 7, 12])
        let y = try draw.integers([2, rows.outputSize, columns.outputSize])
        func product(_ one: Tensor, _ other: Tensor) -> Double {
            zip(one.doubles, other.doubles).map(*).reduce(0, +)
        }
        let forward = try reference.resampled(x, rows: rows, columns: columns)
        let backward = try reference.resampled(
            y, rows: rows.transposed, columns: columns.transposed)
        #expect(product(forward, y) == product(x, backward))
        #expect(try rows.matrix().shape == [rows.outputSize, 7])
    }

    @Test(arguments: InstructionSet.supported)
    func resultsDoNotDependOnThreads(_ set: InstructionSet) throws {
        var draw = Draw(seed: 5)
        let x = try draw.normal([3, 7, 61, 130])
        let whole = try StridedView(shape: x.shape)
        let views = [
            try whole.transposed([0, 2, 3, 1]), try whole.transposed([0, 1, 3, 2]),
            try whole.slice(axis: 3, from: 129, step: -1, count: 130),
            try whole.slice(axis: 2, from: 1, step: 2, count: 30), whole,
        ]
        let rows = try Self.taps(from: 61, &draw, whole: false)
        let columns = try Self.taps(from: 130, &draw, whole: false)
        let y = try draw.normal([3, 7, rows.outputSize, columns.outputSize])
        func results(_ threads: Int) throws -> [Tensor] {
            let kernels = try native(set, threads: threads)
            return try views.map { try kernels.copied(x, as: $0) }
                + views.map {
                    try kernels.copiedBack(
                        kernels.copied(x, as: $0), to: $0, inputShape: x.shape)
                } + [
                    try kernels.resampled(x, rows: rows, columns: columns),
                    try kernels.resampled(y, rows: rows.transposed, columns: columns.transposed),
                ]
        }
        let serial = try results(1)
        for threads in [2, 3, 7] {
            for (place, pair) in zip(serial, try results(threads)).enumerated() {
                #expect(pair.0.hasSameBits(as: pair.1), "result \(place) on \(threads) threads")
            }
        }
    }

    @Test func smallNumbers() throws {
        let x = try Tensor(shape: [2, 3], scalars: [1, 2, 3, 4, 5, 6])
        let whole = try StridedView(shape: [2, 3])
        let taps = try ResamplingTaps(inputSize: 3, outputs: [[(0, 2), (2, 1)], [], [(1, -1)]])
        for kernels in BadInputTests.conformers {
            #expect(
                try kernels.copied(x, as: whole.transposed([1, 0])).scalars == [1, 4, 2, 5, 3, 6])
            #expect(
                try kernels.copied(x, as: whole.slice(axis: 1, from: 2, step: -2, count: 2)).scalars
                    == [3, 1, 6, 4])
            let y = try kernels.resampled(x, rows: ResamplingTaps(identity: 2), columns: taps)
            #expect(y.scalars == [5, 0, -2, 14, 0, -5])
        }
        #expect(taps.transposed.transposed == taps)
        #expect(try taps.matrix().doubles == [2, 0, 1, 0, 0, 0, 0, -1, 0])
    }

    @Test func mistakes() throws {
        let x = try Tensor(zeros: [2, 3])
        let whole = try StridedView(shape: [2, 3])
        BadInputTests.expect(
            "copied: view is [2, 4] up to place 7, expected inside the 6 numbers of [2, 3]"
        ) { _ = try $0.copied(x, as: StridedView(shape: [2, 4])) }
        BadInputTests.expect(
            "copiedBack: gradient is [2, 3], expected [2, 2]"
        ) {
            _ = try $0.copiedBack(
                x, to: whole.slice(axis: 1, from: 0, count: 2), inputShape: [2, 3])
        }
        var y = x
        BadInputTests.expect("copy: target is [3, 2], expected [2, 3], the shape of source") {
            try $0.copy(x, from: whole, into: &y, at: whole.transposed([1, 0]))
        }
        BadInputTests.expect(
            "copy: target is [2, 3] with strides [1, 1], expected strides that keep its numbers apart"
        ) {
            try $0.copy(x, from: whole, into: &y, at: StridedView(shape: [2, 3], strides: [1, 1]))
        }
        var double = try Tensor(zeros: [2, 3], scalarType: .float64)
        BadInputTests.expect("copy: y is float64, expected float32") {
            try $0.copy(x, from: whole, into: &double, at: whole)
        }
        let two = try ResamplingTaps(identity: 2)
        BadInputTests.expect("resampled: x is [2, 3], expected […, 2, 2], what the taps read") {
            _ = try $0.resampled(x, rows: two, columns: two)
        }
    }

    @Test func viewsAndTapsAreChecked() throws {
        func expect(_ message: String, _ body: () throws -> Void) {
            let error = #expect(throws: TensorError.self) { try body() }
            #expect(error?.description == message)
        }
        let whole = try StridedView(shape: [2, 3])
        expect("StridedView: strides is [1], expected one for each axis of [2, 3]") {
            _ = try StridedView(shape: [2, 3], strides: [1])
        }
        let limit = Int.max / 16
        expect("StridedView: strides is [-1] from place 0, expected places from 0 to \(limit)") {
            _ = try StridedView(shape: [2], strides: [-1])
        }
        for stride in [Int.max, Int.min] {
            expect(
                "StridedView: strides is [\(stride)] from place 1, expected places from 0 to \(limit)"
            ) { _ = try StridedView(shape: [3], strides: [stride], offset: 1) }
        }
        expect("StridedView: axis is 2, expected one of the 2 axes of [2, 3]") {
            _ = try whole.slice(axis: 2, from: 0, count: 1)
        }
        for count in [0, Int.min, 4, Int.max] {
            expect(
                "StridedView: count is \(count) from 0 in steps of 1, expected indices from 0 to 2"
            ) { _ = try whole.slice(axis: 1, from: 0, count: count) }
        }
        expect("StridedView: permutation is [0, 0], expected each of the 2 axes once") {
            _ = try whole.transposed([0, 0])
        }
        expect("ResamplingTaps: outputSize is 0, expected from 1 to 1048576") {
            _ = try ResamplingTaps(inputSize: 1, outputs: [])
        }
        expect("ResamplingTaps: inputSize is \(Int.max), expected from 1 to 1048576") {
            _ = try ResamplingTaps(inputSize: .max, outputs: [[]])
        }
        for (place, weight) in [(2, 1.0), (-1, 1.0), (0, .nan)] {
            expect(
                "ResamplingTaps: outputs is \(weight) at place \(place), "
                    + "expected a finite weight at a place from 0 to 1"
            ) { _ = try ResamplingTaps(inputSize: 2, outputs: [[(place, weight)]]) }
        }
    }
}
