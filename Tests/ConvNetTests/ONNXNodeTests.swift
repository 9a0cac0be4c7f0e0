// SPDX-License-Identifier: MIT
//
// ONNX's own test cases, and whole models, where the environment names a folder of them: each holds
// model.onnx, in_K.npy and out_K.npy, and index.json lists them. Every case passes or is refused
// with its reason.

import ConvNetData
import ConvNetTestSupport
import Foundation
import Testing

@testable import ConvNet

private let folder = ProcessInfo.processInfo.environment["ONNX_NODE_TESTS"]

@Suite(.enabled(if: folder != nil, "ONNX_NODE_TESTS is not set"))
struct ONNXNodeTests {
    /// A case of the list.
    struct Case: Decodable, Sendable {
        let suite: String
        let name: String
        let rtol: Double
        let atol: Double
        /// What ONNX Runtime made of it.
        let ort: String?
        let inputs: [Value]
        let outputs: [Value]

        /// A name, a shape and a type.
        struct Value: Decodable, Sendable {
            let name: String
            let shape: [Int]

            init(from decoder: any Decoder) throws {
                var row = try decoder.unkeyedContainer()
                name = try row.decode(String.self)
                shape = try row.decode([Int].self)
            }
        }
    }

    enum Outcome: Equatable {
        case passed
        case refused(String)
        case wrong(String)
    }

    private static func array(_ url: URL) throws -> Tensor { try NumPy.array(contentsOf: url) }

    private static func run(_ one: Case, in folder: URL) throws -> Outcome {
        let place = folder.appendingPathComponent("\(one.suite)/\(one.name)")
        var inputs: [String: Tensor] = [:]
        // An input without numbers is none.
        for (number, value) in one.inputs.enumerated() where value.shape != [0] {
            guard !value.shape.contains(0) else { return .refused("an empty axis") }
            inputs[value.name] = try array(place.appendingPathComponent("in_\(number).npy"))
        }
        let outputs: [String: Tensor]
        do {
            let network = try Network(
                onnx: place.appendingPathComponent("model.onnx"), example: inputs)
            outputs = try network.predict(inputs)
        } catch let error as ONNXError {
            return error.reasons.isEmpty ? .wrong("no reason") : .refused("\(error)")
        }
        for (number, value) in one.outputs.enumerated() {
            guard !value.shape.contains(0) else { return .wrong("\(value.name) is empty") }
            let expected = try array(place.appendingPathComponent("out_\(number).npy"))
            guard let found = outputs[value.name], found.shape == expected.shape else {
                return .wrong("\(value.name) has another shape")
            }
            for (place, (y, w)) in zip(found.doubles, expected.doubles).enumerated()
            where !(y == w || (y.isNaN && w.isNaN) || abs(y - w) <= one.atol + one.rtol * abs(w)) {
                return .wrong("\(value.name)[\(place)] is \(y), expected \(w)")
            }
        }
        return .passed
    }

    @Test func everyCasePassesOrIsRefused() throws {
        let folder = URL(fileURLWithPath: try #require(folder))
        let list = try Data(contentsOf: folder.appendingPathComponent("index.json"))
        let cases = try JSONDecoder().decode([Case].self, from: list)
        try #require(!cases.isEmpty)
        var (passed, refused) = (0, [String]())
        for one in cases {
            // What ONNX Runtime answers otherwise has no answer to compare with.
            let isComparable = one.ort.map { $0 == "pass" } ?? true
            switch try Self.run(one, in: folder) {
            case .passed: passed += isComparable ? 1 : 0
            case .refused(let reason): refused.append("\(one.name): \(reason)")
            case .wrong(let what):
                #expect(!isComparable, "\(one.suite)/\(one.name): \(what)")
            }
        }
        let count = cases.filter { $0.ort == "pass" }.count
        print("ONNX cases: \(passed) of \(count) pass, \(refused.count) are refused")
        if count >= 561 { #expect(passed >= 480) }
    }
}
