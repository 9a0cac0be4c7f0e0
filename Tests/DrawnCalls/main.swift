// SPDX-License-Identifier: MIT
//
// DrawnCalls [COUNT [FIRST]]: calls of the whole public API with random arguments, 2,000 by
// default. Each gives a result or throws an error that is documented; else the program ends with
// status 1, or by the signal of a trap, and the last line on standard error names the call. One
// call alone, `DrawnCalls 1 NUMBER`, prints its arguments.
//
// Calls may ask for more memory than there is, and must get an error then: the program is given
// little.

import ConvNet
import Foundation

let numbers = CommandLine.arguments.dropFirst().map { Int($0) ?? 0 }
let (count, first) = (numbers.first ?? 2000, numbers.dropFirst().first ?? 0)
guard count >= 1, first >= 0, first <= 1 << 40, count <= 1 << 40, numbers.count <= 2 else {
    print("usage: DrawnCalls [COUNT [FIRST]]")
    exit(2)
}

func say(_ line: String) { FileHandle.standardError.write(Data("\(line)\n".utf8)) }

/// Limits what the system gives to 4 GiB, where that much is not taken already, as by a sanitizer.
func limitMemory() {
    let taken = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8))
        .flatMap { $0.split(separator: " ").first.flatMap { Int($0) } }
    var limit = rlimit(rlim_cur: 4 << 30, rlim_max: 4 << 30)
    if let taken, taken < 1 << 19 { setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) }
}

limitMemory()
var (returned, thrown) = (0, 0)
for number in first..<first + count {
    var arguments = Arguments(call: number, isLoud: count == 1)
    let call = arguments.pick(Call.all)
    say("\(number) \(call.name)")
    // Ends the program where a call takes as long as none does, also under a sanitizer.
    alarm(20)
    do {
        try call.make(&arguments)
        returned += 1
    } catch {
        guard Call.isExpected(error), !"\(error)".isEmpty else {
            say("\(number) \(call.name) threw \(type(of: error)): \(error)")
            exit(1)
        }
        if count == 1 { say("    threw \(error)") }
        thrown += 1
    }
}
print("\(count) calls: \(returned) returned, \(thrown) threw a documented error")
