// SPDX-License-Identifier: MIT
//
// A folder of photographs with a folder per class: which files there are, and of which class.
// Nothing is decoded yet.

import ConvNetTensor
import Foundation

/// The image files of a folder that has a folder for each class.
///
/// ```swift
/// let folder = try ImageFolder(URL(fileURLWithPath: "photographs"))
/// let (training, test) = try folder.split(testShare: 0.2, seed: 1)
/// let images = try training.decoded()
/// ```
///
/// - Classes are the folders in it, numbered from 0 in the order of their names' UTF-8 bytes. Names
///   that differ in Unicode form alone are two classes, as they are two folders. A class without a
///   file is refused. Files beside the class folders are passed over.
/// - Files are those whose names end in `.jpg`, `.jpeg`, `.png`, `.ppm`, `.pgm` or `.pnm`, in
///   capitals or not, in the class's folder and the folders in it, in the order of their paths'
///   bytes. Others and hidden ones are passed over.
/// - Symbolic links to files inside the folder are followed. Links out of it, to folders or to
///   nothing, and files whose names are no UTF-8, are left out and named in ``leftOut``.
public struct ImageFolder: Sendable {
    /// An image file.
    public struct File: Sendable, Hashable {
        /// Where it is.
        public let path: String
        /// The number of its class.
        public let label: Int
    }

    /// The folder.
    public let path: String
    /// The classes' names, in the order of their numbers.
    public let classNames: [String]
    /// The files, class by class.
    public let files: [File]
    /// What was left out, and why.
    public let leftOut: [FileError]

    /// How a file's name ends that is taken for an image.
    public static let extensions = ["jpg", "jpeg", "png", "ppm", "pgm", "pnm"]
    /// How deep folders are looked into.
    private static let greatestDepth = 32

    /// Lists a folder.
    ///
    /// - Throws: ``FileError`` when it can't be listed, has no folder of a class, or a class has no
    ///   file.
    public init(_ folder: URL) throws(FileError) {
        var listing = Listing(root: FolderListing.resolved(folder.path) ?? folder.path)
        let (entries, unreadable) = try FolderListing.entries(of: folder.path)
        var names: [String] = []
        for entry in entries {
            if case .file = entry.kind { continue }
            guard case .folder = entry.kind else {
                listing.leaveOut(entry)
                continue
            }
            let before = listing.files.count
            try listing.addFiles(in: entry.path, label: names.count)
            guard listing.files.count > before else {
                throw FileError(
                    file: entry.path, problem: "a class without images",
                    expected: "files that end in .\(Self.extensions.joined(separator: ", ."))")
            }
            names.append(entry.name)
        }
        listing.leaveOut(unreadable, in: folder.path)
        guard !names.isEmpty else {
            throw FileError(
                file: folder.path, problem: "no folder in it", expected: "a folder for each class")
        }
        self.init(folder.path, names, listing.files, listing.leftOut)
    }

    private init(
        _ path: String, _ classNames: [String], _ files: [File], _ leftOut: [FileError]
    ) {
        self.path = path
        self.classNames = classNames
        self.files = files
        self.leftOut = leftOut
    }

    /// Collects files.
    private struct Listing {
        /// The folder that links must not lead out of.
        let root: String
        private(set) var files: [File] = []
        private(set) var leftOut: [FileError] = []

        init(root: String) { self.root = root }

        mutating func addFiles(
            in folder: String, label: Int, depth: Int = 1
        ) throws(FileError) {
            guard depth <= ImageFolder.greatestDepth else {
                throw FileError(
                    file: folder, problem: "\(depth) folders deep",
                    expected: "at most \(ImageFolder.greatestDepth)")
            }
            let (entries, unreadable) = try FolderListing.entries(of: folder)
            for entry in entries {
                switch entry.kind {
                case .folder: try addFiles(in: entry.path, label: label, depth: depth + 1)
                case .file where isImage(entry.name):
                    files.append(File(path: entry.path, label: label))
                case .link(let target?) where isImage(entry.name) && isInside(target):
                    files.append(File(path: entry.path, label: label))
                case .file: break
                case .link, .other: leaveOut(entry)
                }
            }
            leaveOut(unreadable, in: folder)
        }

        mutating func leaveOut(_ entry: FolderEntry) {
            let problem: String
            switch entry.kind {
            case .link(nil): problem = "a link to nothing"
            case .link(let target?) where !isInside(target): problem = "a link out of the folder"
            case .link: problem = "a link to something other than an image"
            default: problem = "not a file"
            }
            leftOut.append(
                FileError(file: entry.path, problem: problem, expected: "a file or a folder"))
        }

        mutating func leaveOut(_ names: [String], in folder: String) {
            for name in names {
                leftOut.append(
                    FileError(
                        file: "\(folder)/\(name)", problem: "a name that is not text",
                        expected: "a name in UTF-8"))
            }
        }

        private func isInside(_ target: String) -> Bool {
            target.utf8.starts(with: Array("\(root)/".utf8))
        }

        private func isImage(_ name: String) -> Bool {
            guard let dot = name.utf8.lastIndex(of: UInt8(ascii: ".")) else { return false }
            return ImageFolder.extensions.contains(name[dot...].dropFirst().lowercased())
        }
    }

    /// The files in two parts at random, each with its share of every class: a function of the seed
    /// and the files' order alone.
    ///
    /// - Parameters:
    ///   - testShare: how much of each class goes to the second part, rounded; at least one file
    ///     stays in the first and one goes to the second.
    ///   - seed: what decides which.
    /// - Throws: ``FileError`` when a class has but one file, ``TensorError`` when the share is not
    ///   between 0 and 1.
    public func split(
        testShare: Double, seed: UInt64
    ) throws -> (training: ImageFolder, test: ImageFolder) {
        guard testShare > 0, testShare < 1 else {
            throw TensorError(
                operation: "ImageFolder.split", argument: "testShare", value: "\(testShare)",
                expected: "between 0 and 1")
        }
        var isTest = [Bool](repeating: false, count: files.count)
        for (label, name) in classNames.enumerated() {
            let places = files.indices.filter { files[$0].label == label }
            guard places.count > 1 else {
                throw FileError(
                    file: "\(path)/\(name)", problem: "one image", expected: "two, to split them")
            }
            let count = min(
                max(Int((Double(places.count) * testShare).rounded()), 1), places.count - 1)
            let order = ImageRandom.order(
                of: places.count, seed: seed, ImageRandom.split.number(UInt64(label)))
            for place in order.prefix(count) { isTest[places[place]] = true }
        }
        func part(_ test: Bool) -> ImageFolder {
            ImageFolder(
                path, classNames, zip(files, isTest).filter { $1 == test }.map { $0.0 }, leftOut)
        }
        return (part(false), part(true))
    }

    /// The first files of a random order, so that each class has about its share of them.
    ///
    /// - Parameters:
    ///   - count: how many, at least 1; all where there are no more.
    ///   - seed: what decides which.
    /// - Throws: ``TensorError`` when it is below 1.
    public func sample(_ count: Int, seed: UInt64) throws(TensorError) -> ImageFolder {
        guard count >= 1 else {
            throw TensorError(
                operation: "ImageFolder.sample", argument: "count", value: "\(count)",
                expected: "at least 1")
        }
        guard count < files.count else { return self }
        let chosen = ImageRandom.order(
            of: files.count, seed: seed, ImageRandom.sample.number(0)
        ).prefix(count).sorted()
        return ImageFolder(path, classNames, chosen.map { files[$0] }, leftOut)
    }

    /// Fails unless classes are those of another folder, byte for byte.
    ///
    /// - Throws: ``FileError`` that names the first that differs.
    public func requireClasses(of other: ImageFolder) throws(FileError) {
        for (own, expected) in zip(classNames, other.classNames)
        where !own.utf8.elementsEqual(expected.utf8) {
            throw FileError(
                file: path, problem: "a class \(own)",
                expected: "the classes of \(other.path), \(expected) here")
        }
        guard classNames.count == other.classNames.count else {
            throw FileError(
                file: path, problem: "\(classNames.count) classes",
                expected: "the \(other.classNames.count) of \(other.path)")
        }
    }
}
