// SPDX-License-Identifier: MIT
//
// How far an output may be from what is expected.

import ConvNet
import ConvNetData
import ConvNetOptions
import Foundation

/// An array of a file, and what NumPy calls its type.
struct NumPyFile {
    let type: String
    let shape: [Int]
    /// Nil where an axis is empty.
    let tensor: Tensor?

    init(_ file: URL) throws {
        (type, shape, tensor) = try NumPy.typedArray(contentsOf: file)
    }
}

/// What |y − w| may be: absolute + relative · |w|.
struct Tolerance {
    let relative: Double
    let absolute: Double

    /// What `--rtol` and `--atol` say.
    ///
    /// - Throws: ``UsageError`` when one is negative or no number.
    init(_ options: Options) throws(UsageError) {
        relative = try Self.number(options, "rtol") ?? 1e-3
        absolute = try Self.number(options, "atol") ?? 1e-5
    }

    private static func number(_ options: Options, _ name: String) throws(UsageError) -> Double? {
        guard let text = options.string(name) else { return nil }
        guard let number = Double(text), number >= 0, number.isFinite else {
            throw UsageError("--\(name) is \(text), expected a number of at least 0")
        }
        return number
    }

    /// How two tensors differ.
    struct Difference: CustomStringConvertible {
        let description: String
        let isAllowed: Bool
    }

    /// How far an output is from an array.
    ///
    /// - Parameter type: what ONNX calls the output's type; empty where it is not known.
    func difference(_ found: Tensor, type: String, from expected: NumPyFile) -> Difference {
        let types = [
            "FLOAT": "f4", "DOUBLE": "f8", "FLOAT16": "f2", "INT64": "i8", "INT32": "i4",
            "INT8": "i1", "UINT8": "u1", "INT16": "i2", "UINT16": "u2", "BOOL": "b1",
        ]
        if let wanted = types[type], wanted != expected.type {
            return Difference(
                description: "type \(type), expected \(expected.type)", isAllowed: false)
        }
        guard let wanted = expected.tensor, found.shape == expected.shape else {
            return Difference(
                description: "shape \(found.shape), expected \(expected.shape)",
                isAllowed: false)
        }
        var (largest, place, excess) = (0.0, 0, 0)
        for (index, (y, w)) in zip(found.doubles, wanted.doubles).enumerated() {
            if y == w || y.isNaN && w.isNaN { continue }
            let error = abs(y - w)
            // NaN and infinities are compared so that they count as off.
            if !(error <= absolute + relative * abs(w)) || error.isInfinite { excess += 1 }
            if !(error <= largest) { (largest, place) = (error.isNaN ? .infinity : error, index) }
        }
        let numbers = found.doubles.count
        let text = "\(found.shape), largest error \(format("%.3g", largest)) at \(place)"
        return Difference(
            description: excess == 0
                ? "\(text), agrees" : "\(text), \(excess) of \(numbers) numbers differ",
            isAllowed: excess == 0)
    }
}
