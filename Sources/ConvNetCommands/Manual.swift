// SPDX-License-Identifier: MIT
//
// The manual page, in the language of man(7), made from the tables that the options are parsed by.

import ConvNetOptions
import Foundation

enum Manual {
    /// How every tool of this package ends.
    static let exitStatuses = [
        ("0", "Done."), ("1", "Failed: the line on standard error tells why."),
        ("2", "Called wrongly."), ("130", "Stopped by Ctrl-C."), ("143", "Stopped by SIGTERM."),
    ]

    static func page(_ tool: ToolDescription) -> String {
        var lines = [
            ".TH \(tool.name.uppercased()) 1 \"\" \"swift-convnet \(PackageVersion.current)\" "
                + "\"User Commands\"",
            ".SH NAME", "\(tool.name) \\- \(escaped(lowercased(tool.summary)))",
            ".SH SYNOPSIS", ".B \(tool.name)", ".I COMMAND", "[\\fIOPTION\\fR...]", ".br",
            ".B \(tool.name)", "\\fB\\-\\-help\\fR | \\fB\\-\\-version\\fR", ".br",
            ".B \(tool.name)", "\\fBcompletion\\fR bash|zsh", ".br",
            ".B \(tool.name)", ".B manual",
            ".SH COMMANDS",
        ]
        for command in tool.commands {
            let operands = command.operands.isEmpty ? "" : " \\fI\(escaped(command.operands))\\fR"
            lines += [".SS \"\(escaped(command.name))\(operands)\"", escaped(command.summary)]
            for option in ToolDescription.declared(command) {
                let value = option.value.map { " \\fI\(escaped($0))\\fR" } ?? ""
                lines += [
                    ".TP", "\\fB\\-\\-\(escaped(option.name))\\fR\(value)", escaped(option.help),
                ]
            }
            lines += [
                ".PP", "Example:", ".PP", ".RS", ".nf", escaped(command.example), ".fi", ".RE",
            ]
        }
        lines += [".SH EXIT STATUS"]
        lines += exitStatuses.flatMap { [".TP", ".B \($0.0)", escaped($0.1)] }
        lines += [
            ".SH ENVIRONMENT", ".TP", ".B CONVNET_ISA",
            "The instruction set to use: avx512, avx2, neon or portable; the best one otherwise.",
            ".TP", ".B NO_COLOR", "Has no effect: output is never coloured.",
            ".SH COMPLETION", "For bash and zsh, in their start\\-up files:", ".PP", ".RS", ".nf",
            "source <(\(tool.name) completion bash)", ".fi", ".RE",
        ]
        return lines.joined(separator: "\n")
    }

    private static func lowercased(_ text: String) -> String {
        (text.first?.lowercased() ?? "") + text.dropFirst()
    }

    /// Text that means nothing to roff: no hyphens to break lines at, no control lines.
    private static func escaped(_ text: String) -> String {
        let plain = text.replacingOccurrences(of: "\\", with: "\\e")
            .replacingOccurrences(of: "-", with: "\\-").replacingOccurrences(of: "…", with: "...")
            .replacingOccurrences(of: "×", with: "\\(mu")
        return plain.hasPrefix(".") || plain.hasPrefix("'") ? "\\&" + plain : plain
    }
}
