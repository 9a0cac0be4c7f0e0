// SPDX-License-Identifier: MIT
//
// How images may be changed at random without changing what they show.

import ConvNetTensor

/// Random changes of images: each image of a batch is shifted, turned, enlarged and mirrored by
/// amounts of its own, within these bounds.
public struct Augmentation: Sendable, Hashable {
    /// The most pixels that an image is shifted by along each axis; whole pixels are drawn.
    public let shift: Int
    /// The most degrees that it is turned by, either way.
    public let rotation: Double
    /// The largest part of its height and width that is cut away; the rest is enlarged to full
    /// size.
    public let crop: Double
    /// Whether every other image, at random, is mirrored left to right.
    public let flip: Bool

    /// The usual amounts: 2 pixels, 10 degrees, a tenth.
    public static let usualShift = 2, usualRotation = 10.0, usualCrop = 0.1

    /// Random changes; without arguments none.
    ///
    /// - Throws: ``TensorError`` when the shift is not from 0 to 1,000 pixels, the rotation not
    ///   from 0 to 180 degrees, or the crop not from 0 to below 1.
    public init(
        shift: Int = 0, rotation: Double = 0, crop: Double = 0, flip: Bool = false
    ) throws(TensorError) {
        func wrong(_ argument: String, _ value: String, _ expected: String) -> TensorError {
            TensorError(
                operation: "Augmentation", argument: argument, value: value, expected: expected)
        }
        guard (0...1000).contains(shift) else {
            throw wrong("shift", "\(shift)", "from 0 to 1000 pixels")
        }
        guard (0...180).contains(rotation) else {
            throw wrong("rotation", "\(rotation)", "from 0 to 180 degrees")
        }
        guard (0..<1).contains(crop) else {
            throw wrong("crop", "\(crop)", "at least 0 and below 1")
        }
        self.shift = shift
        self.rotation = rotation
        self.crop = crop
        self.flip = flip
    }

    /// The changes that a text stands for: some of `shift`, `rotate`, `crop` and `flip`, with
    /// commas between, the first three with an amount if the usual one is not meant:
    /// `shift:3,rotate`.
    ///
    /// - Throws: ``TensorError`` when the text has another word, one twice, or an
    ///   impossible amount.
    public init(name: String) throws(TensorError) {
        func wrong(_ part: Substring) -> TensorError {
            TensorError(
                operation: "Augmentation", argument: "name", value: "\(part)",
                expected: "shift[:PIXELS], rotate[:DEGREES], crop[:PART] or flip, each once")
        }
        var amounts: [Substring: Double] = [:]
        let usual: [Substring: Double] = [
            "shift": Double(Self.usualShift), "rotate": Self.usualRotation,
            "crop": Self.usualCrop, "flip": 1,
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
            shift: Int(min(amounts["shift"] ?? 0, 1001).rounded(.down)),
            rotation: amounts["rotate"] ?? 0, crop: amounts["crop"] ?? 0,
            flip: amounts["flip"] != nil)
    }

    /// The settings in the form that ``init(name:)`` reads; `none` where nothing is changed.
    public var name: String {
        var parts: [String] = []
        if shift > 0 { parts.append("shift:\(shift)") }
        if rotation > 0 { parts.append("rotate:\(rotation)") }
        if crop > 0 { parts.append("crop:\(crop)") }
        if flip { parts.append("flip") }
        return parts.isEmpty ? "none" : parts.joined(separator: ",")
    }
}
