// SPDX-License-Identifier: MIT
//
// What is printed of a tensor, against NumPy's text as Tests/Fixtures/printed.py wrote it down.

import ConvNetTensor
import Foundation
import Testing

@Suite struct DescriptionTests {
    private struct Printed: Decodable {
        let shape: [Int]
        let bits: [UInt32]?
        let text: String

        var tensor: Tensor {
            get throws {
                let count = shape.reduce(1, *)
                return try Tensor(
                    shape: shape,
                    scalars: bits?.map { Float(bitPattern: $0) }
                        ?? (0..<count).map { Float($0 % 1000) / 8 })
            }
        }
    }

    @Test func numbersAreAsNumPyPrintsThem() throws {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../Fixtures/printed.json")
        let cases = try JSONDecoder().decode([Printed].self, from: Data(contentsOf: file))
        #expect(cases.count == 202)
        for one in cases {
            #expect(try one.tensor.description == "Tensor \(one.shape)\n" + one.text)
        }
    }

    @Test func theShapeStandsAbove() throws {
        let x = try Tensor(shape: [2, 3], scalars: [1, 2.5, 3, 4, 5, 6.25])
        let expected = """
            Tensor [2, 3]
            [[1.   2.5  3.  ]
             [4.   5.   6.25]]
            """
        #expect("\(x)" == expected)
        #expect(x.debugDescription == expected && String(reflecting: x) == expected)
        #expect(
            try Tensor(shape: [3], doubles: [0.1, -2, .nan]).description
                == "Tensor [3] of float64\n[ 0.1 -2.   nan]")
        #expect(try Tensor(shape: [], scalars: [1.5]).description == "Tensor []\n1.5")
        #expect(try Tensor(shape: [], scalars: [2]).description == "Tensor []\n2.0")
        // A third has more digits as a Double than are shown.
        #expect(
            try Tensor(shape: [2], doubles: [1.0 / 3, 2.0 / 3]).description
                == "Tensor [2] of float64\n[0.33333333 0.66666667]")
    }

    @Test func indicesArePrintedToo() throws {
        let x = try IndexTensor(shape: [1, 2, 2], indices: [0, 17, 3, 123])
        #expect(
            x.description == """
                IndexTensor [1, 2, 2]
                [[[  0  17]
                  [  3 123]]]
                """)
        #expect(x.debugDescription == x.description)
    }

    /// Of sixteen million numbers 216 are looked at; what many axes would show is cut down.
    @Test func nothingIsDoneForWhatIsNotShown() throws {
        let many = try Tensor(zeros: [1 << 8, 1 << 8, 1 << 8])
        #expect(many.description.split(separator: "\n").count == 1 + 6 * 6 + 6 + 1)
        let axes = try Tensor(zeros: [Int](repeating: 5, count: 10))
        #expect(axes.description.filter { $0 == "0" }.count == 1 << 10)
        let more = try Tensor(zeros: [Int](repeating: 2, count: 20))
        #expect(more.description == "Tensor \(more.shape)")
    }
}
