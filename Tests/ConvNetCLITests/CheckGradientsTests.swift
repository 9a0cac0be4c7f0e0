// SPDX-License-Identifier: MIT
//
// convnet check-gradients: its table, its JSON, and its status.

import Foundation
import Testing

@testable import ConvNetCommands

struct CheckGradientsTests {
    @Test func theTableHasALineAParameter() throws {
        let run = try Tool.run([
            "check-gradients", "--network", "lenet", "--elements", "1", "--samples", "1",
        ])
        #expect(run.status == 0, "\(run)")
        #expect(run.error == "")
        let lines = run.output.split(separator: "\n").map {
            $0.split(separator: "  ", omittingEmptySubsequences: true).map {
                $0.trimmingCharacters(in: .whitespaces)
            }
        }
        #expect(lines.first == ["parameter", "shape", "checked", "difference", "bound", "verdict"])
        #expect(lines.dropFirst().first?.prefix(1) == ["W1"])
        #expect(lines.count > 6)
        #expect(lines.dropFirst().allSatisfy { $0.last == "right" && $0.count == 6 }, "\(run)")
    }

    @Test func jsonHasTheSameFigures() throws {
        let run = try Tool.run(["check-gradients", "--elements", "1", "--seed", "3", "--json"])
        #expect(run.status == 0, "\(run)")
        let report = try CommandTests.object(run.output)
        #expect(report["passed"] as? Bool == true)
        let parameters = try #require(report["parameters"] as? [[String: Any]])
        #expect(
            parameters.compactMap { $0["name"] as? String } == ["W1", "b1", "W2", "b2", "W3", "b3"])
        for parameter in parameters {
            let difference = try #require(parameter["largest_difference"] as? Double)
            let bound = try #require(parameter["bound"] as? Double)
            #expect(difference <= bound)
            #expect(parameter["checked"] as? Int == 1)
        }
    }

    /// A failure is the tool's failure, in one line that names the parameters.
    @Test func wrongGradientsAreAFailure() {
        let failure = CheckGradientsCommand.Failure(parameters: ["W1", "b2"])
        #expect(CommandLineTool.status(for: failure) == 1)
        #expect(
            CommandLineTool.line(for: failure)
                == "the gradients of W1, b2 are further from central "
                + "differences than rounding and truncation explain")
    }
}
