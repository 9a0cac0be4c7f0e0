// SPDX-License-Identifier: MIT
//
// Runs the built `convnet-mpi` under mpirun, on this machine alone, as a person would. CONVNET_MPI
// names one that was built with the trait MPI, so that the tests themselves need not be built a
// second time.

import ConvNetDistributed
import ConvNetTestSupport
import Foundation
import Testing

/// A job of mpirun's, under way or over.
final class MPIRun: CustomStringConvertible {
    let process: Process
    private let arguments: [String]
    private let outputs: [URL]

    /// Where mpirun is; nil where there is none.
    static let mpirun = ["/usr/bin/mpirun", "/usr/local/bin/mpirun"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }

    /// Whether jobs can be run here.
    static var isPossible: Bool { mpirun != nil && (named != nil || MPIAverager.isBuilt) }

    private static let named = ProcessInfo.processInfo.environment["CONVNET_MPI"]
    static let executable = named ?? BuiltProducts.executable("convnet-mpi").path

    /// Starts a job.
    ///
    /// - Parameters:
    ///   - programs: for each program how many ranks run it, with which arguments and environment.
    ///   - folder: where its output goes.
    ///   - executables: the file of each program; `convnet-mpi` by default.
    init(
        _ programs: [(ranks: Int, arguments: [String], environment: [String])], in folder: URL,
        executables: [String] = []
    ) throws {
        // More ranks than processors, on a machine without a network, by root where need be.
        var arguments = ["--oversubscribe", "--bind-to", "none", "--host", "localhost:64"]
        if geteuid() == 0 { arguments.append("--allow-run-as-root") }
        if programs.count == 1 {
            arguments += ["-n", "\(programs[0].ranks)"]
            for variable in programs[0].environment { arguments += ["-x", variable] }
            arguments += [executables.first ?? Self.executable] + programs[0].arguments
        } else {
            // Open MPI 5.0.7 crashes on programs that are separated by a colon.
            let script = folder.appendingPathComponent("ranks.sh")
            try Self.script(programs, executables).write(
                to: script, atomically: false, encoding: .utf8)
            let ranks = programs.reduce(0) { $0 + $1.ranks }
            arguments += ["-n", "\(ranks)", "/bin/sh", script.path]
        }
        self.arguments = arguments
        let name = UUID().uuidString
        outputs = ["output", "error"].map { folder.appendingPathComponent("\($0)-\(name)") }
        for file in outputs { try Data().write(to: file) }
        process = try Subprocess.start(
            #require(Self.mpirun), arguments, output: FileHandle(forWritingTo: outputs[0]),
            error: FileHandle(forWritingTo: outputs[1]))
    }

    /// What each rank runs where not all run the same.
    private static func script(
        _ programs: [(ranks: Int, arguments: [String], environment: [String])],
        _ executables: [String]
    ) -> String {
        func quoted(_ word: String) -> String {
            "'" + word.replacingOccurrences(of: "'", with: "'\\''") + "'"
        }
        var (lines, rank) = (["case $OMPI_COMM_WORLD_RANK in"], 0)
        for (place, program) in programs.enumerated() {
            let executable = place < executables.count ? executables[place] : Self.executable
            let words = ["env"] + program.environment + [executable] + program.arguments
            let command = words.map(quoted).joined(separator: " ")
            for _ in 0..<program.ranks {
                lines.append("\(rank)) exec \(command) ;;")
                rank += 1
            }
        }
        return (lines + ["esac", ""]).joined(separator: "\n")
    }

    /// Runs a job with the same arguments for all ranks to its end.
    static func run(ranks: Int, _ arguments: [String], in folder: URL) throws -> MPIRun {
        let run = try MPIRun([(ranks, arguments, [])], in: folder)
        run.process.waitUntilExit()
        return run
    }

    var status: Int32 { process.terminationStatus }
    var output: String { text(0) }
    var error: String { text(1) }
    var description: String {
        "mpirun \(arguments.joined(separator: " ")) -> "
            + "\(process.isRunning ? "running" : "\(status)")\n\(output)\(error)"
    }

    /// Waits until it has ended or the condition holds.
    func wait(until condition: () -> Bool) {
        while process.isRunning, !condition() { usleep(1000) }
    }

    /// The process of a rank, as the system lists it.
    func processOfRank(_ rank: Int) -> pid_t? {
        let folders = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return folders.compactMap { pid_t($0) }.first { candidate in
            guard
                let data = FileManager.default.contents(atPath: "/proc/\(candidate)/environ"),
                let line = FileManager.default.contents(atPath: "/proc/\(candidate)/cmdline"),
                String(decoding: line, as: UTF8.self).hasPrefix(Self.executable)
            else { return false }
            let variables = data.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
            return variables.contains("OMPI_COMM_WORLD_RANK=\(rank)")
                && parent(of: candidate) == process.processIdentifier
        }
    }

    private func parent(of process: pid_t) -> pid_t? {
        let text = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)
        return text?.split(separator: ")").last?.split(separator: " ").dropFirst().first.flatMap {
            pid_t($0)
        }
    }

    private func text(_ place: Int) -> String {
        (try? String(contentsOf: outputs[place], encoding: .utf8)) ?? ""
    }
}
