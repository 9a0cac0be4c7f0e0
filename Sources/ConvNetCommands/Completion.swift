// SPDX-License-Identifier: MIT
//
// Scripts that let bash and zsh complete a tool's commands and options: made from the tables that
// the options are parsed by, so that they can't be out of date.

import ConvNetOptions
import Foundation

/// A tool as its help, its completion and its manual see it.
package struct ToolDescription {
    let name: String
    let summary: String
    let commands: [any Command.Type]

    /// What a command takes, `--help` included.
    static func declared(_ command: any Command.Type) -> [Option] {
        command.options + [.help]
    }

    /// The first words of commands with two, such as `show`, and their second words.
    var groups: [(first: String, second: [String])] {
        var groups: [(first: String, second: [String])] = []
        for words in commands.map({ $0.name.split(separator: " ").map(String.init) })
        where words.count == 2 {
            if let index = groups.firstIndex(where: { $0.first == words[0] }) {
                groups[index].second.append(words[1])
            } else {
                groups.append((words[0], [words[1]]))
            }
        }
        return groups
    }

    /// What can stand first, each word once.
    var firstWords: [String] {
        var words: [String] = []
        for word in commands.compactMap({ $0.name.split(separator: " ").first.map(String.init) })
        where !words.contains(word) {
            words.append(word)
        }
        return words + ["completion", "manual", "help"]
    }
}

enum Completion {
    static let shells = ["bash", "zsh"]

    /// The script for a shell.
    ///
    /// - Throws: ``UsageError`` when the shell is unknown.
    static func script(for arguments: [String], _ tool: ToolDescription) throws(UsageError)
        -> String
    {
        guard arguments.count == 1, let shell = arguments.first, shells.contains(shell) else {
            let given = arguments.isEmpty ? "missing" : arguments.joined(separator: " ")
            throw UsageError(
                "the shell to complete for is \(given), expected bash or zsh, as in: "
                    + "source <(\(tool.name) completion bash)")
        }
        return shell == "bash" ? bash(tool) : zsh(tool)
    }

    private static func bash(_ tool: ToolDescription) -> String {
        var groups = tool.groups.map {
            "        \($0.first)) _\(tool.name)_among \"\($0.second.joined(separator: " "))\"; return ;;"
        }
        groups.append("        completion) _\(tool.name)_among \"bash zsh\"; return ;;")
        let options = tool.commands.map { command in
            let names = ToolDescription.declared(command).map { "--\($0.name)" }
            return "    \"\(command.name)\") options=\"\(names.joined(separator: " "))\" ;;"
        }
        return """
            # bash completion for \(tool.name): source <(\(tool.name) completion bash)
            _\(tool.name)_among() {
                COMPREPLY=($(compgen -W "$1" -- "$word"))
            }
            _\(tool.name)() {
                local word="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD - 1]}"
                local command="${COMP_WORDS[1]}" options=
                COMPREPLY=()
                # bash takes --option=value for three words.
                [ "$before" = "=" ] && before="${COMP_WORDS[COMP_CWORD - 2]}"
                [ "$word" = "=" ] && word=
                if [ "$COMP_CWORD" = 1 ]; then
                    _\(tool.name)_among "\(tool.firstWords.joined(separator: " ")) --help --version"
                    return
                fi
                if [ "$COMP_CWORD" = 2 ]; then
                    case "$command" in
            \(groups.joined(separator: "\n"))
                    esac
                fi
                case "$command" in
                    \(tool.groups.map(\.first).joined(separator: "|"))) command="$command ${COMP_WORDS[2]}" ;;
                esac
                case "$command $before" in
            \(values(tool).joined(separator: "\n"))
                esac
                case "$command" in
            \(options.joined(separator: "\n"))
                esac
                case "$word" in
                    -*) _\(tool.name)_among "$options" ;;
                    *) compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$word")) ;;
                esac
            }
            complete -F _\(tool.name) \(tool.name)
            """
    }

    /// For bash: what stands behind each option that takes a value.
    private static func values(_ tool: ToolDescription) -> [String] {
        var lines: [String] = []
        for command in tool.commands {
            for option in command.options {
                let action: String
                switch option.value {
                case nil: continue
                case "FILE":
                    action =
                        "compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- \"$word\"))"
                case "DIR":
                    action =
                        "compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -d -- \"$word\"))"
                default:
                    action = "_\(tool.name)_among \"\(option.choices.joined(separator: " "))\""
                }
                lines.append("        \"\(command.name) --\(option.name)\") \(action); return ;;")
            }
        }
        return lines
    }

    private static func zsh(_ tool: ToolDescription) -> String {
        let groups = tool.groups.map {
            "        \($0.first)) if (( CURRENT == 3 )); then compadd -- "
                + "\($0.second.joined(separator: " ")); return; fi; command=\"$words[2] $words[3]\" ;;"
        }
        let cases = tool.commands.map { command in
            let arguments = ToolDescription.declared(command).map(zshArgument)
            return
                "        \(quoted(command.name))) _arguments \(arguments.joined(separator: " ")) "
                + "'*:file:_files' ;;"
        }
        return """
            #compdef \(tool.name)
            # zsh completion for \(tool.name): source <(\(tool.name) completion zsh)
            _\(tool.name)() {
                local command="$words[2]"
                if (( CURRENT == 2 )); then
                    compadd -- \(tool.firstWords.joined(separator: " ")) --help --version
                    return
                fi
                case "$command" in
                    completion) compadd -- bash zsh; return ;;
            \(groups.joined(separator: "\n"))
                esac
                case "$command" in
            \(cases.joined(separator: "\n"))
                esac
            }
            compdef _\(tool.name) \(tool.name)
            """
    }

    /// Such as '--out[Where to write it.]:FILE:_files'.
    private static func zshArgument(_ option: Option) -> String {
        // Brackets and colons have a meaning in such a text.
        let help = option.help.replacingOccurrences(of: "[", with: "(")
            .replacingOccurrences(of: "]", with: ")").replacingOccurrences(of: ":", with: "\\:")
        guard let value = option.value else { return quoted("--\(option.name)[\(help)]") }
        let action =
            switch value {
            case "FILE": "_files"
            case "DIR": "_files -/"
            default: option.choices.isEmpty ? "" : "(\(option.choices.joined(separator: " ")))"
            }
        return quoted("--\(option.name)=[\(help)]:\(value):\(action)")
    }

    private static func quoted(_ text: String) -> String {
        "'" + text.replacingOccurrences(of: "'", with: "'\\''") + "'"
    }
}
