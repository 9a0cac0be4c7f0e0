// SPDX-License-Identifier: MIT
//
// Files that are being written when the process is killed, the disk is full or nothing may be written:
// there is the old one or the new one, whole, and nothing of a half one beside it.

import ConvNet
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
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
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

    /// A hundred kills, each as soon as the new file is seen or a moment later.
    @Test func aKilledWriteLeavesTheOldFileOrTheNewOne() throws {
        try withFolder { folder in
            let target = folder.appendingPathComponent("target")
            try FileManager.default.createDirectory(
                at: target, withIntermediateDirectories: true)
            let file = target.appendingPathComponent("network.onnx")
            var (networks, wholes) = ([URL](), [Data]())
            for seed in [1, 2] as [UInt64] {
                networks.append(try Self.network(in: folder, seed: seed, hidden: 500))
                let run = try Tool.run(Self.export(networks[networks.count - 1], to: file))
                try #require(run.status == 0, "\(run)")
                wholes.append(try Data(contentsOf: file))
            }
            try #require(wholes[0] != wholes[1])
            var (killed, replaced) = (0, 0)
            for number in 0..<100 {
                let before = try Data(contentsOf: file)
                // The other one of the two, so that old and new differ.
                let next = before == wholes[0] ? 1 : 0
                let process = Process()
                process.executableURL = Tool.executable
                process.arguments = Self.export(networks[next], to: file)
                process.standardOutput = FileHandle.nullDevice
                process.standardError = FileHandle.nullDevice
                try process.run()
                while process.isRunning,
                    !Self.isWriting(process.processIdentifier, in: target)
                {}
                usleep(UInt32(number % 10) * 500)
                kill(process.processIdentifier, SIGKILL)
                process.waitUntilExit()
                if process.terminationReason == .uncaughtSignal { killed += 1 }
                let after = try Data(contentsOf: file)
                #expect(after == before || after == wholes[next], "after kill \(number)")
                if after != before { replaced += 1 }
                for name in try FileManager.default.contentsOfDirectory(atPath: target.path)
                where name != "network.onnx" {
                    // Killed between getting a name and taking the old one's place.
                    let left = target.appendingPathComponent(name)
                    #expect(try Data(contentsOf: left) == wholes[next], "\(name)")
                    try FileManager.default.removeItem(at: left)
                }
            }
            #expect(killed >= 10, "\(killed) of 100 were killed in time, \(replaced) had replaced")
        }
    }

    /// The limit on a file's size fails a write in the midst, as a full disk does, for any user.
    @Test(
        .disabled(
            if: ProcessInfo.processInfo.environment["SANITIZER"] == "thread",
            "ThreadSanitizer's memory is a file, which the limit would stop"))
    func aWriteThatFailsInTheMidstLeavesTheOldFile() throws {
        try withFolder { folder in
            let network = try Self.network(in: folder, seed: 1, hidden: 100)
            let target = folder.appendingPathComponent("network.onnx")
            try Data([1, 2, 3]).write(to: target)
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/bin/bash")
            // A shell warns of a locale that is not installed.
            process.environment = ProcessInfo.processInfo.environment
                .merging(["LC_ALL": "C"]) { $1 }
            let command = ([Tool.executable.path] + Self.export(network, to: target))
                .map { "'\($0)'" }.joined(separator: " ")
            process.arguments = ["-c", "trap '' XFSZ; ulimit -f 64; exec \(command)"]
            let errors = Pipe()
            process.standardError = errors
            try process.run()
            let text = try errors.fileHandleForReading.readToEnd() ?? Data()
            process.waitUntilExit()
            #expect(process.terminationReason == .exit && process.terminationStatus == 1)
            #expect(
                String(decoding: text, as: UTF8.self)
                    == "convnet: \(target.path): can't be written: File too large\n")
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
        try withFolder { folder in
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
        try withFolder { folder in
            let pipe = folder.appendingPathComponent("pipe")
            try #require(mkfifo(pipe.path, 0o600) == 0)
            let network = try SimpleConvNet(seed: 1)
            #expect(
                throws: ParameterFileError(
                    file: pipe.path, problem: "can't be replaced: not a file")
            ) { try network.saveParameters(to: pipe) }
            var information = stat()
            #expect(stat(pipe.path, &information) == 0)
            #expect(information.st_mode & S_IFMT == S_IFIFO)
        }
    }

    @Test func permissionsStayAsTheyWere() throws {
        try withFolder { folder in
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
