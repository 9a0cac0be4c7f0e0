// SPDX-License-Identifier: MIT
//
// Decoded images and their classes, one byte per sample: CIFAR-10's 60,000 take 184 MB, not 740.

import ConvNetSupport
import ConvNetTensor

/// Images in memory, each of its own size, and the class of each.
public struct ImageSet: Sendable {
    /// The images, all with the same number of channels.
    public let images: [Image]
    /// The class of each.
    public let labels: [Int]
    /// The classes' names; empty where they have none.
    public let classNames: [String]
    /// How many classes there are.
    public let classes: Int
    /// What can't be read and was left out, and why.
    public let leftOut: [FileError]

    /// Puts images and labels together.
    ///
    /// - Parameters:
    ///   - images: at least one, of 1 or 3 channels each.
    ///   - labels: as many, each from 0 to `classes - 1`.
    ///   - classes: at least 1; the number of names where there are names.
    ///   - classNames: the classes' names, or none.
    ///   - leftOut: what can't be read.
    /// - Throws: ``TensorError`` that names the argument that breaks one of these rules.
    public init(
        images: [Image], labels: [Int], classes: Int, classNames: [String] = [],
        leftOut: [FileError] = []
    ) throws(TensorError) {
        func wrong(_ argument: String, _ value: String, _ expected: String) -> TensorError {
            TensorError(
                operation: "ImageSet", argument: argument, value: value, expected: expected)
        }
        guard let first = images.first else {
            throw wrong("images", "no image", "at least one")
        }
        if let place = images.firstIndex(where: { $0.channels != first.channels }) {
            throw wrong(
                "images[\(place)]", "\(images[place].channels) channels",
                "\(first.channels), as the first has")
        }
        guard labels.count == images.count else {
            throw wrong("labels.count", "\(labels.count)", "\(images.count), one for each image")
        }
        guard classes >= 1 else { throw wrong("classes", "\(classes)", "at least 1") }
        if let place = labels.firstIndex(where: { $0 < 0 || $0 >= classes }) {
            throw wrong("labels[\(place)]", "\(labels[place])", "0 to \(classes - 1)")
        }
        guard classNames.isEmpty || classNames.count == classes else {
            throw wrong("classNames", "\(classNames.count) names", "\(classes), or none")
        }
        self.images = images
        self.labels = labels
        self.classes = classes
        self.classNames = classNames
        self.leftOut = leftOut
    }

    /// How many channels each image has.
    public var channels: Int { images[0].channels }

    /// The size that all images have; nil where sizes differ.
    public var commonSize: ImageSize? {
        let size = ImageSize(width: images[0].width, height: images[0].height)
        return images.allSatisfy { $0.width == size.width && $0.height == size.height } ? size : nil
    }

    /// The same images in gray or in colours.
    ///
    /// - Parameter channels: 1 or 3.
    /// - Throws: ``TensorError`` when it is another number.
    public func converted(toChannels channels: Int) throws(TensorError) -> ImageSet {
        if channels == self.channels { return self }
        var converted: [Image] = []
        for image in images { converted.append(try image.converted(toChannels: channels)) }
        return try ImageSet(
            images: converted, labels: labels, classes: classes, classNames: classNames,
            leftOut: leftOut)
    }

    /// The first images.
    ///
    /// - Parameter count: how many, at least 1; all where there are no more.
    /// - Throws: ``TensorError`` when it is below 1.
    public func prefix(_ count: Int) throws(TensorError) -> ImageSet {
        try ImageSet(
            images: Array(images.prefix(max(count, 0))),
            labels: Array(labels.prefix(max(count, 0))),
            classes: classes, classNames: classNames, leftOut: leftOut)
    }
}

/// How the files of a folder are decoded.
public struct DecodingSettings: Sendable, Hashable {
    /// 1 for gray, 3 for colours: images that are something else are converted.
    public var channels: Int
    /// Where an image's shorter side is longer than this, it is kept so small; nil keeps all as
    /// they are.
    public var shorterSide: Int?
    /// Whether a file that can't be read is an error; otherwise it is left out and named.
    public var isStrict: Bool
    /// How many threads decode; nil for one per processor.
    public var threads: Int?

    /// Settings.
    public init(
        channels: Int = 3, shorterSide: Int? = nil, isStrict: Bool = false, threads: Int? = nil
    ) {
        self.channels = channels
        self.shorterSide = shorterSide
        self.isStrict = isStrict
        self.threads = threads
    }
}

extension ImageFolder {
    /// Reads and decodes all files, on all processors. The images, and which are left out, don't
    /// depend on how many there are.
    ///
    /// - Throws: ``FileError`` when a file can't be read or was left out and the settings are
    ///   strict, or a class has no image that can be read, ``TensorError`` when there are neither 1
    ///   nor 3 channels or a side is not from 1 to ``Image/longestSide``.
    public func decoded(_ settings: DecodingSettings = DecodingSettings()) throws -> ImageSet {
        guard settings.channels == 1 || settings.channels == 3 else {
            throw TensorError(
                operation: "ImageFolder.decoded", argument: "channels",
                value: "\(settings.channels)", expected: "1 or 3")
        }
        if let side = settings.shorterSide, !(1...Image.longestSide).contains(side) {
            throw TensorError(
                operation: "ImageFolder.decoded", argument: "shorterSide", value: "\(side)",
                expected: "1 to \(Image.longestSide)")
        }
        let files = files
        let decoded = ParallelWork.map(
            files.count, threads: settings.threads ?? ParallelWork.standardThreads
        ) {
            let reader = ImageReader()
            return { Self.image(files[$0].path, settings, reader) }
        }
        var (images, labels, problems) = ([Image](), [Int](), leftOut)
        images.reserveCapacity(files.count)
        for (file, result) in zip(files, decoded) {
            switch result {
            case .success(let image):
                images.append(image)
                labels.append(file.label)
            case .failure(let error): problems.append(error)
            }
        }
        if settings.isStrict, let problem = problems.first { throw problem }
        let known = Set(labels)
        let wanted = Set(files.map(\.label))
        if let label = wanted.subtracting(known).min() {
            throw FileError(
                file: "\(path)/\(classNames[label])",
                problem: "no image in it can be read"
                    + (problems.first.map { ": \($0)" } ?? ""))
        }
        return try ImageSet(
            images: images, labels: labels, classes: classNames.count, classNames: classNames,
            leftOut: problems)
    }

    private static func image(
        _ path: String, _ settings: DecodingSettings, _ reader: ImageReader
    ) -> Result<Image, FileError> {
        do throws(FileError) {
            let bytes = try FileBytes.contents(of: path, limit: Image.largestByteCount)
            let covering = settings.shorterSide.map { ImageSize(width: $0, height: $0) }
            var image = try reader.image(of: bytes, file: path, covering: covering)
            do throws(TensorError) {
                if let side = settings.shorterSide, min(image.width, image.height) > side {
                    image = try image.resized(shorterSide: side)
                }
                return .success(try image.converted(toChannels: settings.channels))
            } catch {
                return .failure(FileError(file: path, problem: "\(error)"))
            }
        } catch {
            return .failure(error)
        }
    }
}
