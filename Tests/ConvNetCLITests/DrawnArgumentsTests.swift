// SPDX-License-Identifier: MIT
//
// Command lines by lot: whatever the arguments, the tools end by themselves with a status of their own,
// a line on standard error where it is not 0, and never by a signal. CLI_CALLS says how many are tried.

import ConvNet
import Foundation
import Testing

struct DrawnArgumentsTests {
    private static let commands = [
        "train", "evaluate", "predict", "show filters", "show responses", "show features", "info",
        "export", "import", "check-gradients", "download", "show", "", "--version", "--help", "?",
    ]
    private static let options = [
        "network", "data", "batch-size", "learning-rate", "optimizer", "seed", "threads", "out",
        "checkpoint", "checkpoint-every", "resume", "plot", "json", "schedule", "warm-up",
        "weight-decay", "clip", "patience", "augment", "initialization", "parameters", "image",
        "channels", "invert", "top", "before", "help", "history", "url", "steps", "normalize", "",
    ]
    private static let values = [
        "0", "1", "-1", "9223372036854775807", "-9223372036854775808", "9223372036854775808",
        "1e308", "nan", "inf", "-0", "0x10", "", " ", "/", "/dev/null", "/dev/zero", ".", "..",
        "simple", "lenet", "adam", "shift:1", "norm:1", "step:1:0.5", "cosine", "he", "=", "--",
        "Ü\u{301}", String(repeating: "9", count: 400), "/no/such/file", "ftp://x", "a.png",
    ]

    private static func drawn(_ number: Int) -> [String] {
        var generator = Philox(seed: 4, stream: UInt64(number))
        func pick(_ choices: [String]) -> String {
            choices[Int(generator.next() % UInt64(choices.count))]
        }
        var arguments = pick(commands).split(separator: " ").map(String.init)
        for _ in 0..<generator.next() % 5 {
            switch generator.next() % 5 {
            case 0: arguments.append(pick(values))
            case 1: arguments.append("--\(pick(options))=\(pick(values))")
            case 2: arguments.append("--\(pick(options))")
            default: arguments += ["--\(pick(options))", pick(values)]
            }
        }
        // What is right is to be over soon.
        if arguments.first == "train" {
            arguments += ["--limit", "1", "--epochs", "1"]
        } else if arguments.first == "evaluate" {
            arguments += ["--limit", "1"]
        }
        return arguments
    }

    @Test func noArgumentsEndTheToolByASignal() throws {
        let count = ProcessInfo.processInfo.environment["CLI_CALLS"].flatMap { Int($0) } ?? 60
        for number in 0..<count {
            try withFolder { folder in
                // Files with names of options go nowhere else.
                let arguments = Self.drawn(number)
                let process = Process()
                process.executableURL = Tool.executable
                process.arguments = arguments
                process.currentDirectoryURL = folder
                process.standardInput = FileHandle.nullDevice
                process.standardOutput = FileHandle.nullDevice
                let errors = folder.appendingPathComponent("errors")
                try Data().write(to: errors)
                process.standardError = try FileHandle(forWritingTo: errors)
                try process.run()
                process.waitUntilExit()
                let text = String(decoding: try Data(contentsOf: errors), as: UTF8.self)
                let place = "convnet \(arguments) (number \(number)): \(text)"
                #expect(process.terminationReason == .exit, "\(place)")
                #expect((0...2).contains(process.terminationStatus), "\(place)")
                if process.terminationStatus != 0 {
                    #expect(text.contains("convnet: "), "\(place)")
                    #expect(text.hasSuffix("\n"), "\(place)")
                }
            }
        }
    }
}
