// SPDX-License-Identifier: MIT
//
// A data set in MNIST's format that is small enough for a deep network: its programs read it with
// `--data`, where without it they would draw and evaluate 2,000 digits.

public import Foundation

/// Writes MNIST's four files with so many images of drawn bytes, labelled 0 to 9 over and over.
public func writeDigitFiles(training: Int, test: Int, to folder: URL) throws {
    func header(_ shape: [Int]) -> [UInt8] {
        [0, 0, 8, UInt8(shape.count)]
            + shape.flatMap { extent in
                stride(from: 24, through: 0, by: -8).map {
                    UInt8(truncatingIfNeeded: extent >> $0)
                }
            }
    }
    for (name, count, seed) in [("train", training, 1), ("t10k", test, 2)] {
        var draw = Draw(seed: seed)
        let pixels = (0..<count * 28 * 28).map { _ in UInt8(draw.int(0...255)) }
        try Data(header([count, 28, 28]) + pixels).write(
            to: folder.appendingPathComponent("\(name)-images-idx3-ubyte"))
        try Data(header([count]) + (0..<count).map { UInt8($0 % 10) }).write(
            to: folder.appendingPathComponent("\(name)-labels-idx1-ubyte"))
    }
}
