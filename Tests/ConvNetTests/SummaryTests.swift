// SPDX-License-Identifier: MIT
//
// The table of a network, with figures that a human can check.

import ConvNet
import Testing

struct SummaryTests {
    @Test func tableOfASmallNetwork() throws {
        // 3 filters of 3×3 on 6×6 places: 2·9·108 operations; 27·5 weights; 5·4 weights.
        let text = try smallNetwork().summary(batchSize: 2).description
        let table = """
            input [2, 1, 8, 8]
            layer    type         output        parameters   FLOPs   memory
            ---------------------------------------------------------------
            conv1    Convolution  [2, 3, 6, 6]          30  3.89 k    864 B
            relu1    ReLU         [2, 3, 6, 6]           0     216    864 B
            pool1    MaxPooling   [2, 3, 3, 3]           0     216    216 B
            affine1  Affine       [2, 5]               140     540     40 B
            relu2    ReLU         [2, 5]                 0      10     40 B
            affine2  Affine       [2, 4]                24      80     32 B
            ---------------------------------------------------------------
            total                                      194  4.95 k  2.06 kB

            """
        #expect(text.hasPrefix(table), "\(text)")
    }

    /// Where layers do not follow one another, the table says what they take.
    @Test func tableOfANetworkWithABranch() throws {
        let network = try Network(inputShape: [3]) { graph, x in
            let y = try graph.add(ReLU(), x, name: "relu")
            let z = try graph.add(Tanh(), y, name: "tanh")
            return try graph.add(Softmax(), graph.add(Addition(), z, x, name: "sum"), name: "top")
        }
        let summary = try network.summary()
        #expect(summary.rows.map(\.inputs) == [["input"], ["relu"], ["tanh", "input"], ["sum"]])
        #expect(summary.rows.map(\.takesRowAbove) == [true, true, false, true])
        let table = """
            input [1, 3]
            layer  type      inputs       output  parameters  FLOPs  memory
            ---------------------------------------------------------------
            relu   ReLU                   [1, 3]           0      3    12 B
            tanh   Tanh                   [1, 3]           0      3    12 B
            sum    Addition  tanh, input  [1, 3]           0      3    12 B
            top    Softmax                [1, 3]           0      3    12 B
            ---------------------------------------------------------------
            total                                          0     12    48 B

            """
        #expect(summary.description.hasPrefix(table), "\(summary)")
    }

    /// Known figures: LeNet's 61,706 parameters.
    @Test func parametersOfLeNet() throws {
        for form in LeNet.Form.allCases {
            let summary = try LeNet(seed: 1, form: form).summary()
            #expect(summary.parameterCount == 61_706)
            #expect(
                summary.rows.map(\.outputShape).filter { $0.count == 4 } == [
                    [1, 6, 28, 28], [1, 6, 28, 28], [1, 6, 14, 14], [1, 16, 10, 10],
                    [1, 16, 10, 10],
                    [1, 16, 5, 5],
                ])
        }
    }

    /// Krizhevsky et al. count 60 million in two groups.
    @Test func parametersOfAlexNet() throws {
        let zeros = Initialization.standardDeviation(0)
        let summary = try AlexNet(seed: 1, initialization: zeros).summary()
        #expect(summary.parameterCount == 60_965_224)
        let first = try #require(summary.rows.first)
        #expect(first.outputShape == [1, 96, 55, 55])
        // 2 · 55·55 · 96 · 363.
        #expect(first.operationCount == 210_830_400)
        #expect(first.activationByteCount == 96 * 55 * 55 * 4)
        let single = try AlexNet(seed: 1, groups: 1, initialization: zeros)
        #expect(try single.summary().parameterCount == 62_378_344)
    }

    @Test func wrongBatchesAreRefused() throws {
        let network = try smallNetwork()
        for size in [0, -1, Int.max] {
            #expect(throws: TensorError.self) { try network.summary(batchSize: size) }
        }
    }

    /// A file may describe layers that no machine could run: their sums stay numbers.
    @Test func sumsBeyondAllNumbersAreTheLargest() throws {
        let layers = (0..<40).map { NamedLayer("relu\($0)", ReLU()) }
        let summary = try Network(inputShape: [1 << 28, 1 << 30], layers: layers).summary()
        #expect(summary.activationByteCount == .max)
        #expect(summary.operationCount == .max)
        #expect(summary.description.contains("9.22 EB"))
    }
}
