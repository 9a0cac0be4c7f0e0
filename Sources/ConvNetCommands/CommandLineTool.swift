// SPDX-License-Identifier: MIT
//
// The commands by name, their help, and what is common to them and to the tools that have them.

import ConvNet
import ConvNetOptions
import Foundation

/// One command of a tool.
package protocol Command {
    /// What it is called by.
    static var name: String { get }
    /// What it does, in a line.
    static var summary: String { get }
    /// What it takes beside options, such as `mnist`.
    static var operands: String { get }
    /// What it takes.
    static var options: [Option] { get }
    /// A call that works.
    static var example: String { get }

    /// Does it.
    static func run(_ options: Options) throws
}

package enum CommandLineTool {
    /// The version of the package.
    package static let version = PackageVersion.current

    /// The commands of `convnet`.
    package static var commands: [any Command.Type] {
        [
            TrainCommand.self, EvaluateCommand.self, CheckGradientsCommand.self,
            PredictCommand.self,
            ShowFiltersCommand.self, ShowResponsesCommand.self, ShowFeaturesCommand.self,
            ShowGraphCommand.self, ShowAttentionCommand.self, CurvesCommand.self,
            InfoCommand.self, ProfileCommand.self, CheckCommand.self, DownloadCommand.self,
            ConvertCommand.self, ExportCommand.self, ImportCommand.self,
        ]
    }

    /// Does what the arguments of a call ask for.
    ///
    /// - Parameters:
    ///   - tool: what the tool is called.
    ///   - summary: what it does, in a line.
    ///   - commands: what it can do.
    /// - Throws: ``UsageError`` when it was called wrongly, and what the command throws.
    package static func run(
        _ arguments: [String], tool: String, summary: String, commands: [any Command.Type]
    ) throws {
        let names = commands.map { $0.name }.joined(separator: ", ")
        let description = ToolDescription(name: tool, summary: summary, commands: commands)
        guard let name = arguments.first else {
            throw UsageError("no command, expected one of \(names); --help tells more")
        }
        switch name {
        case "--help", "-h", "help": return print(help(tool, summary, commands))
        case "--version": return print("\(tool) \(version)")
        case "completion":
            return print(try Completion.script(for: Array(arguments.dropFirst()), description))
        case "manual": return print(Manual.page(description))
        default: break
        }
        // Some names are two words.
        let words = [name, arguments.prefix(2).joined(separator: " ")]
        guard let command = commands.first(where: { words.contains($0.name) }) else {
            let word = arguments.count > 1 ? words[1] : name
            let known = (commands.map { $0.name } + description.firstWords).filter { $0 != word }
            let hint = Suggestion.question(word, among: known)
            throw UsageError("\(name) is not a command, \(hint)expected one of \(names)")
        }
        let declared = ToolDescription.declared(command)
        let rest = arguments.dropFirst(command.name.split(separator: " ").count)
        let options = try Options(Array(rest), declared: declared)
        if options.has("help") { return print(help(for: command, of: tool, declared)) }
        if command.operands.isEmpty, let operand = options.operands.first {
            throw UsageError("\(operand) is unexpected after \(command.name); --help tells more")
        }
        try command.run(options)
    }

    /// The longest line about an error, in characters.
    private static let longestLine = 2000

    /// One line for any error. Names in it may come from an untrusted file: control characters are
    /// escaped, and long texts are cut.
    package static func line(for error: any Error) -> String {
        // Our own errors describe themselves in a line; the system's do so in another place.
        let isSystems = error is CocoaError || error is POSIXError || error is URLError
        return line(isSystems ? error.localizedDescription : "\(error)")
    }

    /// One line for a text that may have names from an untrusted file in it, as
    /// ``line(for:)`` makes it.
    static func line(_ text: String) -> String {
        let line = text.split(whereSeparator: \.isNewline).joined(separator: " ")
        let end = line.unicodeScalars.count > longestLine ? "…" : ""
        return line.unicodeScalars.prefix(longestLine).reduce(into: "") {
            switch $1.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator:
                $0 += "\\u{\(String($1.value, radix: 16))}"
            default: $0.unicodeScalars.append($1)
            }
        } + end
    }

    /// The exit status that an error leads to.
    package static func status(for error: any Error) -> Int32 {
        switch error {
        case let interruption as Interruption: interruption.status
        case let outcome as Outcome: outcome.status
        case is UsageError: 2
        default: 1
        }
    }

    /// Prints a value as JSON, its keys sorted.
    static func printJSON(_ value: some Encodable, pretty: Bool = true) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting =
            pretty ? [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes] : [.sortedKeys]
        print(String(decoding: try encoder.encode(value), as: UTF8.self))
    }

    private static func help(
        _ tool: String, _ summary: String, _ commands: [any Command.Type]
    ) -> String {
        let width = commands.map { $0.name.count }.max() ?? 0
        let lines = commands.map {
            "  \($0.name.padding(toLength: width, withPad: " ", startingAt: 0))  \($0.summary)"
        }
        return """
            \(summary)

            Usage: \(tool) COMMAND [OPTION…]

            \(lines.joined(separator: "\n"))

            \(tool) COMMAND --help tells a command's options, \(tool) --version the version,
            \(tool) manual prints a manual page, \(tool) completion bash|zsh a script for the shell.
            Example: \(tool) \(commands.first?.example.split(separator: " ").dropFirst().joined(separator: " ") ?? "--help")
            Exit status: 0 done, 1 failed, 2 called wrongly, 130 stopped by Ctrl-C, 143 by SIGTERM.
            """
    }

    private static func help(
        for command: any Command.Type, of tool: String, _ declared: [Option]
    ) -> String {
        let operands = command.operands.isEmpty ? "" : " \(command.operands)"
        return """
            \(command.summary)

            Usage: \(tool) \(command.name)\(operands) [OPTION…]

            \(Options.help(for: declared))

            Example: \(command.example)
            Exit status: 0 done, 1 failed, 2 called wrongly, 130 stopped by Ctrl-C, 143 by SIGTERM.
            """
    }
}
