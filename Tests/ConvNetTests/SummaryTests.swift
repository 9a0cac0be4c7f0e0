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

    @Test func wrongBatchesAreRefused() throws {
        let network = try smallNetwork()
        for size in [0, -1, Int.max] {
            #expect(throws: TensorError.self) { try network.summary(batchSize: size) }
        }
    }
}
