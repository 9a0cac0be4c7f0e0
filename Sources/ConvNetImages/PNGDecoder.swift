// SPDX-License-Identifier: MIT
//
// libpng's simplified interface, which says in words what is wrong with a file. Its messages end up
// in errors; nothing is printed, and nothing jumps over Swift code.

internal import CPNG
import ConvNetTensor

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Makes pixels of the chunks that ``PNGChunks`` let through.
enum PNGDecoder {
    /// The image on white paper.
    ///
    /// - Throws: ``FileError`` with libpng's words when the file is damaged, or when there is no
    ///   memory for the image.
    static func image(of bytes: [UInt8], file: String) throws(FileError) -> Image {
        // libpng keeps the bytes' address from the header to the last row.
        try bytes.withUnsafeBufferPointer { bytes throws(FileError) in
            var image = png_image()
            image.version = UInt32(PNG_IMAGE_VERSION)
            defer { png_image_free(&image) }
            guard png_image_begin_read_from_memory(&image, bytes.baseAddress, bytes.count) != 0
            else { throw failure(image, file) }
            return try pixels(of: &image, file)
        }
    }

    /// Reads the rows of an image whose header has been read.
    private static func pixels(of image: inout png_image, _ file: String) throws(FileError) -> Image
    {
        // Samples of 16 bits come as they are: libpng's own way of cutting them to 8 mixes up the
        // rows of interlaced images (in 1.6.39 with Debian's mends), or writes beyond them
        // (before). It takes them for linear and multiplies them with alpha, which is no matter
        // where all stay so.
        let isWide = image.format & UInt32(PNG_FORMAT_FLAG_LINEAR) != 0
        let isGray = image.format & UInt32(PNG_FORMAT_FLAG_COLOR) == 0
        image.format = UInt32(PNG_FORMAT_FLAG_ALPHA)
        if !isGray { image.format |= UInt32(PNG_FORMAT_FLAG_COLOR) }
        if isWide { image.format |= UInt32(PNG_FORMAT_FLAG_LINEAR) }
        let (width, height) = (Int(image.width), Int(image.height))
        let channels = isGray ? 1 : 3
        // Alpha comes last.
        let stride = channels + 1
        guard let samples = malloc(stride * width * height * (isWide ? 2 : 1)) else {
            throw tooLarge(file)
        }
        defer { free(samples) }
        guard png_image_finish_read(&image, nil, samples, Int32(stride * width), nil) != 0,
            !hasLostTransparency(image)
        else { throw failure(image, file) }
        let count = width * height * channels
        try FileBytes.requireMemory(count, file)
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { bytes, filled in
            for place in 0..<count {
                let pixel = place / channels * stride
                let (sample, alpha) = (pixel + place % channels, pixel + channels)
                if isWide {
                    let samples = samples.assumingMemoryBound(to: UInt16.self)
                    bytes[place] = onPaper(samples[sample], alpha: samples[alpha])
                } else {
                    let samples = samples.assumingMemoryBound(to: UInt8.self)
                    bytes[place] = onPaper(samples[sample], alpha: samples[alpha])
                }
            }
            filled = count
        }
        return Image(checkedWidth: width, height, channels, bytes)
    }

    /// A sample on white paper.
    private static func onPaper(_ sample: UInt8, alpha: UInt8) -> UInt8 {
        let mixed = UInt32(sample) * UInt32(alpha) + 255 * (255 - UInt32(alpha))
        return UInt8((mixed + 127) / 255)
    }

    /// The same for a wide sample, which is multiplied with alpha already.
    private static func onPaper(_ sample: UInt16, alpha: UInt16) -> UInt8 {
        let mixed = min(UInt32(sample) + 65_535 - UInt32(alpha), 65_535)
        return UInt8((mixed * 255 + 32_767) / 65_535)
    }

    /// Whether libpng warned that it leaves out which colours are transparent; it reads on then.
    private static func hasLostTransparency(_ image: png_image) -> Bool {
        image.warning_or_error != 0 && message(of: image).hasPrefix("tRNS")
    }

    private static func failure(_ image: png_image, _ file: String) -> FileError {
        let message = message(of: image)
        let lowercased = message.lowercased()
        if lowercased.contains("out of memory") || lowercased.contains("insufficient memory") {
            return tooLarge(file)
        }
        return FileError(
            file: file, problem: "damaged: \(message)", expected: "a whole PNG file")
    }

    private static func tooLarge(_ file: String) -> FileError {
        FileError(
            file: file, problem: "too large for the memory", expected: "a smaller image")
    }

    /// What libpng says. A file can put bytes of its own there, such as a chunk's name: what is no
    /// printable ASCII is left out.
    private static func message(of image: png_image) -> String {
        withUnsafeBytes(of: image.message) { bytes in
            let printable = bytes.prefix { $0 != 0 }.filter { (32...126).contains($0) }
            return String(decoding: printable, as: UTF8.self)
        }
    }
}
