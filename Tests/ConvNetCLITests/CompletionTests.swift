// SPDX-License-Identifier: MIT
//
// Completion as bash does it, the manual as groff reads it, and that both and the help know every
// command and option.

import ConvNetCommands
import ConvNetTestSupport
import Foundation
import Testing

@Suite struct CompletionTests {
    /// What one bash offers for each of some lines whose last word is begun.
    static func offers(_ lines: [[String]]) throws -> [[String]] {
        try withTemporaryFolder { folder in
            let script = try Tool.run(["completion", "bash"])
            #expect(script.status == 0)
            let questions = lines.map { words in
                let quoted = words.map { "'\($0)'" }.joined(separator: " ")
                return """
                    COMP_WORDS=(convnet \(quoted)); COMP_CWORD=\(words.count); COMPREPLY=()
                    _convnet 2>/dev/null
                    printf '%s ' "${COMPREPLY[@]}"; echo
                    """
            }
            let program = """
                \(script.output)
                cd '\(folder.path)'; touch digits.safetensors; mkdir mnist
                complete -p convnet >/dev/null || exit 1
                \(questions.joined(separator: "\n"))
                """
            let answers = try shell("bash", ["--norc", "-c", program])
            return answers.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
                .map { $0.split(separator: " ").map(String.init) }
        }
    }

    static func shell(_ program: String, _ arguments: [String], input: String = "") throws -> String
    {
        // A shell warns of a locale that is not installed.
        let run = try Subprocess.run(
            program, arguments, environment: ["LC_ALL": "C"], input: input)
        #expect(run.status == 0, "\(run)")
        return run.output + run.error
    }

    @Test func bashOffersWhatFits() throws {
        let expected = [
            (["tr"], ["train"]), (["show", "fi"], ["filters"]), (["show", "x"], []),
            (["train", "--ep"], ["--epochs"]),
            (["train", "--network", "le"], ["lenet", "lenet-1998"]),
            (["train", "--network", "=", "al"], ["alexnet"]), (["show", "gr"], ["graph"]),
            (["info", "--network", "resnet5"], ["resnet50", "resnet56"]),
            (["train", "--data", ""], ["mnist"]),
            (["evaluate", "--parameters", "dig"], ["digits.safetensors"]),
            (["show", "filters", "--he"], ["--help"]), (["completion", ""], ["bash", "zsh"]),
            (["predict", "d"], ["digits.safetensors"]),
        ]
        let offers = try Self.offers(expected.map(\.0))
        try #require(offers.count == expected.count)
        for (offered, (words, fitting)) in zip(offers, expected) {
            #expect(offered == fitting, "\(words)")
        }
    }

    /// Nothing is in a script, the manual or a command's help that is not in the others.
    @Test func everyOptionIsKnownEverywhere() throws {
        let zsh = try Tool.run(["completion", "zsh"]).output
        let manual = try Tool.run(["manual"]).output
        let commands = CommandLineTool.commands.map {
            ($0, $0.name.split(separator: " ").map(String.init))
        }
        let offers = try Self.offers(commands.map { $0.1 + ["--"] })
        try #require(offers.count == commands.count)
        for ((command, words), offered) in zip(commands, offers) {
            let help = try Tool.run(words + ["--help"])
            #expect(help.status == 0)
            #expect(help.output.contains("Example: convnet \(command.name)"), "\(help)")
            #expect(help.output.contains("Exit status: 0 done, 1 failed, 2 called wrongly"))
            let listed = Set(
                help.output.split(separator: "\n").filter { $0.hasPrefix("  --") }.map {
                    String($0.split(separator: " ")[0])
                })
            #expect(Set(offered) == listed, "\(command.name)")
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
