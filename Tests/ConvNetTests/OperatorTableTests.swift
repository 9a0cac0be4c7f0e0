// SPDX-License-Identifier: MIT
//
// That the documentation's table of ONNX's operators is the importer's list.

import Foundation
import Testing

@testable import ConvNet

struct OperatorTableTests {
    /// UPDATE_OPERATORS=1 writes the table anew.
    @Test func theTableIsTheImportersList() throws {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../Sources/ConvNet/ConvNet.docc/Operators.md")
            .standardizedFileURL
        let text = try String(contentsOf: file, encoding: .utf8)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let before = lines.prefix { !$0.hasPrefix("| ") }.joined(separator: "\n")
        let expected = before + "\n" + ONNXOperators.table + "\n"
        if ProcessInfo.processInfo.environment["UPDATE_OPERATORS"] != nil {
            try Data(expected.utf8).write(to: file)
        }
        let found = try String(contentsOf: file, encoding: .utf8)
        #expect(found == expected, "UPDATE_OPERATORS=1 swift test --filter OperatorTable writes it")
        #expect(ONNXOperators.described == Set(ONNXOperators.all.keys))
    }
}
