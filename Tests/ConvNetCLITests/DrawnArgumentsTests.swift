// SPDX-License-Identifier: MIT
//
// Random command lines: whatever the arguments, the tools end by themselves with a status of
// their own, a line on standard error where it is not 0, and never by a signal. CLI_CALLS says
// how many are tried.

import ConvNet
import ConvNetOptions
import ConvNetTestSupport
import Foundation
import Testing

@testable import ConvNetCommands

struct DrawnArgumentsTests {
    /// Every command and what is none, each with its options.
    private static let commands: [(words: String, options: [Option])] =
        CommandLineTool.commands.map { ($0.name, $0.options + [.help]) }
        + ["completion", "manual", "show", "", "--version", "--help", "?"].map { ($0, []) }
    /// Those of all commands.
    private static let options = Set(commands.flatMap(\.options).map(\.name)).sorted() + [""]
    private static let values = [
        "0", "1", "-1", "9223372036854775807", "-9223372036854775808", "9223372036854775808",
        "1e308", "nan", "inf", "-0", "0x10", "", " ", "/", "/dev/null", "/dev/zero", ".", "..",
        "simple", "lenet", "adam", "shift:1", "norm:1", "step:1:0.5", "cosine", "he", "=", "--",
        "Ü\u{301}", String(repeating: "9", count: 400), "/no/such/file", "ftp://x", "a.png",
    ]

    /// AlexNet takes minutes, and so do the gradients of networks with many layers.
    private static let slow = Set(Networks.names).subtracting([
        "simple", "lenet", "lenet-1998", "unet",
    ])

    /// What is right is to be over soon, and to ask no other machine.
    private static let ending = [
        "--limit=1", "--epochs=1", "--elements=1", "--url=http://127.0.0.1:9",
    ]

    /// Mostly the command's own options, with what they offer or one of the values.
    private static func drawn(_ number: Int) -> [String] {
        var generator = Philox(seed: 4, stream: UInt64(number))
        func pick<Value>(_ choices: [Value]) -> Value {
            choices[Int(generator.next() % UInt64(choices.count))]
        }
        let command = pick(commands)
        var arguments = command.words.split(separator: " ").map(String.init)
        for _ in 0..<generator.next() % 5 {
            let own = command.options.isEmpty ? nil : pick(command.options)
            let name = generator.next() % 4 == 0 ? pick(options) : own?.name ?? pick(options)
            let value = pick(values + (own?.choices ?? []).filter { !slow.contains($0) })
            switch generator.next() % 5 {
            case 0: arguments.append(value)
            case 1: arguments.append("--\(name)=\(value)")
            case 2: arguments.append("--\(name)")
            default: arguments += ["--\(name)", value]
            }
        }
        return arguments
            + ending.filter { short in
                command.options.contains { short.hasPrefix("--\($0.name)=") }
            }
    }

    /// So that the drawn ones are those of the tool.
    @Test func everyCommandAndOptionIsDrawn() {
        let drawn = (0..<3000).map(Self.drawn)
        for command in Self.commands {
            #expect(drawn.contains { $0.joined(separator: " ").hasPrefix(command.words) })
        }
        let words = Set(drawn.joined().map { String($0.prefix { $0 != "=" }) })
        for option in Self.options {
            #expect(words.contains("--\(option)"), "\(option)")
        }
    }

    @Test func noArgumentsEndTheToolByASignal() throws {
        let count = ProcessInfo.processInfo.environment["CLI_CALLS"].flatMap { Int($0) } ?? 60
        for number in 0..<count {
            try withTemporaryFolder { folder in
                // Files with names of options go nowhere else.
                let arguments = Self.drawn(number)
                let run = try Subprocess.run(Tool.executable.path, arguments, in: folder)
                let place = "convnet \(arguments) (number \(number)): \(run)"
                #expect(run.hasExited, "\(place)")
                #expect((0...2).contains(run.status), "\(place)")
                if run.status != 0 {
                    #expect(run.error.contains("convnet: "), "\(place)")
                    #expect(run.error.hasSuffix("\n"), "\(place)")
                }
            }
        }
    }
}
