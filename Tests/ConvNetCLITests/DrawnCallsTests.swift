// SPDX-License-Identifier: MIT
//
// The whole public API with random arguments: the program DrawnCalls makes calls until one traps or
// throws what is not documented. API_CALLS says how many, `make fuzz-api` asks for 100,000.

import ConvNetTestSupport
import Foundation
import Testing

struct DrawnCallsTests {
    @Test func noCallTraps() throws {
        let environment = ProcessInfo.processInfo.environment
        let count = environment["API_CALLS"].flatMap { Int($0) } ?? 20_000
        // The last line names the call, and Swift's own report would stand behind it.
        let run = try Subprocess.run(
            BuiltProducts.executable("DrawnCalls").path, ["\(count)"],
            environment: ["SWIFT_BACKTRACE": "enable=no"])
        let place = """
            ended by \(run.hasExited ? "status" : "signal") \(run.status) in: \
            \(run.error.split(separator: "\n").suffix(3).joined(separator: "\n")); \
            DrawnCalls 1 NUMBER tells the arguments of one call
            """
        #expect(run.hasExited && run.status == 0, "\(place)")
    }
}
