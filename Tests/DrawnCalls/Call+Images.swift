// SPDX-License-Identifier: MIT
//
// Calls of ConvNetImages.

import ConvNet
import ConvNetImages
import Foundation

extension Call {
    static let images = [
        Call("Image.resized, cropped, converted") { draw in
            let image = try draw.image()
            let filter = draw.pick(ResizingFilter.allCases)
            switch draw.below(6) {
            case 0:
                _ = try image.resized(width: draw.size(), height: draw.size(), filter: filter)
            case 1: _ = try image.resized(shorterSide: draw.size(), filter: filter)
            case 2:
                _ = try image.cropped(
                    x: draw.integer(), y: draw.integer(), width: draw.size(), height: draw.size())
            case 3: _ = try image.centerCropped(width: draw.size(), height: draw.size())
            case 4: _ = try image.converted(toChannels: draw.size(1)).tensor()
            default: _ = image.flipped().inverted()
            }
        },
        Call("Image(bytes:file:covering:)") { draw in
            let file = Array("P6 2 1 255\n".utf8) + [1, 2, 3, 4, 5, 6]
            _ = try Image(
                bytes: draw.damaged(file), file: draw.text(),
                covering: draw.once(in: 2)
                    ? nil : ImageSize(width: draw.integer(), height: draw.integer()))
        },
        Call("ImageSet") { draw in
            let images = try draw.list(upTo: 3) { try $0.image() }
            let set = try ImageSet(
                images: images, labels: draw.list(upTo: 3) { $0.size(1) }, classes: draw.size(3),
                classNames: draw.list(upTo: 3) { $0.text() })
            _ = (set.statistics, set.commonSize)
            _ = try set.prefix(draw.size())
        },
        Call("ImageBatches") { draw in
            let channels = draw.pick([1, 3])
            let count = 1 + draw.below(4)
            let set = try ImageSet(
                images: (0..<count).map { _ in try draw.image(channels: channels) },
                labels: (0..<count).map { _ in draw.below(3) }, classes: 3)
            let preparation = try ImagePreparation(
                size: ImageSize(width: draw.size(), height: draw.size()),
                shorterSide: draw.once(in: 2) ? nil : draw.size(), scale: draw.real(1),
                mean: draw.once(in: 6) ? draw.list(upTo: 3) { $0.real(0.5) } : [0.5],
                deviation: draw.once(in: 6) ? draw.list(upTo: 3) { $0.real(0.5) } : [0.5],
                reversesChannels: draw.once(in: 4))
            let augmentation =
                draw.once(in: 2)
                ? nil
                : try ImageAugmentation(
                    resizedCrop: draw.once(in: 2) ? nil : draw.real(0.5), shift: draw.size(1),
                    flip: draw.flag(), jitter: draw.real(0.5), erasing: draw.real(0.5),
                    mixup: draw.real(0.5))
            let batches = try ImageBatches(
                set, preparation, augmentation: augmentation, shuffleSeed: draw.seed(),
                seed: draw.seed(), threads: draw.once(in: 2) ? nil : draw.integer())
            _ = batches.identity
            let epoch = draw.integer()
            _ = batches.order(ofEpoch: epoch)
            let indices = draw.list(upTo: 3) { $0.once(in: 8) ? $0.integer() : $0.below(count) }
            _ = try batches.batch(at: indices)
            _ = try batches.batch(at: indices, epoch: epoch)
        },
        Call("ImageAugmentation(name:)") { draw in
            let words = ["shift", "flip", "resized-crop", "jitter", "erase", "mixup", "none", ""]
            let name = draw.list(upTo: 3) { draw in
                draw.pick(words) + (draw.once(in: 2) ? "" : ":\(draw.real())")
            }.joined(separator: ",")
            _ = try ImageAugmentation(name: draw.once(in: 8) ? draw.text() : name)
        },
        Call("ImageFolder") { draw in
            let folder = try ImageFolder(
                URL(fileURLWithPath: draw.pick(["/dev/null", "/no/such", "/dev/null/a", "/"])))
            _ = try folder.split(testShare: draw.real(0.5), seed: draw.seed())
        },
    ]
}

extension Arguments {
    /// A small image, seldom one whose parts don't fit together.
    mutating func image(channels: Int? = nil) throws -> Image {
        let (width, height) = (small(), small())
        let channels = channels ?? pick([1, 3])
        let bytes = [UInt8](repeating: UInt8(below(256)), count: width * height * channels)
        return try Image(width: size(width), height: size(height), channels: channels, bytes: bytes)
    }
}
