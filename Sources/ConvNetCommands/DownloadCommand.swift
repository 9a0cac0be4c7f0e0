// SPDX-License-Identifier: MIT
//
// convnet download: fetches MNIST and checks every byte of it.

import ConvNetData
import ConvNetOptions
import ConvNetSupport
import Foundation

enum DownloadCommand: Command {
    static let name = "download"
    static let summary = "Downloads MNIST; a broken-off download goes on where it ended."
    static let operands = "mnist"
    static let example = "convnet download mnist --out mnist"
    static let options = [
        Option("out", "DIR", "Where to put the files; mnist."),
        Option("url", "URL", "Where to get them; a public mirror."),
    ]

    /// The files and the SHA-256 of each, as they are published.
    private static let files = [
        (
            "train-images-idx3-ubyte.gz",
            "71524e2cd1ad2968737f7f2f2ff69cbfc32df8ccddff51593f7cb2d4e0eb5b64"
        ),
        (
            "train-labels-idx1-ubyte.gz",
            "fe03b8bd7915f70bf5aa08be480aa413fbd85afcaa58b35d230d335f284fd88e"
        ),
        (
            "t10k-images-idx3-ubyte.gz",
            "5634745efa576a17e7d4cf5cd9d09123c75e6538e5114267c2d156edaf519341"
        ),
        (
            "t10k-labels-idx1-ubyte.gz",
            "ae18e77e031ccde52407f794d123116439864147d33ac992975f85dd4dc42af6"
        ),
    ]

    private static let mirror = "https://ossci-datasets.s3.amazonaws.com/mnist"

    static func run(_ options: Options) throws {
        guard options.operands == ["mnist"] else {
            let call = ([name] + options.operands).joined(separator: " ")
            throw UsageError("\(call) is unknown, expected download mnist")
        }
        let address = options.string("url") ?? mirror
        guard let base = URL(string: address), let scheme = base.scheme,
            ["http", "https"].contains(scheme)
        else { throw UsageError("--url is \(address), expected one of http or https") }
        let folder = URL(fileURLWithPath: options.string("out") ?? "mnist")
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        } catch { throw DownloadError(description: "\(folder.path): can't be made a folder") }
        for (name, digest) in files {
            try fetch(name, digest, from: base, into: folder)
        }
    }

    private static func digest(of file: URL) throws -> String {
        try Data(contentsOf: file).withUnsafeBytes(SHA256.hexadecimal)
    }

    /// Brings one file, unless it is there already, and checks it.
    static func fetch(
        _ name: String, _ digest: String, from base: URL, into folder: URL
    ) throws {
        let file = folder.appendingPathComponent(name)
        let part = folder.appendingPathComponent(name + ".part")
        if (try? Self.digest(of: file)) == digest {
            return print("\(file.path) is there")
        }
        try Download.resume(base.appendingPathComponent(name), into: part)
        let found = try Self.digest(of: part)
        guard found == digest else {
            // What is wrong will not become right by appending to it.
            try? FileManager.default.removeItem(at: part)
            throw DownloadError(
                description: "\(name): SHA-256 is \(found), expected \(digest); removed, try again")
        }
        guard rename(part.path, file.path) == 0 else {
            throw DownloadError(description: "\(file.path): can't be written")
        }
        print("\(file.path) downloaded")
    }
}
