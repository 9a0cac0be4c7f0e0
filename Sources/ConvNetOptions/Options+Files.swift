// SPDX-License-Identifier: MIT
//
// Files that executables write, looked at before the work whose result they are to hold.

import Foundation

extension Options {
    /// The file that an option names, if it is given.
    ///
    /// - Throws: ``UsageError`` when it could not be written: that should be found out before hours
    ///   of training or minutes of measuring rather than after.
    package func outputFile(_ name: String) throws(UsageError) -> URL? {
        guard let file = string(name).map({ URL(fileURLWithPath: $0) }) else { return nil }
        var isFolder: ObjCBool = false
        if FileManager.default.fileExists(atPath: file.path, isDirectory: &isFolder),
            isFolder.boolValue
        {
            throw UsageError("--\(name) is \(file.path), a folder, expected a file")
        }
        // A device or a pipe would be replaced, and be gone.
        let kind = try? file.resolvingSymlinksInPath().resourceValues(forKeys: [.isRegularFileKey])
        if let kind, kind.isRegularFile == false {
            throw UsageError("--\(name) is \(file.path), no file, expected a file")
        }
        let folder = file.deletingLastPathComponent().path
        guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder),
            isFolder.boolValue, FileManager.default.isWritableFile(atPath: folder)
        else { throw UsageError("--\(name) is \(file.path), expected a file in a writable folder") }
        return file
    }
}
