// SPDX-License-Identifier: MIT
//
// Folders of images: which classes and files there are, and what becomes of everything that is not
// as it should be.

import ConvNetTensor
import ConvNetTestSupport
import Foundation
import Testing

@testable import ConvNetImages

struct ImageFolderTests {
    /// A PGM file of one pixel.
    private static func dot(_ gray: UInt8) -> Data { Data(Array("P5 1 1 255\n".utf8) + [gray]) }

    /// Runs a test with a folder of some files, by their paths in it; folders are made for them.
    private static func withFolder(
        _ files: [String: Data], _ body: (URL) throws -> Void
    ) throws {
        try withTemporaryFolder { folder in
            for (path, data) in files {
                let file = folder.appendingPathComponent("data/\(path)")
                try FileManager.default.createDirectory(
                    at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
                try data.write(to: file)
            }
            try body(folder.appendingPathComponent("data"))
        }
    }

    /// The paths of files in a folder.
    private static func names(_ folder: ImageFolder) -> [String] {
        folder.files.map { String($0.path.dropFirst(folder.path.count + 1)) }
    }

    @Test func classesAndFilesAreInTheOrderOfTheirBytes() throws {
        let files = ["b/2.pgm", "b/10.PGM", "B/x.ppm", "a/deeper/z.jpeg", "a/y.png", "a/notes.txt"]
        try Self.withFolder(
            Dictionary(uniqueKeysWithValues: files.map { ($0, Self.dot(1)) })
                .merging(["read.me": Data(), ".hidden/x.pgm": Data(), "a/._y.png": Data()]) { $1 }
        ) { url in
            let folder = try ImageFolder(url)
            #expect(folder.classNames == ["B", "a", "b"])
            #expect(
                Self.names(folder)
                    == ["B/x.ppm", "a/deeper/z.jpeg", "a/y.png", "b/10.PGM", "b/2.pgm"])
            #expect(folder.files.map(\.label) == [0, 1, 1, 2, 2])
            #expect(folder.leftOut.isEmpty)
        }
    }

    /// é as one character and as two: equal to Swift, two folders to the file system.
    @Test func namesThatDifferInUnicodeFormAreTwoClasses() throws {
        let (composed, decomposed) = ("caf\u{E9}", "cafe\u{301}")
        #expect(composed == decomposed)
        try Self.withFolder([
            "\(composed)/a.pgm": Self.dot(1), "\(decomposed)/b.pgm": Self.dot(2),
        ]) { url in
            let folder = try ImageFolder(url)
            #expect(
                folder.classNames.map { Array($0.utf8) }
                    == [Array(decomposed.utf8), Array(composed.utf8)])
            let images = try folder.decoded()
            #expect(images.labels == [0, 1])
            #expect(images.images.map { $0.bytes[0] } == [2, 1])
        }
    }

    @Test func whatCantBeReadIsNamedAndLeftOut() throws {
        var files = [
            "a/good.pgm": Self.dot(7), "a/text.jpg": Data("not an image at all".utf8),
            "a/empty.jpg": Data(), "b/one.pgm": Self.dot(9),
        ]
        let whole = Data(try ImageFixtures.bytes("baseline.jpg"))
        files["a/cut.jpg"] = whole.prefix(700)
        files["b/whole.jpg"] = whole
        files["b/cmyk.jpg"] = Data(try ImageFixtures.bytes("cmyk.jpg"))
        files["b/huge.pgm"] = Data("P5 20000 20000 255\n".utf8)
        let wide = PNGWriter(
            width: 1, height: 1, bitDepth: 16, colorType: 0, sample: { _, _, _ in 0x8080 })
        files["b/wide.png"] = Data(wide.bytes)
        try Self.withFolder(files) { url in
            for threads in [1, 2, 5] {
                let images = try ImageFolder(url).decoded(DecodingSettings(threads: threads))
                #expect(images.labels == [0, 1, 1, 1])
                #expect(images.images.map(\.width) == [1, 1, 37, 1])
                #expect(images.images.map { $0.bytes[0] }[3] == 128)
                #expect(images.channels == 3)
                let problems = images.leftOut.map {
                    String($0.description.dropFirst(url.path.count + 1))
                }
                #expect(
                    problems == [
                        "a/cut.jpg: the file ends before its image does, expected a whole JPEG "
                            + "file",
                        "a/empty.jpg: an empty file, expected a JPEG, PNG, PPM or PGM file",
                        "a/text.jpg: no image, expected a JPEG, PNG, PPM or PGM file",
                        "b/cmyk.jpg: in CMYK, whose colours only its printer knows, expected "
                            + "gray or RGB",
                        "b/huge.pgm: 20000 x 20000 pixels, expected \(Image.possibleSizes)",
                    ])
                let error = #expect(throws: FileError.self) {
                    try ImageFolder(url).decoded(
                        DecodingSettings(isStrict: true, threads: threads))
                }
                #expect(error?.file.hasSuffix("a/cut.jpg") == true)
            }
        }
    }

    @Test func linksDontLeadOutOfTheFolder() throws {
        try Self.withFolder(["a/x.pgm": Self.dot(1), "b/y.pgm": Self.dot(2)]) { url in
            let outside = url.deletingLastPathComponent().appendingPathComponent("secret.pgm")
            try Self.dot(99).write(to: outside)
            let manager = FileManager.default
            func link(_ name: String, to target: String) throws {
                try manager.createSymbolicLink(
                    atPath: url.appendingPathComponent(name).path, withDestinationPath: target)
            }
            try link("a/out.pgm", to: outside.path)
            try link("a/up.pgm", to: "../../secret.pgm")
            try link("a/inside.pgm", to: "../b/y.pgm")
            try link("a/nowhere.pgm", to: "nothing.pgm")
            try link("b/loop", to: ".")
            try link("c", to: "a")
            let folder = try ImageFolder(url)
            #expect(folder.classNames == ["a", "b"])
            #expect(Self.names(folder) == ["a/inside.pgm", "a/x.pgm", "b/y.pgm"])
            #expect(try folder.decoded().images.map { $0.bytes[0] } == [2, 1, 2])
            let problems = folder.leftOut.map {
                String($0.description.dropFirst(url.path.count + 1))
            }
            #expect(
                problems == [
                    "a/nowhere.pgm: a link to nothing, expected a file or a folder",
                    "a/out.pgm: a link out of the folder, expected a file or a folder",
                    "a/up.pgm: a link out of the folder, expected a file or a folder",
                    "b/loop: a link to something other than an image, expected a file or a folder",
                    "c: a link to something other than an image, expected a file or a folder",
                ])
            #expect(throws: FileError.self) {
                try folder.decoded(DecodingSettings(isStrict: true))
            }
        }
    }

    @Test func foldersThatAreNoneAreRefused() throws {
        try Self.withFolder(["a/x.pgm": Self.dot(1), "b/read.me": Data()]) { url in
            let empty = #expect(throws: FileError.self) { try ImageFolder(url) }
            #expect(
                empty?.description
                    == "\(url.path)/b: a class without images, expected files that end in .jpg, "
                    + ".jpeg, .png, .ppm, .pgm, .pnm")
            let file = #expect(throws: FileError.self) {
                try ImageFolder(url.appendingPathComponent("a/x.pgm"))
            }
            #expect(file?.problem == "can't be listed: Not a directory")
            let flat = #expect(throws: FileError.self) {
                try ImageFolder(url.appendingPathComponent("a"))
            }
            #expect(flat?.problem == "no folder in it")
        }
        try Self.withFolder(["a/x.pgm": Self.dot(1), "b/y.jpg": Data("text".utf8)]) { url in
            let error = #expect(throws: FileError.self) { try ImageFolder(url).decoded() }
            #expect(
                error?.description
                    == "\(url.path)/b: no image in it can be read: \(url.path)/b/y.jpg: no image, "
                    + "expected a JPEG, PNG, PPM or PGM file")
        }
    }

    @Test func splitsKeepEachClasssShare() throws {
        var files: [String: Data] = [:]
        for place in 0..<10 { files["a/\(place).pgm"] = Self.dot(UInt8(place)) }
        for place in 0..<4 { files["b/\(place).pgm"] = Self.dot(UInt8(place)) }
        try Self.withFolder(files) { url in
            let folder = try ImageFolder(url)
            let (training, test) = try folder.split(testShare: 0.3, seed: 5)
            #expect(test.files.map(\.label) == [0, 0, 0, 1])
            #expect(Set(training.files + test.files) == Set(folder.files))
            #expect(training.files.count + test.files.count == folder.files.count)
            #expect(try folder.split(testShare: 0.3, seed: 5).test.files == test.files)
            #expect(try folder.split(testShare: 0.3, seed: 6).test.files != test.files)
            #expect(try folder.split(testShare: 0.001, seed: 5).test.files.count == 2)
            #expect(try folder.split(testShare: 0.999, seed: 5).training.files.count == 2)
            for share in [0, 1, -0.5, .nan] {
                #expect(throws: TensorError.self) { try folder.split(testShare: share, seed: 1) }
            }
            #expect(try folder.sample(3, seed: 1).files.count == 3)
            #expect(try folder.sample(99, seed: 1).files == folder.files)
            #expect(throws: TensorError.self) { try folder.sample(0, seed: 1) }
        }
    }

    @Test func classesOfTwoFoldersAreCompared() throws {
        func folder(_ names: [String]) throws -> ImageFolder {
            var result: ImageFolder?
            try Self.withFolder(
                Dictionary(uniqueKeysWithValues: names.map { ("\($0)/x.pgm", Self.dot(1)) })
            ) { result = try ImageFolder($0) }
            return try #require(result)
        }
        let (first, other, fewer) = try (folder(["a", "b"]), folder(["a", "c"]), folder(["a"]))
        try first.requireClasses(of: first)
        let named = #expect(throws: FileError.self) { try other.requireClasses(of: first) }
        #expect(named?.problem == "a class c")
        let counted = #expect(throws: FileError.self) { try fewer.requireClasses(of: first) }
        #expect(counted?.problem == "1 classes")
    }

    @Test func largeImagesAreKeptSmall() throws {
        try Self.withFolder([
            "a/large.jpg": Data(try ImageFixtures.bytes("large.jpg")), "b/x.pgm": Self.dot(3),
        ]) { url in
            let images = try ImageFolder(url).decoded(
                DecodingSettings(channels: 1, shorterSide: 50))
            #expect(images.images.map(\.width) == [66, 1])
            #expect(images.images.map(\.height) == [50, 1])
            #expect(images.channels == 1)
            #expect(images.commonSize == nil)
            for channels in [0, 2, 4] {
                #expect(throws: TensorError.self) {
                    try ImageFolder(url).decoded(DecodingSettings(channels: channels))
                }
            }
            #expect(throws: TensorError.self) {
                try ImageFolder(url).decoded(DecodingSettings(shorterSide: 0))
            }
        }
    }
}
