// SPDX-License-Identifier: MIT
//
// Files that are being written when the process is killed, the disk is full or nothing may be
// written: there is the old one or the new one, whole, and nothing of a half one beside it.

import ConvNet
import ConvNetTestSupport
import Foundation
import Testing

/// A tmpfs of a megabyte, where this process may mount one.
private struct SmallDisk {
    let folder: URL

    static let canMount: Bool = {
        guard geteuid() == 0, let disk = try? SmallDisk() else { return false }
        disk.unmount()
        return true
    }()

    init() throws {
        folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("convnet-disk-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try #require(Self.call("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder.path))
    }

    func makeReadOnly() throws {
        try #require(Self.call("mount", "-o", "remount,ro", folder.path))
    }

    func unmount() {
        _ = Self.call("umount", folder.path)
        try? FileManager.default.removeItem(at: folder)
    }

    private static func call(_ arguments: String...) -> Bool {
        (try? Subprocess.run(arguments[0], Array(arguments.dropFirst())))?.status == 0
    }
}

@Suite(.serialized) struct InterruptedWriteTests {
    /// A network of some megabytes, so that writing it takes a while.
    private static func network(in folder: URL, seed: UInt64, hidden: Int) throws -> URL {
        let file = folder.appendingPathComponent("network-\(seed).safetensors")
        try SimpleConvNet(seed: seed, hiddenSize: hidden).save(to: file)
        return file
    }

    private static func export(_ network: URL, to file: URL) -> [String] {
        ["export", "--parameters", network.path, "--out", file.path]
    }

    /// Whether a process has a file open in a folder.
    private static func isWriting(_ process: Int32, in folder: URL) -> Bool {
        let place = "/proc/\(process)/fd"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: place)) ?? []
        return names.contains {
            let target = try? FileManager.default.destinationOfSymbolicLink(
                atPath: "\(place)/\($0)")
            return target?.hasPrefix(folder.path + "/") == true
        }
    }

    /// Two networks, and the file that one export of each makes in turn.
    private struct Exports {
        let networks: [URL]
        let wholes: [Data]
        let target, file: URL

        init(in folder: URL) throws {
            target = folder.appendingPathComponent("target")
            try FileManager.default.createDirectory(at: target, withIntermediateDirectories: true)
            file = target.appendingPathComponent("network.onnx")
            var (networks, wholes) = ([URL](), [Data]())
            for seed in [1, 2] as [UInt64] {
                let network = try InterruptedWriteTests.network(in: folder, seed: seed, hidden: 500)
                let run = try Tool.run(InterruptedWriteTests.export(network, to: file))
                try #require(run.status == 0, "\(run)")
                networks.append(network)
                wholes.append(try Data(contentsOf: file))
            }
            try #require(wholes[0] != wholes[1])
            (self.networks, self.wholes) = (networks, wholes)
        }

        /// Has the other network's file written while the one there is old, and looks at what is
        /// left when that has ended.
        func write(_ what: String, _ run: (_ export: [String]) throws -> Void) throws {
            let before = try Data(contentsOf: file)
            let next = before == wholes[0] ? 1 : 0
            try run(InterruptedWriteTests.export(networks[next], to: file))
            let after = try Data(contentsOf: file)
            #expect(after == before || after == wholes[next], "\(what)")
            for name in try FileManager.default.contentsOfDirectory(atPath: target.path)
            where name != "network.onnx" {
                // Killed between getting a name and taking the old one's place.
                let left = target.appendingPathComponent(name)
                #expect(try Data(contentsOf: left) == wholes[next], "\(what): \(name)")
                try FileManager.default.removeItem(at: left)
            }
        }
    }

    /// Killed as soon as the new file is seen, or a moment later: each moment twice. On a busy
    /// machine some have written all by then.
    @Test func aKilledWriteLeavesTheOldFileOrTheNewOne() throws {
        try withTemporaryFolder { folder in
            let exports = try Exports(in: folder)
            for number in 0..<20 {
                try exports.write("after kill \(number)") { export in
                    let process = try Subprocess.start(Tool.executable.path, export)
                    while process.isRunning,
                        !Self.isWriting(process.processIdentifier, in: exports.target)
                    {
                        usleep(50)
                    }
                    usleep(UInt32(number % 10) * 500)
                    kill(process.processIdentifier, SIGKILL)
                    process.waitUntilExit()
                }
            }
        }
    }

    /// The system kills a process whose file grows beyond a limit: in the midst of the write,
    /// whatever the clock says.
    @Test(
        .disabled(
            if: ProcessInfo.processInfo.environment["SANITIZER"] == "thread",
            "ThreadSanitizer's memory is a file, which the limit would stop"),
        arguments: [4, 64, 512, 1024, 2048])
    func aWriteThatIsKilledInTheMidstLeavesTheOldFile(_ kilobytes: Int) throws {
        try withTemporaryFolder { folder in
            let exports = try Exports(in: folder)
            let before = try Data(contentsOf: exports.file)
            try #require(before.count > 1024 * kilobytes)
            try exports.write("killed after \(kilobytes) KiB") { export in
                let command = ([Tool.executable.path] + export).map { "'\($0)'" }
                // The process that started the tests may ignore the signal, which is inherited.
                let run = try Subprocess.run(
                    "env",
                    [
                        "--default-signal=XFSZ", "bash", "-c",
                        "ulimit -c 0; ulimit -f \(kilobytes); exec "
                            + command.joined(separator: " "),
                    ], environment: ["LC_ALL": "C"])
                #expect(!run.hasExited && run.status == SIGXFSZ, "\(run)")
            }
            #expect(try Data(contentsOf: exports.file) == before)
        }
    }

    /// The limit on a file's size fails a write in the midst, as a full disk does, for any user.
    @Test(
        .disabled(
            if: ProcessInfo.processInfo.environment["SANITIZER"] == "thread",
            "ThreadSanitizer's memory is a file, which the limit would stop"))
    func aWriteThatFailsInTheMidstLeavesTheOldFile() throws {
        try withTemporaryFolder { folder in
            let network = try Self.network(in: folder, seed: 1, hidden: 100)
            let target = folder.appendingPathComponent("network.onnx")
            try Data([1, 2, 3]).write(to: target)
            let command = ([Tool.executable.path] + Self.export(network, to: target))
                .map { "'\($0)'" }.joined(separator: " ")
            // A shell warns of a locale that is not installed.
            let run = try Subprocess.run(
                "bash", ["-c", "trap '' XFSZ; ulimit -f 64; exec \(command)"],
                environment: ["LC_ALL": "C"])
            #expect(run.hasExited && run.status == 1)
            #expect(run.error == "convnet: \(target.path): can't be written: File too large\n")
            #expect(try Data(contentsOf: target) == Data([1, 2, 3]))
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
                    == ["network-1.safetensors", "network.onnx"])
        }
    }

    @Test(.enabled(if: SmallDisk.canMount, "mounting a small disk is not allowed here"))
    func aFullDiskLeavesTheOldFile() throws {
        let disk = try SmallDisk()
        defer { disk.unmount() }
        try withTemporaryFolder { folder in
            let network = try Self.network(in: folder, seed: 1, hidden: 100)
            let old = Data(repeating: 7, count: 1000)
            for name in ["network.onnx", "filters.png", "history.json", "checkpoint"] {
                try old.write(to: disk.folder.appendingPathComponent(name))
            }
            // All that is left of the disk, but for a page.
            try Data(repeating: 1, count: (1 << 20) - (7 << 12))
                .write(to: disk.folder.appendingPathComponent("filler"))
            let place = disk.folder.path
            for arguments in [
                Self.export(network, to: disk.folder.appendingPathComponent("network.onnx")),
                [
                    "show", "filters", "--parameters", network.path, "--out",
                    "\(place)/filters.png",
                ],
                [
                    "train", "--limit", "1", "--epochs", "1", "--checkpoint",
                    "\(place)/checkpoint",
                ],
            ] {
                let run = try Tool.run(arguments)
                #expect(run.status == 1, "\(run)")
                #expect(run.error.contains("No space left on device"), "\(run)")
            }
            let names = try FileManager.default.contentsOfDirectory(atPath: place).sorted()
            #expect(
                names == ["checkpoint", "filler", "filters.png", "history.json", "network.onnx"])
            for name in names where name != "filler" {
                #expect(try Data(contentsOf: disk.folder.appendingPathComponent(name)) == old)
            }
            try disk.makeReadOnly()
            let file = disk.folder.appendingPathComponent("network.onnx")
            let run = try Tool.run(Self.export(network, to: file))
            #expect(run.status != 0 && run.error.contains(file.path), "\(run)")
            #expect(try Data(contentsOf: file) == old)
        }
    }

    /// A device would be gone for good.
    @Test func whatIsNoFileIsNotReplaced() throws {
        try withTemporaryFolder { folder in
            let pipe = folder.appendingPathComponent("pipe")
            try #require(mkfifo(pipe.path, 0o600) == 0)
            let network = try SimpleConvNet(seed: 1)
            #expect(
                throws: FileError(
                    file: pipe.path, problem: "can't be replaced: not a file",
                    expected: "a regular file")
            ) { try network.saveParameters(to: pipe) }
            var information = stat()
            #expect(stat(pipe.path, &information) == 0)
            #expect(information.st_mode & S_IFMT == S_IFIFO)
        }
    }

    @Test func permissionsStayAsTheyWere() throws {
        try withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("private.safetensors")
            try Data([1]).write(to: file)
            try #require(chmod(file.path, 0o600) == 0)
            try SimpleConvNet(seed: 1).saveParameters(to: file)
            var information = stat()
            #expect(stat(file.path, &information) == 0)
            #expect(information.st_mode & 0o777 == 0o600)
        }
    }
}
