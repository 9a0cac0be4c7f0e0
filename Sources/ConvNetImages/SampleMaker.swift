// SPDX-License-Identifier: MIT
//
// One image of a batch: a part of it, moved, mirrored, in other colours, as numbers. Each kind of
// change draws from a stream of its own, so that a change more leaves the others as they were.

import ConvNetTensor

/// Makes the samples of an epoch.
struct SampleMaker {
    private let images: ImageSet
    private let preparation: ImagePreparation
    private let augmentation: ImageAugmentation
    private let epochSeed: UInt64
    /// The number for each byte, 256 for each of the network's channels.
    private let table: [Float]

    /// The streams of a sample.
    private enum Purpose: UInt64 {
        case crop, shift, flip, jitter, erasing, mixup
    }

    init(
        _ batches: ImageBatches, _ augmentation: ImageAugmentation?, epochSeed: UInt64
    ) throws(TensorError) {
        images = batches.images
        preparation = batches.preparation
        if let augmentation {
            self.augmentation = augmentation
        } else {
            self.augmentation = try ImageAugmentation()
        }
        self.epochSeed = epochSeed
        var table: [Float] = []
        for channel in 0..<batches.images.channels {
            for byte in 0..<256 {
                table.append(batches.preparation.number(Float(byte) / 255, channel: channel))
            }
        }
        self.table = table
    }

    /// The random numbers of a sample for a purpose.
    private func generator(_ index: Int, _ purpose: Purpose) -> Philox {
        Philox(seed: epochSeed, stream: UInt64(index) << 8 | purpose.rawValue)
    }

    /// Makes a sample, with another mixed in where images are mixed.
    func make(_ index: Int, into numbers: UnsafeMutableBufferPointer<Float>) throws(TensorError) {
        try makeAlone(index, into: numbers)
        guard augmentation.mixup > 0 else { return }
        let (partner, ownShare) = mix(of: index)
        var other = [Float](repeating: 0, count: numbers.count)
        var failure: TensorError?
        other.withUnsafeMutableBufferPointer { other in
            do throws(TensorError) {
                try makeAlone(partner, into: other)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        let (own, rest) = (Float(ownShare), Float(1 - ownShare))
        for place in numbers.indices { numbers[place] = own * numbers[place] + rest * other[place] }
    }

    /// Which other sample is mixed in, and how much of the sample itself stays.
    func mix(of index: Int) -> (partner: Int, ownShare: Double) {
        var generator = generator(index, .mixup)
        let count = UInt64(images.images.count)
        let partner = Int(generator.next().multipliedFullWidth(by: count).high)
        // Beta(α, α): Jöhnk, 1964. With α up to 2 every sixth draw or more is taken.
        let exponent = 1 / augmentation.mixup
        for _ in 0..<1000 {
            let (x, y) = (
                power(generator.nextUniform(), exponent), power(generator.nextUniform(), exponent)
            )
            if x + y > 0, x + y <= 1 { return (partner, x / (x + y)) }
        }
        return (partner, 1)
    }

    private func makeAlone(
        _ index: Int, into numbers: UnsafeMutableBufferPointer<Float>
    ) throws(TensorError) {
        var image = images.images[index]
        if augmentation.resizedCrop != nil {
            image = try cut(image, index)
        } else if image.width != preparation.size.width || image.height != preparation.size.height {
            image = try preparation.framed(image)
        }
        let (dx, dy) = shift(index)
        let isMirrored = augmentation.flip && draw(index, .flip) < 0.5
        place(image, dx, dy, isMirrored, into: numbers)
        if augmentation.jitter > 0 { jitter(index, numbers) }
        if augmentation.erasing > 0 { erase(index, numbers) }
    }

    private func draw(_ index: Int, _ purpose: Purpose) -> Double {
        var generator = generator(index, purpose)
        return generator.nextUniform()
    }

    /// By how much an image is moved to the right and down.
    private func shift(_ index: Int) -> (Int, Int) {
        guard augmentation.shift > 0 else { return (0, 0) }
        var generator = generator(index, .shift)
        let count = Double(2 * augmentation.shift + 1)
        let draws = (generator.nextUniform(), generator.nextUniform())
        return (
            Int((draws.0 * count).rounded(.down)) - augmentation.shift,
            Int((draws.1 * count).rounded(.down)) - augmentation.shift
        )
    }

    /// A part of the image, scaled to the network's size; without a part that fits in ten draws,
    /// the image as it is prepared without changes.
    private func cut(_ image: Image, _ index: Int) throws(TensorError) -> Image {
        var generator = generator(index, .crop)
        let least = augmentation.resizedCrop ?? 1
        for _ in 0..<10 {
            let part = Self.part(
                area: least + (1 - least) * generator.nextUniform(), proportions: 0.75...4.0 / 3,
                of: image.width, image.height, &generator)
            guard let part else { continue }
            let cut = try image.cropped(
                x: part.x, y: part.y, width: part.width, height: part.height)
            return try cut.resized(
                width: preparation.size.width, height: preparation.size.height)
        }
        return try preparation.framed(image)
    }

    /// A random rectangle with a given share of an area and a proportion whose logarithm is uniform
    /// in a range; nil where it does not fit. It takes three numbers from the generator either way.
    private static func part(
        area: Double, proportions: ClosedRange<Double>, of width: Int, _ height: Int,
        _ generator: inout Philox
    ) -> (x: Int, y: Int, width: Int, height: Int)? {
        let draws = (generator.nextUniform(), generator.nextUniform(), generator.nextUniform())
        let (low, high) = (
            logarithm(proportions.lowerBound), logarithm(proportions.upperBound)
        )
        let proportion = exponential(low + (high - low) * draws.0)
        let pixels = area * Double(width * height)
        let (wide, tall) = (
            Int((pixels * proportion).squareRoot().rounded()),
            Int((pixels / proportion).squareRoot().rounded())
        )
        guard wide >= 1, tall >= 1, wide <= width, tall <= height else { return nil }
        return (
            Int(draws.1 * Double(width - wide + 1)), Int(draws.2 * Double(height - tall + 1)),
            wide, tall
        )
    }

    /// Writes an image's numbers, channel by channel: those of bytes, or from 0 to 1 where colours
    /// are still to be changed. What becomes free is black.
    private func place(
        _ image: Image, _ dx: Int, _ dy: Int, _ isMirrored: Bool,
        into numbers: UnsafeMutableBufferPointer<Float>
    ) {
        let (width, height, channels) = (image.width, image.height, image.channels)
        let isPlain = augmentation.jitter > 0
        image.bytes.withUnsafeBufferPointer { bytes in
            table.withUnsafeBufferPointer { table in
                for channel in 0..<channels {
                    let source = preparation.reversesChannels ? channels - 1 - channel : channel
                    for y in 0..<height {
                        let row = y - dy
                        let target = (channel * height + y) * width
                        let isInside = row >= 0 && row < height
                        for x in 0..<width {
                            let column = isMirrored ? width - 1 - (x - dx) : x - dx
                            let isSeen = isInside && column >= 0 && column < width
                            let byte =
                                isSeen ? bytes[(row * width + column) * channels + source] : 0
                            numbers[target + x] =
                                isPlain
                                ? Float(byte) / 255 : table[channel << 8 | Int(byte)]
                        }
                    }
                }
            }
        }
    }

    /// Changes brightness, contrast and saturation, in this order, then normalizes. Numbers stay
    /// from 0 to 1 before that.
    private func jitter(_ index: Int, _ numbers: UnsafeMutableBufferPointer<Float>) {
        var generator = generator(index, .jitter)
        func factor() -> Float {
            Float(1 + augmentation.jitter * (2 * generator.nextUniform() - 1))
        }
        let (brightness, contrast, saturation) = (factor(), factor(), factor())
        let plane = numbers.count / images.channels
        func clamped(_ x: Float) -> Float { min(max(x, 0), 1) }
        for place in numbers.indices { numbers[place] = clamped(brightness * numbers[place]) }
        // Contrast: away from the mean brightness; saturation: away from each pixel's own.
        let first = preparation.reversesChannels ? 2 : 0
        func gray(_ pixel: Int) -> Float {
            guard images.channels == 3 else { return numbers[pixel] }
            return 0.299 * numbers[first * plane + pixel] + 0.587 * numbers[plane + pixel]
                + 0.114 * numbers[(2 - first) * plane + pixel]
        }
        let mean = Float((0..<plane).reduce(0.0) { $0 + Double(gray($1)) } / Double(plane))
        for place in numbers.indices {
            numbers[place] = clamped(mean + contrast * (numbers[place] - mean))
        }
        if images.channels == 3 {
            for pixel in 0..<plane {
                let gray = gray(pixel)
                for channel in 0..<3 {
                    let place = channel * plane + pixel
                    numbers[place] = clamped(gray + saturation * (numbers[place] - gray))
                }
            }
        }
        for channel in 0..<images.channels {
            for place in channel * plane..<(channel + 1) * plane {
                numbers[place] = preparation.number(numbers[place], channel: channel)
            }
        }
    }

    /// Sets a rectangle to 0, of 2 to 33 % of the image, in a proportion from 3:10 to 10:3 (Zhong
    /// et al., 2020).
    private func erase(_ index: Int, _ numbers: UnsafeMutableBufferPointer<Float>) {
        var generator = generator(index, .erasing)
        guard generator.nextUniform() < augmentation.erasing else { return }
        let (width, height) = (preparation.size.width, preparation.size.height)
        for _ in 0..<10 {
            let part = Self.part(
                area: 0.02 + 0.31 * generator.nextUniform(), proportions: 0.3...10.0 / 3,
                of: width, height, &generator)
            guard let part else { continue }
            for channel in 0..<images.channels {
                for y in part.y..<part.y + part.height {
                    let row = (channel * height + y) * width + part.x
                    for x in 0..<part.width { numbers[row + x] = 0 }
                }
            }
            return
        }
    }
}
