// SPDX-License-Identifier: MIT
//
// Completion as bash does it, the manual as groff reads it, and that both and the help know every
// command and option.

import ConvNetCommands
import Foundation
import Testing

@Suite struct CompletionTests {
    /// What bash offers for a line whose last word is begun.
    static func offers(_ words: [String]) throws -> [String] {
        try withFolder { folder in
            let script = try Tool.run(["completion", "bash"])
            #expect(script.status == 0)
            let quoted = words.map { "'\($0)'" }.joined(separator: " ")
            let program = """
                \(script.output)
                cd '\(folder.path)'; touch digits.safetensors; mkdir mnist
                COMP_WORDS=(convnet \(quoted)); COMP_CWORD=\(words.count)
                complete -p convnet >/dev/null || exit 1
                _convnet 2>/dev/null
                printf '%s\\n' "${COMPREPLY[@]}"
                """
            return try shell("bash", ["--norc", "-c", program]).split(separator: "\n").map(
                String.init)
        }
    }

    static func shell(_ program: String, _ arguments: [String], input: String = "") throws -> String
    {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [program] + arguments
        // A shell warns of a locale that is not installed.
        process.environment = ProcessInfo.processInfo.environment.merging(["LC_ALL": "C"]) { $1 }
        let (output, given) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = output
        process.standardInput = given
        try process.run()
        given.fileHandleForWriting.write(Data(input.utf8))
        try given.fileHandleForWriting.close()
        let text = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "\(String(decoding: text, as: UTF8.self))")
        return String(decoding: text, as: UTF8.self)
    }

    @Test(arguments: [
        (["tr"], ["train"]), (["show", "fi"], ["filters"]), (["show", "x"], []),
        (["train", "--ep"], ["--epochs"]),
        (["train", "--network", "le"], ["lenet", "lenet-1998"]),
        (["train", "--network", "=", "al"], ["alexnet"]),
        (["train", "--data", ""], ["mnist"]),
        (["evaluate", "--parameters", "dig"], ["digits.safetensors"]),
        (["show", "filters", "--he"], ["--help"]), (["completion", ""], ["bash", "zsh"]),
        (["predict", "d"], ["digits.safetensors"]),
    ])
    func bashOffers(_ words: [String], _ expected: [String]) throws {
        #expect(try Self.offers(words) == expected, "\(words)")
    }

    /// Nothing is in a script, the manual or a command's help that is not in the others.
    @Test func everyOptionIsKnownEverywhere() throws {
        let zsh = try Tool.run(["completion", "zsh"]).output
        let manual = try Tool.run(["manual"]).output
        for command in CommandLineTool.commands {
            let words = command.name.split(separator: " ").map(String.init)
            let help = try Tool.run(words + ["--help"])
            #expect(help.status == 0)
            #expect(help.output.contains("Example: convnet \(command.name)"), "\(help)")
            #expect(help.output.contains("Exit status: 0 done, 1 failed, 2 called wrongly"))
            let offered = Set(try Self.offers(words + ["--"]))
            let listed = Set(
                help.output.split(separator: "\n").filter { $0.hasPrefix("  --") }.map {
                    String($0.split(separator: " ")[0])
                })
            #expect(offered == listed, "\(command.name)")
            for option in listed {
                #expect(zsh.contains("'\(option)"), "\(command.name) \(option)")
                let inManual = option.replacingOccurrences(of: "-", with: "\\-")
                #expect(manual.contains("\\fB\(inManual)\\fR"), "\(command.name) \(option)")
            }
        }
    }

    private static func isInstalled(_ program: String) -> Bool {
        (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").contains {
            FileManager.default.isExecutableFile(atPath: "\($0)/\(program)")
        }
    }

    @Test(.enabled(if: isInstalled("groff"), "groff is not installed"))
    func groffHasNothingToWarnOf() throws {
        let page = try Tool.run(["manual"]).output
        let warnings = try Self.shell(
            "groff", ["-man", "-Tascii", "-ww", "-z"], input: page)
        #expect(warnings == "")
    }

    @Test(.enabled(if: isInstalled("zsh"), "zsh is not installed"))
    func zshReadsItsScript() throws {
        let script = try Tool.run(["completion", "zsh"]).output
        #expect(try Self.shell("zsh", ["-f", "-n"], input: script) == "")
    }

    /// Nothing is coloured, whatever the environment says.
    @Test func nothingIsColoured() throws {
        for environment in [[:], ["NO_COLOR": "1"], ["CLICOLOR_FORCE": "1"]] {
            for arguments in [["--help"], ["info"], ["fly"], ["manual"]] {
                let run = try Tool.run(arguments, environment: environment)
                #expect(!(run.output + run.error).contains("\u{1B}"), "\(run)")
            }
        }
    }
}
