// SPDX-License-Identifier: MIT
//
// Which cases a call measures and lists, by the list alone: nothing is timed.

import ConvNetOptions
import Foundation
import Testing

@testable import Benchmarks

@Suite struct CaseSelectionTests {
    static let declared = [
        Option("filter", "TEXT", ""), Option("baseline", "FILE", ""),
        Option("save-baseline", "FILE", ""), Option("full", ""),
    ]

    static func selection(_ arguments: String...) throws -> CaseSelection {
        try CaseSelection(Options(arguments, declared: declared))
    }

    /// Without options, each operation is measured, each window with its stride, and each network.
    @Test func theStandardRunHasEveryKindOfCase() throws {
        let selection = try Self.selection()
        #expect(
            selection.cases.count + selection.leftOut == Cases.all.count(where: { !$0.needsModel }))
        #expect(selection.leftOut > 0)
        func kinds(_ cases: [BenchmarkCase]) -> Set<String> {
            Set(cases.map { Plot.family(of: $0.name) })
        }
        #expect(kinds(selection.cases) == kinds(Cases.all))
        #expect(
            kinds(selection.cases) == [
                "sgemm", "im2col", "col2im", "conv.forward", "conv.forward+backward",
                "maxpool.forward", "maxpool.forward+backward", "elementwise", "copy", "resize",
                "train", "predict", "predict1", "predict8",
            ])
        func windows(_ shapes: [LayerShape]) -> Set<String> {
            Set(shapes.map { Shapes.window($0.kernel, $0.stride) })
        }
        #expect(windows(Shapes.layers.filter { !$0.needsFull }) == windows(Shapes.layers))
        func pools(_ shapes: [PoolShape]) -> Set<String> {
            Set(shapes.map { Shapes.window($0.kernel, $0.stride) })
        }
        #expect(pools(Shapes.pools.filter { !$0.needsFull }) == pools(Shapes.pools))
        for network in BenchmarkNetwork.all {
            #expect(selection.cases.contains { $0.name == "predict1.\(network.name)" })
        }
    }

    @Test(arguments: [["--full"], ["--baseline=x"], ["--save-baseline=x"]])
    func everyCaseIsMeasuredWhenAskedFor(_ arguments: [String]) throws {
        let selection = try CaseSelection(Options(arguments, declared: Self.declared))
        #expect(selection.cases.map(\.name) == Cases.all.filter { !$0.needsModel }.map(\.name))
        #expect(selection.leftOut == 0)
        #expect(selection.summary == "152 cases (12 more with --models)")
    }

    @Test func aFilterFindsEveryCase() throws {
        let selection = try Self.selection("--filter=vgg.conv1_2")
        #expect(
            selection.cases.map(\.name) == [
                "im2col.vgg.conv1_2", "col2im.vgg.conv1_2", "conv.forward.vgg.conv1_2",
                "conv.forward+backward.vgg.conv1_2",
            ])
        #expect(selection.cases.allSatisfy { $0.needsFull })
        #expect(selection.leftOut == 0)
        #expect(try Self.selection("--filter=sgemm.64x64x64").summary == "1 case")
        #expect(
            try Self.selection("--filter=vgg.conv1_2,sgemm.64x64x64").cases.map(\.name)
                == ["sgemm.64x64x64"] + Self.selection("--filter=vgg.conv1_2").cases.map(\.name))
        for wrong in ["sgemm.64x64x64,none", ",sgemm.64x64x64", "none,"] {
            #expect(throws: UsageError.self) { try Self.selection("--filter=\(wrong)") }
        }
    }

    @Test func theSummaryTellsWhatIsLeftOut() throws {
        let selection = try Self.selection()
        let count = selection.cases.count
        #expect(
            selection.summary == "\(count) of 152 cases (--full for all; 12 more with --models)")
    }

    @Test func programsGetTheNamesAlone() throws {
        let names = Cases.all.map(\.name).joined(separator: "\n")
        #expect(try Self.selection().list(isForPeople: false) == names)
        #expect(try Self.selection("--full").list(isForPeople: false) == names)
    }

    @Test func peopleReadWhatCasesAre() throws {
        #expect(
            try Self.selection("--filter=forward.vgg").list(isForPeople: true) == """
                Convolutions (forward+backward: and their gradients): filter/stride, channels \
                in→out, height×width
                conv.forward.vgg.conv1_2   3×3, 64→64, 224×224, batch 4  with --full

                Max pooling (forward+backward: and its gradient): window/stride, \
                channels×height×width
                maxpool.forward.vgg.pool1  2×2/2 of 64×224×224, batch 4  with --full
                """)
        #expect(
            try Self.selection("--filter=predict.").list(isForPeople: true) == """
                Whole networks: training steps (train), the prediction of a batch (predict), of 1 and of \
                8 images: channels×height×width
                predict.SimpleConvNet  100 images, 1×28×28
                predict.LeNet          100 images, 1×28×28
                predict.AlexNet        16 images, 3×227×227  with --full
                """)
    }

    /// The words of all cases fit in the table.
    @Test func everyCaseSaysItsSizes() {
        for benchmark in Cases.all {
            #expect(!benchmark.sizes.isEmpty && benchmark.sizes.count <= 33, "\(benchmark.name)")
            #expect(CaseGroup(of: benchmark.name) != nil, "\(benchmark.name)")
        }
        #expect(CaseGroup.allCases.allSatisfy { $0.title.count <= 125 })
    }
}
