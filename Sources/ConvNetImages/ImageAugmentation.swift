// SPDX-License-Identifier: MIT
//
// How photographs may be changed at random without changing what they show.

import ConvNetTensor

/// Random changes of images: each image of an epoch is changed by amounts of its own.
///
/// In this order: a part is cut out and scaled (`resized-crop`), the image is shifted, and black
/// fills what becomes free (`shift`: as padding and cropping), mirrored (`flip`), its colours are
/// changed (`jitter`); after normalization a rectangle is set to 0 (`erase`), and another image of
/// the data set is mixed in, with its class (`mixup`).
public struct ImageAugmentation: Sendable, Hashable {
    /// The least part of an image's area that is cut out, and scaled to full size; nil for no
    /// cutting. The part's sides are in a proportion from 3:4 to 4:3.
    public let resizedCrop: Double?
    /// The most pixels that an image is shifted by along each axis; whole pixels are drawn.
    public let shift: Int
    /// Whether every other image, at random, is mirrored left to right.
    public let flip: Bool
    /// How far brightness, contrast and saturation go from what they are, each by a factor of 1 −
    /// jitter to 1 + jitter.
    public let jitter: Double
    /// How probable it is that a rectangle of 2 to 33 % of the image is set to 0.
    public let erasing: Double
    /// The α of the Beta(α, α) distribution from which another image's share is drawn; 0 for no
    /// mixing.
    public let mixup: Double

    /// The usual amounts: a part of at least 8 %, 4 pixels, 0.4, a quarter of all images, 0.2.
    public static let usualCrop = 0.08, usualShift = 4, usualJitter = 0.4, usualErasing = 0.25,
        usualMixup = 0.2

    /// Random changes; without arguments none.
    ///
    /// - Throws: ``TensorError`` when the shift is not from 0 to 1,000 pixels, the crop not above 0
    ///   and up to 1, jitter or erasing not from 0 to 1, or mixup not from 0 to 2.
    public init(
        resizedCrop: Double? = nil, shift: Int = 0, flip: Bool = false, jitter: Double = 0,
        erasing: Double = 0, mixup: Double = 0
    ) throws(TensorError) {
        func wrong(_ argument: String, _ value: String, _ expected: String) -> TensorError {
            TensorError(
                operation: "ImageAugmentation", argument: argument, value: value,
                expected: expected)
        }
        if let resizedCrop, !(resizedCrop > 0 && resizedCrop <= 1) {
            throw wrong("resizedCrop", "\(resizedCrop)", "above 0 and up to 1")
        }
        guard (0...1000).contains(shift) else {
            throw wrong("shift", "\(shift)", "from 0 to 1000 pixels")
        }
        for (name, value) in [("jitter", jitter), ("erasing", erasing)]
        where !(0...1).contains(value) {
            throw wrong(name, "\(value)", "from 0 to 1")
        }
        guard (0...2).contains(mixup) else { throw wrong("mixup", "\(mixup)", "from 0 to 2") }
        self.resizedCrop = resizedCrop
        self.shift = shift
        self.flip = flip
        self.jitter = jitter
        self.erasing = erasing
        self.mixup = mixup
    }

    /// The changes that a text stands for: some of `resized-crop`, `shift`, `flip`, `jitter`,
    /// `erase` and `mixup`, with commas between, all but `flip` with an amount if the usual one is
    /// not meant: `shift:4,flip`; or `none`.
    ///
    /// - Throws: ``TensorError`` when the text has another word, one twice, or an impossible
    ///   amount.
    public init(name: String) throws(TensorError) {
        func wrong(_ part: Substring) -> TensorError {
            TensorError(
                operation: "ImageAugmentation", argument: "name", value: "\(part)",
                expected: "resized-crop[:PART], shift[:PIXELS], flip, jitter[:PART], "
                    + "erase[:PROBABILITY] or mixup[:ALPHA], each once")
        }
        if name == "none" {
            try self.init()
            return
        }
        var amounts: [Substring: Double] = [:]
        let usual: [Substring: Double] = [
            "resized-crop": Self.usualCrop, "shift": Double(Self.usualShift), "flip": 1,
            "jitter": Self.usualJitter, "erase": Self.usualErasing, "mixup": Self.usualMixup,
        ]
        for part in name.split(separator: ",", omittingEmptySubsequences: false) {
            let words = part.split(separator: ":", omittingEmptySubsequences: false)
            guard let word = words.first, let standard = usual[word], amounts[word] == nil,
                words.count == 1 || (words.count == 2 && word != "flip")
            else { throw wrong(part) }
            guard words.count == 2 else {
                amounts[word] = standard
                continue
            }
            guard let amount = Double(words[1]), word != "shift" || Int(words[1]) != nil else {
                throw wrong(part)
            }
            amounts[word] = amount
        }
        try self.init(
            resizedCrop: amounts["resized-crop"],
            shift: Int(min(max(amounts["shift"] ?? 0, -1), 1001)), flip: amounts["flip"] != nil,
            jitter: amounts["jitter"] ?? 0, erasing: amounts["erase"] ?? 0,
            mixup: amounts["mixup"] ?? 0)
    }

    /// The settings in the form that ``init(name:)`` reads; `none` where nothing is changed.
    public var name: String {
        var parts: [String] = []
        if let resizedCrop { parts.append("resized-crop:\(resizedCrop)") }
        if shift > 0 { parts.append("shift:\(shift)") }
        if flip { parts.append("flip") }
        if jitter > 0 { parts.append("jitter:\(jitter)") }
        if erasing > 0 { parts.append("erase:\(erasing)") }
        if mixup > 0 { parts.append("mixup:\(mixup)") }
        return parts.isEmpty ? "none" : parts.joined(separator: ",")
    }
}
