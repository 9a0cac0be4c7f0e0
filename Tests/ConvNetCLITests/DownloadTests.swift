// SPDX-License-Identifier: MIT
//
// Downloads from a server on this machine: whole, broken off and resumed, wrong, absent.

import ConvNetSupport
import ConvNetTestSupport
import Foundation
import Testing

@testable import ConvNetCommands

@Suite(.enabled(if: LoopbackServer.isAvailable, "python3 is not installed"))
struct DownloadTests {
    static let bytes = Data((0..<50_000).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 7) })
    static let digest = bytes.withUnsafeBytes(SHA256.hexadecimal)
    static let name = "numbers.gz"

    /// Runs `body` with a folder that is served and holds the file, and an empty one.
    private func withFolders<Result>(_ body: (URL, URL) throws -> Result) throws -> Result {
        try withTemporaryFolder { served in
            try Self.bytes.write(to: served.appendingPathComponent(Self.name))
            return try withTemporaryFolder { try body(served, $0) }
        }
    }

    private func fetch(_ server: LoopbackServer, into folder: URL, digest: String = digest) throws {
        try DownloadCommand.fetch(Self.name, digest, from: server.url, into: folder)
    }

    private func files(in folder: URL) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    }

    @Test func fileArrivesWholeAndIsNotFetchedTwice() throws {
        try withFolders { served, folder in
            try LoopbackServer.serving(served) { server in
                try fetch(server, into: folder)
                try fetch(server, into: folder)
                #expect(try server.requests == ["/numbers.gz"])
            }
            #expect(try files(in: folder) == [Self.name])
            #expect(
                try Data(contentsOf: folder.appendingPathComponent(Self.name)) == Self.bytes)
        }
    }

    @Test func brokenOffDownloadGoesOnWhereItEnded() throws {
        try withFolders { served, folder in
            try LoopbackServer.serving(served, breakingOffAfter: 30_000) { server in
                let error = try #require(throws: DownloadError.self) {
                    try fetch(server, into: folder)
                }
                #expect(error.description.hasPrefix("\(server.url)/numbers.gz: "))
                #expect(try files(in: folder) == ["numbers.gz.part"])
                try fetch(server, into: folder)
                #expect(try server.requests == ["/numbers.gz", "/numbers.gz bytes=30000-"])
            }
            #expect(try files(in: folder) == [Self.name])
            #expect(
                try Data(contentsOf: folder.appendingPathComponent(Self.name)) == Self.bytes)
        }
    }

    /// A part that is already whole, and a server that sends everything whatever it was asked for.
    @Test(arguments: [(50_000, true), (1, false), (30_000, false), (50_000, false)])
    func partIsCompleted(_ count: Int, _ ranges: Bool) throws {
        try withFolders { served, folder in
            try Self.bytes.prefix(count)
                .write(to: folder.appendingPathComponent("numbers.gz.part"))
            try LoopbackServer.serving(served, ranges: ranges) { server in
                try fetch(server, into: folder)
                #expect(try server.requests == ["/numbers.gz bytes=\(count)-"])
            }
            #expect(try files(in: folder) == [Self.name])
            #expect(
                try Data(contentsOf: folder.appendingPathComponent(Self.name)) == Self.bytes)
        }
    }

    @Test func wrongBytesAreRefusedAndRemoved() throws {
        try withFolders { served, folder in
            let other = [UInt8]([1, 2, 3]).withUnsafeBytes(SHA256.hexadecimal)
            try LoopbackServer.serving(served) { server in
                let error = try #require(throws: DownloadError.self) {
                    try fetch(server, into: folder, digest: other)
                }
                #expect(
                    error.description == "numbers.gz: SHA-256 is \(Self.digest), "
                        + "expected \(other); removed, try again")
            }
            #expect(try files(in: folder) == [])
        }
    }

    /// A file that is there but wrong is replaced, and only by a right one.
    @Test func wrongFileIsReplaced() throws {
        try withFolders { served, folder in
            let file = folder.appendingPathComponent(Self.name)
            try Data([1, 2, 3]).write(to: file)
            try LoopbackServer.serving(served) { try fetch($0, into: folder) }
            #expect(try Data(contentsOf: file) == Self.bytes)
        }
    }

    @Test func absentFileIsOneLine() throws {
        try withFolders { served, folder in
            try LoopbackServer.serving(served) { server in
                let run = try Tool.run([
                    "download", "mnist", "--url", "\(server.url)", "--out", folder.path,
                ])
                #expect(
                    run.error == "convnet: \(server.url)/train-images-idx3-ubyte.gz: "
                        + "the server answers with status 404\n")
                #expect(run.status == 1)
                // Nothing of the page that comes with the status is taken for the file.
                let part = folder.appendingPathComponent("train-images-idx3-ubyte.gz.part")
                #expect(try Data(contentsOf: part).isEmpty)
            }
        }
    }

    /// Our own file under one of MNIST's names: the command itself compares checksums.
    @Test func commandRefusesOtherDigits() throws {
        try withFolders { served, folder in
            try Self.bytes.write(to: served.appendingPathComponent("train-images-idx3-ubyte.gz"))
            try LoopbackServer.serving(served) { server in
                let run = try Tool.run([
                    "download", "mnist", "--url", "\(server.url)", "--out", folder.path,
                ])
                try BadInputTests.expectFailure(run, naming: Self.digest)
                #expect(run.error.hasPrefix("convnet: train-images-idx3-ubyte.gz: SHA-256 is "))
            }
            #expect(try files(in: folder) == [])
        }
    }
}

@Suite struct OfflineTests {
    /// Nothing listens on port 1: the same as no network, without waiting for one.
    @Test func unreachableServerIsOneLine() throws {
        try withTemporaryFolder { folder in
            let run = try Tool.run([
                "download", "mnist", "--url", "http://127.0.0.1:1", "--out", folder.path,
            ])
            try BadInputTests.expectFailure(
                run, naming: "http://127.0.0.1:1/train-images-idx3-ubyte.gz: can't be reached: ")
        }
    }

    @Test func folderThatCannotBeMadeIsOneLine() throws {
        let run = try Tool.run(["download", "mnist", "--out", "/proc/none"])
        #expect(run.error == "convnet: /proc/none: can't be made a folder\n")
        #expect(run.status == 1)
    }
}

private let realFolder = ProcessInfo.processInfo.environment["MNIST_DIR"]

@Suite(
    .enabled(if: LoopbackServer.isAvailable, "python3 is not installed"),
    .enabled(if: realFolder != nil, "MNIST_DIR is not set"))
struct RealDownloadTests {
    @Test func allFourFilesArriveAndAreVerified() throws {
        try withTemporaryFolder { folder in
            let served = URL(fileURLWithPath: try #require(realFolder))
            try LoopbackServer.serving(served) { server in
                let arguments = ["download", "mnist", "--url", "\(server.url)", "--out"]
                let first = try Tool.run(arguments + [folder.path])
                #expect(first.status == 0, "\(first)")
                #expect(first.output.components(separatedBy: " downloaded\n").count == 5)
                let second = try Tool.run(arguments + [folder.path])
                #expect(second.output.components(separatedBy: " is there\n").count == 5)
                #expect(try server.requests.count == 4)
            }
        }
    }
}
