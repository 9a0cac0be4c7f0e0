// SPDX-License-Identifier: MIT
//
// Reading and writing whole files: what the system refuses comes out as one line.

import ConvNetTensor
import ConvNetTestSupport
import Foundation
import Testing

struct FileTests {
    @Test func whatIsWrittenIsReadAndNothingElseStays() throws {
        try withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("file").path
            for bytes in [[UInt8](0...255), [], [7]] {
                try bytes.withUnsafeBytes { try AtomicFile.write($0, to: file) }
                #expect(try FileBytes.contents(of: file, limit: 256) == bytes)
                #expect(
                    try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["file"])
            }
        }
    }

    @Test func refusalsNameTheFile() throws {
        let path = "/no/such/folder/file"
        #expect(
            throws: FileError(
                path: path, problem: "can't be written: No such file or directory",
                expected: "a file in a writable folder")
        ) {
            try [UInt8(1)].withUnsafeBytes { try AtomicFile.write($0, to: path) }
        }
        #expect(
            throws: FileError(
                path: path, problem: "No such file or directory", expected: "a readable file")
        ) { try FileBytes.contents(of: path, limit: 1) }
        #expect(
            throws: FileError(path: "/tmp", problem: "not a file", expected: "a regular file")
        ) { try FileBytes.contents(of: "/tmp", limit: 1) }
        try withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("file").path
            try Data([1, 2, 3]).write(to: URL(fileURLWithPath: file))
            #expect(
                throws: FileError(path: file, problem: "3 bytes", expected: "at most 2")
            ) { try FileBytes.contents(of: file, limit: 2) }
        }
    }
}
