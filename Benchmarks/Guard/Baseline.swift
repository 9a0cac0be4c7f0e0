// SPDX-License-Identifier: MIT
//
// The figures of a run, kept in a file to hold later runs against. Only what is alike is compared:
// the file says what it was measured on and how.

import ConvNetOptions
import ConvNetTensor
import Foundation

/// A saved run.
struct Baseline: Codable, Equatable {
    /// What files of this kind say they are.
    static let format = "swift-convnet benchmark baseline"
    /// Raised whenever costs come to mean something else.
    static let currentVersion = 1
    /// The largest file that is read; seventy cases take thirty kilobytes.
    private static let sizeLimit = 16 << 20

    /// What runs must have in common to be compared.
    struct Setting: Codable, Equatable {
        let cpu: String
        let isa: String
        let threads: Int
        /// Whether `--quick` was given: samples are shorter then.
        let quick: Bool
        /// `debug` or `release`.
        let configuration: String
    }

    struct Case: Codable, Equatable {
        let name: String
        /// Floating-point operations and bytes of the case. Where they have changed, so has the
        /// case.
        let operations: Double
        let bytes: Double
        /// The case's times, each in units of what the machine could do at best when it was taken.
        let costs: [Double]
    }

    let format: String
    let version: Int
    let setting: Setting
    let cases: [Case]

    init(_ setting: Setting, cases: [Case]) {
        format = Self.format
        version = Self.currentVersion
        self.setting = setting
        self.cases = cases
    }

    /// Reads a file that anybody may have written.
    ///
    /// - Throws: ``UsageError`` when it can't be read, is of another kind or version, or holds what
    ///   no run writes.
    static func read(from path: String) throws(UsageError) -> Baseline {
        let bytes: [UInt8]
        do throws(FileError) {
            bytes = try FileBytes.contents(of: path, limit: sizeLimit)
        } catch {
            throw UsageError("--baseline is \(error)")
        }
        struct Header: Decodable {
            let format: String
            let version: Int
        }
        let (data, decoder) = (Data(bytes), JSONDecoder())
        guard let header = try? decoder.decode(Header.self, from: data), header.format == format
        else {
            throw UsageError("--baseline is \(path), expected a file that --save-baseline wrote")
        }
        guard header.version == currentVersion else {
            throw UsageError(
                "--baseline is \(path), version \(header.version) of the format, expected "
                    + "\(currentVersion): save it anew")
        }
        let baseline: Baseline
        do {
            baseline = try decoder.decode(Baseline.self, from: data)
        } catch {
            throw UsageError(
                "--baseline is \(path), which is damaged, expected what --save-baseline wrote")
        }
        if let problem = baseline.problem {
            throw UsageError("--baseline is \(path), in which \(problem)")
        }
        return baseline
    }

    /// What no run writes, in words; nil where all is well.
    private var problem: String? {
        var names: Set<String> = []
        if cases.isEmpty { return "there are no cases, expected at least one" }
        for saved in cases {
            if !names.insert(saved.name).inserted { return "\(saved.name) comes twice" }
            guard (3...1000).contains(saved.costs.count) else {
                return "\(saved.name) has \(saved.costs.count) costs, expected from 3 to 1000"
            }
            // Also false for NaN.
            if let cost = saved.costs.first(where: { !(1e-9...1e9).contains($0) }) {
                return "\(saved.name) has the cost \(cost), expected from 1e-09 to 1e+09"
            }
        }
        return nil
    }

    /// Writes the file, whole or not at all.
    ///
    /// - Throws: `FileError` when the system refuses.
    func write(to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        let data = try encoder.encode(self) + Data("\n".utf8)
        try data.withUnsafeBytes { try AtomicFile.write($0, to: path) }
    }

    /// Finds out whether a run can be held against this one.
    ///
    /// - Throws: ``UsageError`` that names everything that differs.
    func checkComparable(to other: Setting, path: String) throws(UsageError) {
        let mode = { (quick: Bool) in quick ? "with --quick" : "without --quick" }
        let differences = [
            ("CPU", setting.cpu, other.cpu),
            ("instruction set", setting.isa, other.isa),
            ("threads", "\(setting.threads)", "\(other.threads)"),
            ("run", mode(setting.quick), mode(other.quick)),
            ("build", setting.configuration, other.configuration),
        ].filter { $0.1 != $0.2 }.map { "\($0.0): \($0.1) there, \($0.2) here" }
        guard differences.isEmpty else {
            throw UsageError(
                "--baseline is \(path), which can't be compared; "
                    + differences.joined(separator: "; "))
        }
    }
}
