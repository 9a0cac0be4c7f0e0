// SPDX-License-Identifier: MIT
//
// The options that say what is done to an image before a network sees it.

import ConvNet
import ConvNetOptions
import ConvNetSupport
import Foundation

enum PreprocessingOptions {
    static let options = [
        Option("imagenet", "Mean and deviation of torchvision's networks for ImageNet."),
        Option(
            "scale", "N", "What white becomes before the mean is taken off; 1, or 255 for bytes."),
        Option("mean", "LIST", "What is taken off, a number per channel or one for all; 0."),
        Option("deviation", "LIST", "What is divided by, a number per channel or one for all; 1."),
        Option(
            "channel-order", "ORDER", "rgb or bgr; rgb.",
            choices: Preprocessing.ChannelOrder.allCases.map(\.rawValue)),
        Option("labels", "FILE", "The classes' names, one per line."),
    ]

    /// What the options say, over what a network's file says; nil where neither does.
    ///
    /// - Throws: ``UsageError`` when an option is wrong, ``FileError`` when the labels
    ///   can't be read.
    static func preprocessing(
        _ options: Options, of known: Preprocessing?
    ) throws -> Preprocessing? {
        guard known != nil || Self.options.contains(where: { options.has($0.name) }) else {
            return nil
        }
        var result = try known ?? Preprocessing()
        if options.has("imagenet") {
            (result.mean, result.deviation) = (
                Preprocessing.imageNet.mean, Preprocessing.imageNet.deviation
            )
        }
        if let scale = try options.positiveNumber("scale") { result.scale = scale }
        if let mean = try numbers(options, "mean") { result.mean = mean }
        if let deviation = try numbers(options, "deviation") { result.deviation = deviation }
        if let order = options.string("channel-order") {
            guard let known = Preprocessing.ChannelOrder(rawValue: order) else {
                throw UsageError("--channel-order is \(order), expected rgb or bgr")
            }
            result.channelOrder = known
        }
        if let file = options.string("labels") { result.classNames = try labels(in: file) }
        do throws(TensorError) {
            return try Preprocessing(
                scale: result.scale, mean: result.mean, deviation: result.deviation,
                channelOrder: result.channelOrder, classNames: result.classNames,
                shorterSide: result.shorterSide)
        } catch {
            throw UsageError("--\(error.argument) is \(error.value), expected \(error.expected)")
        }
    }

    private static func numbers(
        _ options: Options, _ name: String
    ) throws(UsageError) -> [Double]? {
        guard let text = options.string(name) else { return nil }
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        let numbers = parts.compactMap { Double($0) }
        guard numbers.count == parts.count else {
            throw UsageError("--\(name) is \(text), expected numbers with commas between them")
        }
        return numbers
    }

    /// The lines of a file.
    private static func labels(in file: String) throws -> [String] {
        let bytes = try FileBytes.contents(of: file, limit: 1 << 24)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw FileError(file: file, problem: "is not text in UTF-8, expected a name per line")
        }
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map {
            $0.hasSuffix("\r") ? String($0.dropLast()) : String($0)
        }
        if lines.last == "" { lines.removeLast() }
        return lines
    }
}
