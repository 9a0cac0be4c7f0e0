// SPDX-License-Identifier: MIT
//
// Baseline files: written and read, damaged in every way that is easily thought of, and held
// against runs that they don't fit.

import ConvNetOptions
import Foundation
import Testing

@testable import Benchmarks

@Suite struct BaselineTests {
    static let setting = Baseline.Setting(
        cpu: "Some CPU", isa: "avx2", threads: 2, quick: true, configuration: "release")
    static let baseline = Baseline(
        setting,
        cases: [
            Baseline.Case(name: "a", operations: 10, bytes: 20, costs: [1, 1.5, 2]),
            Baseline.Case(name: "b", operations: 0, bytes: 5, costs: [3, 3, 3.25]),
        ])

    /// What reading a text says that is wrong; "" where all is well.
    static func problem(in text: String) throws -> String {
        let file = FileManager.default.temporaryDirectory
            .appendingPathComponent("baseline-\(UUID().uuidString).json")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data(text.utf8).write(to: file)
        do throws(UsageError) {
            _ = try Baseline.read(from: file.path)
            return ""
        } catch {
            return error.description.replacingOccurrences(of: file.path, with: "FILE")
        }
    }

    static func text() throws -> String {
        String(decoding: try JSONEncoder().encode(baseline), as: UTF8.self)
    }

    @Test func whatIsWrittenIsRead() throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("baseline-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appendingPathComponent("b.json").path
        try Self.baseline.write(to: path)
        try Self.baseline.write(to: path)
        #expect(try Baseline.read(from: path) == Self.baseline)
        // Nothing temporary is left.
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["b.json"])
    }

    @Test(arguments: [
        ("1.5", "0"), ("1.5", "-1"), ("1.5", "1e300"), ("1.5", "1e999"), ("1.5", "null"),
        ("1.5", "\"1\""), ("[1,1.5,2]", "7"), ("\"b\"", "\"a\""),
        ("\"version\":1", "\"version\":2"),
        ("\"version\":1", "\"version\":1.5"), ("\"threads\":2", "\"threads\":1e30"),
        ("\"threads\":2", "\"threads\":\"2\""), ("\"quick\":true", "\"quick\":1"),
        ("\"name\"", "\"title\""), (Baseline.format, "another"), ("}", ""), ("{", "["),
    ])
    func damageIsNamed(_ old: String, _ new: String) throws {
        let text = try Self.text()
        #expect(text.contains(old))
        let problem = try Self.problem(in: text.replacingOccurrences(of: old, with: new))
        #expect(problem.hasPrefix("--baseline is FILE"), "\(old) -> \(new): \(problem)")
    }

    /// Every beginning of a file, and every file with one byte changed: an error, or a file that
    /// holds what a run might have written. Nothing traps.
    @Test func tornFilesAreRefused() throws {
        let text = try Self.text()
        for count in 0..<text.utf8.count {
            let part = String(decoding: text.utf8.prefix(count), as: UTF8.self)
            #expect(try Self.problem(in: part) != "", "the first \(count) bytes")
        }
        for place in text.utf8.indices {
            var changed = Array(text.utf8)
            changed[text.utf8.distance(from: text.startIndex, to: place)] = 0x39
            _ = try Self.problem(in: String(decoding: changed, as: UTF8.self))
        }
    }

    @Test(arguments: ["", "[]", "{}", "7", String(repeating: "[", count: 100_000)])
    func otherFilesAreRefused(_ text: String) throws {
        #expect(
            try Self.problem(in: text)
                == "--baseline is FILE, expected a file that --save-baseline wrote")
    }

    @Test func aFileWithoutCasesIsRefused() throws {
        let empty = String(
            decoding: try JSONEncoder().encode(Baseline(Self.setting, cases: [])), as: UTF8.self)
        #expect(
            try Self.problem(in: empty)
                == "--baseline is FILE, in which there are no cases, expected at least one")
    }

    @Test func allDifferencesAreNamed() throws {
        let other = Baseline.Setting(
            cpu: "Other CPU", isa: "avx512", threads: 4, quick: false, configuration: "debug")
        try Self.baseline.checkComparable(to: Self.setting, path: "f")
        let error = #expect(throws: UsageError.self) {
            try Self.baseline.checkComparable(to: other, path: "f")
        }
        #expect(
            error?.description == """
                --baseline is f, which can't be compared; CPU: Some CPU there, Other CPU here; \
                instruction set: avx2 there, avx512 here; threads: 2 there, 4 here; \
                run: with --quick there, without --quick here; build: release there, debug here
                """)
    }

    /// A case that has other work than it had is another case.
    @Test func otherWorkIsNotCompared() {
        let prepare: @Sendable (Run) throws -> PreparedCase = { _ in
            PreparedCase(native: {}, reference: { { Check() } }, referenceShare: 1)
        }
        let same = BenchmarkCase(
            name: "a", work: .operations(10, bytes: 20), prepare: prepare)
        let other = BenchmarkCase(
            name: "a", work: .operations(11, bytes: 20), prepare: prepare)
        #expect(Self.baseline.costs(of: same) == [1, 1.5, 2])
        #expect(Self.baseline.costs(of: other) == nil)
    }
}
