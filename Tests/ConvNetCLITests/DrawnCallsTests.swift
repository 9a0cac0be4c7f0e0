// SPDX-License-Identifier: MIT
//
// The whole public interface by lot: the program DrawnCalls makes calls until one traps or throws what is
// not documented. API_CALLS says how many, `make fuzz-api` asks for 100,000.

import ConvNetTestSupport
import Foundation
import Testing

struct DrawnCallsTests {
    @Test func noCallTraps() throws {
        let environment = ProcessInfo.processInfo.environment
        let count = environment["API_CALLS"].flatMap { Int($0) } ?? 20_000
        try withFolder { folder in
            let calls = folder.appendingPathComponent("calls")
            try Data().write(to: calls)
            let process = Process()
            process.executableURL = BuiltProducts.executable("DrawnCalls")
            process.arguments = ["\(count)"]
            // The last line names the call, and Swift's own report would stand behind it.
            process.environment = environment.merging(["SWIFT_BACKTRACE": "enable=no"]) { $1 }
            process.standardInput = FileHandle.nullDevice
            process.standardOutput = FileHandle.nullDevice
            process.standardError = try FileHandle(forWritingTo: calls)
            try process.run()
            process.waitUntilExit()
            let lines = String(decoding: try Data(contentsOf: calls), as: UTF8.self)
                .split(separator: "\n").suffix(3)
            let place = """
                ended by \(process.terminationReason == .exit ? "status" : "signal") \
                \(process.terminationStatus) in: \(lines.joined(separator: "\n")); \
                DrawnCalls 1 NUMBER tells the arguments of one call
                """
            #expect(process.terminationReason == .exit, "\(place)")
            #expect(process.terminationStatus == 0, "\(place)")
        }
    }
}
