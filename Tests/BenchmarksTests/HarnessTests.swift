// SPDX-License-Identifier: MIT
//
// That the benchmark finds a wrong kernel, whatever its speed, and that its reports say what the
// contract promises.

import ConvNet
import ConvNetReference
import ConvNetTestSupport
import Foundation
import Testing

@testable import Benchmarks

/// The reference, wrong in one number of each result, if asked.
struct FaultyKernels: ForwardingKernels {
    let name = "faulty"
    /// What is added to the last number of each result.
    var fault: Double
    let right = ReferenceKernels()

    init(fault: Double) { self.fault = fault }

    private func spoilt(_ tensor: Tensor) throws -> Tensor {
        var numbers = tensor.doubles
        numbers[numbers.count - 1] += fault
        return try Tensor(shape: tensor.shape, doubles: numbers).converted(to: tensor.scalarType)
    }

    func gemm(
        alpha: Double, _ a: MatrixView, _ b: MatrixView, beta: Double, into c: inout Tensor,
        layout: MatrixLayout
    ) throws {
        try right.gemm(alpha: alpha, a, b, beta: beta, into: &c, layout: layout)
        c = try spoilt(c)
    }
    func im2col(_ x: Tensor, window: Window) throws -> Tensor {
        try spoilt(right.im2col(x, window: window))
    }
    func col2im(_ columns: Tensor, inputShape: [Int], window: Window) throws -> Tensor {
        try spoilt(right.col2im(columns, inputShape: inputShape, window: window))
    }
    func convolution(
        _ x: Tensor, weights: Tensor, prepacked: PrepackedFilters?,
        _ descriptor: ConvolutionDescriptor, epilogue: Epilogue, wantsArgmax: Bool
    ) throws -> (output: Tensor, argmax: IndexTensor?) {
        let (output, argmax) = try right.convolution(
            x, weights: weights, prepacked: prepacked, descriptor, epilogue: epilogue,
            wantsArgmax: wantsArgmax)
        return (try spoilt(output), argmax)
    }
    func convolutionWeightGradient(
        _ outputGradient: Tensor, input x: Tensor, _ descriptor: ConvolutionDescriptor,
        maxima: PooledMaxima?
    ) throws -> Tensor {
        try spoilt(
            right.convolutionWeightGradient(
                outputGradient, input: x, descriptor, maxima: maxima))
    }
    func elementwise(
        _ operation: BinaryOperation, _ a: Tensor, _ b: Tensor
    ) throws -> Tensor { try spoilt(right.elementwise(operation, a, b)) }
    func activation(_ x: Tensor, _ activation: Activation) throws -> Tensor {
        try spoilt(right.activation(x, activation))
    }
    func batchNormalization(
        _ x: Tensor, statistics: BatchStatistics, gamma: Tensor, beta: Tensor, epsilon: Double
    ) throws -> Tensor {
        try spoilt(
            right.batchNormalization(
                x, statistics: statistics, gamma: gamma, beta: beta, epsilon: epsilon))
    }
    func reduced(
        _ x: Tensor, _ reduction: Reduction, axes: [Int], keepsAxes: Bool
    ) throws -> Tensor {
        try spoilt(right.reduced(x, reduction, axes: axes, keepsAxes: keepsAxes))
    }
    func copy(
        _ x: Tensor, from source: StridedView, into y: inout Tensor, at target: StridedView
    ) throws {
        try right.copy(x, from: source, into: &y, at: target)
        y = try spoilt(y)
    }
    func resampled(
        _ x: Tensor, rows: ResamplingTaps, columns: ResamplingTaps
    ) throws -> Tensor { try spoilt(right.resampled(x, rows: rows, columns: columns)) }
    func maxPoolingWithArgmax(_ x: Tensor, window: Window) throws -> MaxPoolingResult {
        let result = try right.maxPoolingWithArgmax(x, window: window)
        return MaxPoolingResult(output: try spoilt(result.output), argmax: result.argmax)
    }
}

@Suite struct HarnessTests {
    /// Small cases of each kind that can go wrong.
    static let names = [
        "sgemm.64x64x64", "im2col.simple.conv1", "col2im.simple.conv1", "conv.forward.simple.conv1",
        "conv.forward+backward.simple.conv1", "maxpool.forward.simple.pool", "train.SimpleConvNet",
        "elementwise.gate", "elementwise.mean", "elementwise.silu", "elementwise.add+relu",
        "elementwise.batchnorm.predict", "elementwise.batchnorm.train", "copy.transpose",
        "copy.concatenation",
        "resize.bilinear",
        "predict1.SimpleConvNet",
    ]

    /// Checks one case, without timing it.
    static func check(_ name: String, fault: Double) throws -> Check {
        let benchmark = try #require(Cases.all.first { $0.name == name })
        let run = Run(
            kernels: FaultyKernels(fault: fault), reference: ReferenceKernels(),
            referenceBudget: 100_000)
        return try benchmark.prepare(run).check()
    }

    @Test(arguments: names)
    func rightKernelsPass(_ name: String) throws {
        let check = try Self.check(name, fault: 0)
        #expect(check.passed)
        #expect(check.maxError <= check.errorBound)
    }

    /// One wrong number, in the last place of a result.
    @Test(arguments: names, [1000, Double.nan])
    func aWrongNumberFails(_ name: String, _ fault: Double) throws {
        #expect(try !Self.check(name, fault: fault).passed)
    }

    @Test func aFailedRowFailsTheRun() throws {
        let machine = LiveTableTests.machine
        var right = Benchmarks.Result(name: "right", work: .operations(1e9))
        (right.best, right.median, right.reference) = (0.5, 1, 2)
        right.check = Check()
        var wrong = Benchmarks.Result(name: "wrong", work: right.work)
        (wrong.best, wrong.median, wrong.check) = (0.5, 1, Check())
        wrong.check?.compareExactly([1], [2])
        #expect(JSONReport([right], machine).passed)
        #expect(!JSONReport([right, wrong], machine).passed)
        #expect(
            Foot(results: [right, wrong]).text.hasSuffix(
                "\n1 passed, 1 failed"))
        #expect(
            Foot(results: [right, wrong]).text.hasPrefix(
                "FAILED  wrong: an error of 1.0e+00, expected at most 0\n"))
        #expect(right.speedup == 4)
        let rate = 2e9 / machine.peakOperations
        #expect(abs(right.share(of: machine) - rate) <= 1e-12)
    }

    @Test func peersAreTimesOfOurs() throws {
        let machine = LiveTableTests.machine
        var even = Benchmarks.Result(name: "even", work: .operations(1e9))
        (even.best, even.median, even.peers) = (0.5, 0.5, ["blis": 0.5])
        var faster = even
        faster.peers = ["blis": 2]
        var wrong = even
        (wrong.peers, wrong.wrongPeers) = ([:], ["blis"])
        #expect(faster.ratio(to: "blis") == 4)
        #expect(wrong.ratio(to: "blis") == nil)
        let text = Foot(results: [even, faster, wrong], peers: [("blis", "some")]).text
        #expect(
            text.contains(
                "blis (some kernels): its time is 2.00× ours in the geometric mean, 1.00× at the "
                    + "least (even)."))
        #expect(text.contains("blis: wrong on even, so not timed."))
        let json = try JSONReport([faster], machine).encoded()
        let report = try #require(JSONSerialization.jsonObject(with: json) as? [String: Any])
        let results = try #require(report["results"] as? [[String: Any]])
        #expect(results[0]["peers"] as? [String: Double] == ["blis": 2000])
    }

    /// A case whose every run asks for memory that has not been given back before.
    @Test func allocationsAreCountedAndShown() throws {
        let machine = LiveTableTests.machine
        let run = Run(
            kernels: NativeKernels(), reference: ReferenceKernels(), referenceBudget: 1)
        let harness = Harness(run, checks: false, pace: .quick)
        // Kept from round to round, and of a size that no other test comes near: a quarter of a
        // gigabyte that is never touched. The harness runs its cases on this thread.
        nonisolated(unsafe) var kept: [Tensor] = []
        let wasteful = BenchmarkCase(name: "wasteful", work: .bytes(1), countsAllocations: true) {
            _ in
            PreparedCase(
                native: {
                    kept.append(
                        try Tensor(uninitialized: [60_000_000], operation: "wasteful"))
                    Thread.sleep(forTimeInterval: 0.05)
                }, reference: { { Check() } }, referenceShare: 1)
        }
        let uncounted = BenchmarkCase(name: "uncounted", work: .bytes(1)) { _ in
            PreparedCase(native: {}, reference: { { Check() } }, referenceShare: 1)
        }
        let results = try harness.results(of: [wasteful, uncounted]).results
        let count = try #require(results[0].systemAllocations)
        #expect(results[0].runCount >= 6)
        // What other tests ask for at the same time is counted too.
        #expect(count >= results[0].runCount)
        #expect(results[1].systemAllocations == nil)
        let text = Foot(results: results).text
        #expect(
            text.contains(
                "wasteful: \(count) allocations from the system in \(results[0].runCount) runs, "
                    + "after the first three."))
        #expect(!text.contains("uncounted: "))
        let json = try JSONReport(results, machine).encoded()
        let report = try #require(JSONSerialization.jsonObject(with: json) as? [String: Any])
        let rows = try #require(report["results"] as? [[String: Any]])
        #expect(rows[0]["system_allocations"] as? Int == count)
        #expect(rows[1]["system_allocations"] == nil)
    }

    @Test func namesAreDifferentAndComplete() {
        let names = Cases.all.map(\.name)
        #expect(Set(names).count == names.count)
        // 12 products; 10 layers: im2col, col2im, forward, both; 16 depthwise layers: forward,
        // both; 21 others of today: forward; 3 pools: im2col, forward, both; nine operations on
        // whole tensors, three of shapes; training, batch and single prediction of three networks;
        // predictions of one and of eight by twelve networks of today, training of five.
        #expect(names.count == 12 + 4 * 10 + 2 * 16 + 21 + 3 * 3 + 9 + 3 + 3 * 3 + 2 * 12 + 5)
    }

    @Test func partsIncludeBothEnds() {
        #expect(Inputs.spread(3, of: 11) == [0, 5, 10])
        #expect(Inputs.spread(0, of: 7) == [0, 6])
        #expect(Inputs.spread(99, of: 4) == [0, 1, 2, 3])
        #expect(Inputs.spread(2, of: 1) == [0])
    }
}

@Suite struct CheckTests {
    @Test func theErrorClosestToItsBoundIsShown() {
        var check = Check()
        check.compare([1, 2.5, 3], [1, 2, 2.9], bounds: [0, 10, 0.2])
        #expect(check.passed)
        #expect(abs(check.maxError - 0.1) <= 1e-12)
        #expect(check.errorBound == 0.2)
    }

    @Test func nanAndDifferentCountsFail() {
        var check = Check()
        check.compare([.nan], [.nan], bounds: [1])
        #expect(!check.passed)
        check = Check()
        check.compareExactly([1, 2], [1])
        #expect(!check.passed)
        check = Check()
        check.compare([1], [1], bounds: [])
        #expect(!check.passed)
    }

    /// The figures that rates and bytes are made of are those of the networks themselves.
    @Test(arguments: BenchmarkNetwork.all.filter { $0.parameterCount < 1_000_000 }.map(\.name))
    func parametersAreCounted(_ name: String) throws {
        let network = try #require(BenchmarkNetwork.all.first { $0.name == name })
        let made = try network.make(ReferenceKernels())
        #expect(made.parameters.map(\.value.count).reduce(0, +) == network.parameterCount)
    }
}
