// SPDX-License-Identifier: MIT
//
// Command-line options for this package's executables: declared once, for parsing and for help.
// Glibc's getopt_long would do, but its global variables are not for Swift's concurrency checks.

/// A mistake in how a command was called.
package struct UsageError: Error, Equatable, CustomStringConvertible {
    /// One line for people.
    package let description: String

    /// A mistake, in one line.
    package init(_ description: String) { self.description = description }
}

/// An option that a command takes.
package struct Option: Sendable {
    /// The name without its dashes.
    package let name: String
    /// What its value stands for in help, such as `FILE`; nil for a flag.
    package let value: String?
    /// What it does, in a line.
    package let help: String
    /// Values that a shell may offer.
    package let choices: [String]

    /// `--help`, which every command takes.
    package static let help = Option("help", "Show this help.")

    /// An option with a value.
    package init(_ name: String, _ value: String, _ help: String, choices: [String] = []) {
        self.name = name
        self.value = value
        self.help = help
        self.choices = choices
    }

    /// A flag.
    package init(_ name: String, _ help: String) {
        self.name = name
        self.value = nil
        self.help = help
        self.choices = []
    }
}

/// The options and operands of one call.
package struct Options: Sendable {
    private let values: [String: String]
    /// What is left beside the options, in order.
    package let operands: [String]

    /// Takes arguments apart: `--name value`, `--name=value`, `--flag`; everything after `--` is an
    /// operand.
    ///
    /// - Throws: ``UsageError`` when an option is unknown, comes twice, lacks its value, or is a
    ///   flag with a value.
    package init(_ arguments: [String], declared: [Option]) throws(UsageError) {
        var (values, operands) = ([String: String](), [String]())
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            if argument == "--" {
                operands += rest
                break
            }
            guard argument.hasPrefix("-"), argument != "-" else {
                operands.append(argument)
                continue
            }
            let parts = argument.split(
                separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let option = declared.first(where: { "--\($0.name)" == parts[0] }) else {
                let hint = Suggestion.question(
                    String(parts[0].drop { $0 == "-" }), among: declared.map(\.name),
                    shownAs: { "--\($0)" })
                throw UsageError(
                    "\(parts[0]) is not an option here\(hint.isEmpty ? ";" : ",") "
                        + "\(hint)--help lists them"
                )
            }
            guard values[option.name] == nil else {
                throw UsageError("--\(option.name) comes twice, expected once")
            }
            if option.value == nil {
                guard parts.count == 1 else {
                    throw UsageError("--\(option.name) takes no value")
                }
                values[option.name] = ""
            } else if parts.count == 2 {
                values[option.name] = String(parts[1])
            } else if let next = rest.popFirst() {
                values[option.name] = next
            } else {
                throw UsageError("--\(option.name) has no value, expected \(option.value ?? "one")")
            }
        }
        self.values = values
        self.operands = operands
    }

    /// Whether a flag was given.
    package func has(_ name: String) -> Bool { values[name] != nil }

    /// An option's text.
    package func string(_ name: String) -> String? { values[name] }

    /// An option's whole number.
    ///
    /// - Throws: ``UsageError`` when it is none, or below the smallest.
    package func int(_ name: String, atLeast smallest: Int = 1) throws(UsageError) -> Int? {
        guard let text = values[name] else { return nil }
        guard let number = Int(text), number >= smallest else {
            throw UsageError(
                "--\(name) is \(text), expected a whole number of at least \(smallest)")
        }
        return number
    }

    /// An option's number, finite.
    ///
    /// - Throws: ``UsageError`` when it is none.
    package func number(_ name: String) throws(UsageError) -> Double? {
        guard let text = values[name] else { return nil }
        guard let number = Double(text), number.isFinite else {
            throw UsageError("--\(name) is \(text), expected a number")
        }
        return number
    }

    /// An option's number, finite and above 0.
    ///
    /// - Throws: ``UsageError`` when it is not.
    package func positiveNumber(_ name: String) throws(UsageError) -> Double? {
        guard let text = values[name] else { return nil }
        guard let number = Double(text), number > 0, number.isFinite else {
            throw UsageError("--\(name) is \(text), expected a number above 0")
        }
        return number
    }

    /// The lines of help for some options, aligned.
    package static func help(for options: [Option]) -> String {
        let names = options.map { "--\($0.name)" + ($0.value.map { " \($0)" } ?? "") }
        let width = names.map(\.count).max() ?? 0
        return zip(names, options).map { name, option in
            "  \(name)\(String(repeating: " ", count: width - name.count))  \(option.help)"
        }.joined(separator: "\n")
    }
}
