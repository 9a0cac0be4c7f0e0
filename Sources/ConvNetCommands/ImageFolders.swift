// SPDX-License-Identifier: MIT
//
// The folders of photographs that commands work on, recognised by what is in them: a folder a
// class, or CIFAR's binary files.

import ConvNet
import ConvNetImages
import ConvNetOptions
import Foundation

/// What `--data` and `--test` name, where that is a folder of photographs.
struct ImageFolders {
    /// Where photographs come from.
    enum Source {
        /// Files that are not decoded yet.
        case folder(ImageFolder)
        /// Those of a file that holds them all.
        case set(ImageSet, path: String)

        var path: String {
            switch self {
            case .folder(let folder): folder.path
            case .set(_, let path): path
            }
        }
        var classNames: [String] {
            switch self {
            case .folder(let folder): folder.classNames
            case .set(let set, _): set.classNames
            }
        }
        var classes: Int {
            switch self {
            case .folder(let folder): folder.classNames.count
            case .set(let set, _): set.classes
            }
        }
    }

    /// The options that concern such folders alone.
    static let options = [
        Option("image-size", "N", "Photographs: pixels of a side; what suits the network."),
        Option("strict", "Photographs: a file that can't be read is an error, not left out."),
    ]
    /// Where the test images of training come from.
    static let testOptions = [
        Option("test", "DIR", "Photographs: the test images, a folder a class as in --data."),
        Option("test-share", "X", "Photographs, without --test: the share of each class; 0.1."),
    ]
    /// How many files that were left out are named.
    private static let mostNamed = 20

    /// The photographs to train with, or to evaluate with.
    let images: Source
    /// Those to judge training by.
    let test: Source?
    private let isStrict: Bool
    /// Whether the network is one of a file that another training goes on with.
    private let mayReplaceOutput: Bool
    private let side: Int?
    private let threads: Int?

    /// Looks into the folder that `--data` names; nil where no folder is named, or one without
    /// folders.
    ///
    /// - Parameter seed: what images are held out and limited by; nil where none are to be held
    ///   out.
    /// - Throws: ``UsageError`` when options don't go together, ``FileError`` when a folder is not
    ///   as it should be.
    init?(_ options: Options, holdingOutBy seed: UInt64?) throws {
        let path = options.string("data") ?? ""
        let isCIFAR = CIFAR.isThere(in: URL(fileURLWithPath: path))
        guard options.has("data"), isCIFAR || Self.isFolderOfClasses(path) else {
            if let name = Self.names(in: path).first(where: Self.isImage) {
                throw UsageError(
                    "--data is \(path), which has images such as \(name) beside each other, "
                        + "expected a folder for each class")
            }
            for option in Self.options + Self.testOptions where options.has(option.name) {
                throw UsageError(
                    "--\(option.name) is given, expected --data with a folder for each class "
                        + "beside it"
                )
            }
            return nil
        }
        isStrict = options.has("strict")
        mayReplaceOutput = options.string("from") != nil
        side = try options.int("image-size")
        threads = try options.int("threads")
        if let side, side > 4096 {
            throw UsageError("--image-size is \(side), expected at most 4096")
        }
        (images, test) =
            isCIFAR
            ? try Self.cifar(options, path, isTraining: seed != nil)
            : try Self.folders(options, path, holdingOutBy: seed)
    }

    /// The parts of CIFAR, or its test images alone.
    private static func cifar(
        _ options: Options, _ path: String, isTraining: Bool
    ) throws -> (Source, Source?) {
        for option in testOptions where options.has(option.name) {
            throw UsageError(
                "--\(option.name) is given, expected none with CIFAR, which has test images")
        }
        let folder = URL(fileURLWithPath: path)
        var images = try CIFAR.load(from: folder, isTraining ? .training : .test)
        if let limit = try options.int("limit") { images = try images.prefix(limit) }
        let test = isTraining ? try CIFAR.load(from: folder, .test) : nil
        return (.set(images, path: path), test.map { .set($0, path: path) })
    }

    /// A folder of class folders, and another one or the part that is held out.
    private static func folders(
        _ options: Options, _ path: String, holdingOutBy seed: UInt64?
    ) throws -> (Source, Source?) {
        var folder = try ImageFolder(URL(fileURLWithPath: path))
        var others: ImageFolder?
        if let test = options.string("test") {
            guard options.string("test-share") == nil else {
                throw UsageError("--test-share is given beside --test, expected one of them")
            }
            let named = try ImageFolder(URL(fileURLWithPath: test))
            try named.requireClasses(of: folder)
            others = named
        } else if let seed {
            let share = try options.positiveNumber("test-share") ?? 0.1
            guard share < 1 else {
                throw UsageError("--test-share is \(share), expected above 0 and below 1")
            }
            let parts = try folder.split(testShare: share, seed: seed)
            (folder, others) = (parts.training, parts.test)
        }
        if let limit = try options.int("limit") {
            folder = try folder.sample(limit, seed: seed ?? 0)
        }
        return (.folder(folder), others.map { .folder($0) })
    }

    private static func names(in folder: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
    }

    private static func isImage(_ name: String) -> Bool {
        ImageFolder.extensions.contains(
            URL(fileURLWithPath: name).pathExtension.lowercased())
    }

    /// Whether a folder has folders in it, and none of MNIST's files.
    private static func isFolderOfClasses(_ path: String) -> Bool {
        let names = names(in: path)
        if names.contains(where: { $0.hasPrefix("train-images") || $0.hasPrefix("t10k-images") }) {
            return false
        }
        return names.contains { name in
            var isFolder: ObjCBool = false
            return !name.hasPrefix(".")
                && FileManager.default.fileExists(
                    atPath: "\(path)/\(name)", isDirectory: &isFolder)
                && isFolder.boolValue
        }
    }

    /// The images that a network is made for: of `--image-size`, or of what it was published for.
    func kind(_ options: Options) throws(UsageError) -> ImageKind {
        let name = try Networks.name(options)
        let published = NamedGraph.all.first { $0.name == name }?.images.shape ?? [3, 224, 224]
        let shape = side.map { [3, $0, $0] } ?? published
        return ImageKind(shape: shape, classes: images.classes)
    }

    /// What is done to photographs for a network: what its file says, or the mean and deviation of
    /// the images that it is trained with.
    private func preprocessing(
        for network: Network, _ set: ImageSet
    ) throws(TensorError) -> Preprocessing {
        if var known = network.preprocessing {
            known.classNames = images.classNames
            known.shorterSide = known.shorterSide ?? Self.shorterSide(for: network)
            return known
        }
        let (means, deviations) = set.statistics
        return try Preprocessing(
            mean: means, deviation: deviations, classNames: images.classNames,
            shorterSide: Self.shorterSide(for: network))
    }

    /// How long an image's shorter side is made before its middle is cut out: an eighth more than
    /// the network takes, as 256 for 224; as much for small images.
    private static func shorterSide(for network: Network) -> Int {
        let side = min(network.inputShape[1], network.inputShape[2])
        return side <= 64 ? side : (side * 8 + 3) / 7
    }

    /// Fails unless a network takes images and gives as many classes as the folder has, of the same
    /// names.
    private func requireSuitable(_ network: Network, comparesNames: Bool) throws {
        let (input, output) = (network.inputShape, network.outputShape)
        guard input.count == 3, input[0] == 1 || input[0] == 3 else {
            throw UsageError(
                "--data is photographs, expected a network for images, not for \(input)")
        }
        if let side, input[1] != side || input[2] != side {
            throw UsageError(
                "--image-size is \(side), expected \(input[1]) x \(input[2]), which the network "
                    + "takes"
            )
        }
        let count = images.classes
        guard output == [count] else {
            throw Self.otherClasses(count, than: output, mayBeReplaced: mayReplaceOutput)
        }
        let names = network.preprocessing?.classNames ?? []
        guard comparesNames, !names.isEmpty else { return }
        for (name, own) in zip(names, images.classNames) where !name.utf8.elementsEqual(own.utf8) {
            throw UsageError(
                "--data has a class \(own), expected \(name), as the network's file has it")
        }
    }

    /// What is wrong where a network gives other classes than the images have.
    ///
    /// - Parameter mayBeReplaced: whether `--new-output` would help.
    static func otherClasses(
        _ count: Int, than output: [Int], mayBeReplaced: Bool
    ) -> UsageError {
        UsageError(
            "--data has \(count) classes, expected as many as the network gives, \(output)"
                + (mayBeReplaced ? "; --new-output gives it a new last layer" : ""))
    }

    private func decoded(
        _ source: Source, for network: Network, _ shorterSide: Int
    ) throws -> ImageSet {
        let folder: ImageFolder
        switch source {
        case .set(let set, _): return try set.converted(toChannels: network.inputShape[0])
        case .folder(let listed): folder = listed
        }
        let set = try folder.decoded(
            DecodingSettings(
                channels: network.inputShape[0], shorterSide: shorterSide, isStrict: isStrict,
                threads: threads))
        for problem in set.leftOut.prefix(Self.mostNamed) {
            Self.say("left out: \(problem)")
        }
        if let count = Optional(set.leftOut.count), count > 0 {
            Self.say(
                "\(folder.path): \(count) of \(set.images.count + count) files left out; --strict "
                    + "makes that an error")
        }
        return set
    }

    private static func say(_ text: String) {
        FileHandle.standardError.write(Data("\(CommandLineTool.line(text))\n".utf8))
    }

    /// Reads what a network is trained with, and records in the network what is done to its images.
    ///
    /// - Parameter augmentation: `--augment`; nil for no changes.
    func trainingData(
        for network: inout Network, augmentation: ImageAugmentation?, seed: UInt64
    ) throws -> (training: any BatchSource, test: any BatchSource) {
        try requireSuitable(network, comparesNames: false)
        let side = network.preprocessing?.shorterSide ?? Self.shorterSide(for: network)
        let set = try decoded(images, for: network, side)
        let preprocessing = try preprocessing(for: network, set)
        let preparation = try preprocessing.preparation(for: network)
        let testSet = try test.map { try decoded($0, for: network, side) } ?? set
        network.preprocessing = preprocessing
        return (
            try ImageBatches(
                set, preparation, augmentation: augmentation, shuffleSeed: seed, seed: seed,
                threads: threads),
            try ImageBatches(testSet, preparation, threads: threads)
        )
    }

    /// Reads what a trained network is judged by: as the network takes it, and as people see it,
    /// from 0 to 1.
    func evaluationData(
        for network: Network
    ) throws -> (images: any BatchSource, shown: any BatchSource) {
        try requireSuitable(network, comparesNames: true)
        let known = try network.preprocessing ?? Preprocessing()
        let side = known.shorterSide ?? Self.shorterSide(for: network)
        let set = try decoded(images, for: network, side)
        let preparation = try known.preparation(for: network)
        let batches = try ImageBatches(set, preparation, threads: threads)
        // They have their size by now.
        let plain = try ImagePreparation(size: preparation.size)
        return (batches, try ImageBatches(batches.images, plain, threads: threads))
    }
}

extension Preprocessing {
    /// The same for whole sets of images.
    func preparation(for network: Network) throws(TensorError) -> ImagePreparation {
        try ImagePreparation(
            size: ImageSize(width: network.inputShape[2], height: network.inputShape[1]),
            shorterSide: shorterSide, scale: scale, mean: mean, deviation: deviation,
            reversesChannels: channelOrder == .bgr)
    }
}
