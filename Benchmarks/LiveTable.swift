// SPDX-License-Identifier: MIT
//
// Prints the table as it grows, so that a log or a pipe has each row as soon as it was measured.

import ConvNetOptions
import Foundation

/// The table that is being printed. On a terminal, a line below it says what is being measured.
final class LiveTable {
    private let table: Table
    private let write: (String) -> Void
    private(set) var printed: [Result] = []

    init(_ table: Table, write: @escaping (String) -> Void = LiveTable.show) {
        self.table = table
        self.write = write
    }

    /// Prints a row, in front of it the head of its group where it is the group's first.
    func add(_ result: Result) {
        let isFirst =
            printed.last.map { CaseGroup(of: $0.name) != CaseGroup(of: result.name) } ?? true
        write((isFirst ? table.groupHead(result) + "\n" : "") + table.row(result))
        printed.append(result)
    }

    /// Prints what later rounds found, and the foot.
    func finish(_ results: [Result], _ foot: Foot) {
        if let later = table.later(results, printed: printed) { write(later) }
        write("\n" + foot.text)
    }

    /// Prints lines at once, and ends where they have no reader. A reader that is gone, such as
    /// `head`, ends the program by SIGPIPE.
    static func show(_ text: String) {
        showProgress("")
        print(text)
        guard fflush(nil) != 0 else { return }
        let reason = String(cString: strerror(errno))
        FileHandle.standardError.write(Data("Benchmarks: standard output: \(reason)\n".utf8))
        exit(1)
    }

    /// Shows what is being measured, on a terminal only.
    static func showProgress(_ text: String) {
        guard isatty(STDERR_FILENO) == 1 else { return }
        FileHandle.standardError.write(Data("\r\(text)\u{1B}[K".utf8))
    }
}
