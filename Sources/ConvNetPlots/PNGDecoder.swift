// SPDX-License-Identifier: MIT
//
// libpng's simplified interface, which says in words what is wrong with a file. Its messages end up in
// errors; nothing is printed, and nothing jumps over Swift code.

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
    static func raster(of bytes: [UInt8], file: String) throws(FileError) -> Raster {
        // libpng keeps the bytes' address from the header to the last row.
        try bytes.withUnsafeBufferPointer { bytes throws(FileError) in
            var image = png_image()
            image.version = UInt32(PNG_IMAGE_VERSION)
            defer { png_image_free(&image) }
            guard png_image_begin_read_from_memory(&image, bytes.baseAddress, bytes.count) != 0
            else { throw failure(image, file) }
            return try raster(of: &image, file)
        }
    }

    /// Reads the rows of an image whose header has been read.
    private static func raster(
        of image: inout png_image, _ file: String
    ) throws(FileError) -> Raster {
        // Samples of 16 bits come as they are: libpng's own way of cutting them to 8 mixes up the rows of
        // interlaced images (in 1.6.39 with Debian's mends), or writes beyond them (before). It takes
        // them for linear and multiplies them with alpha, which is no matter where all stay so.
        let isWide = image.format & UInt32(PNG_FORMAT_FLAG_LINEAR) != 0
        image.format = UInt32(PNG_FORMAT_FLAG_COLOR | PNG_FORMAT_FLAG_ALPHA)
        if isWide { image.format |= UInt32(PNG_FORMAT_FLAG_LINEAR) }
        let (width, height) = (Int(image.width), Int(image.height))
        let byteCount = 4 * width * height * (isWide ? 2 : 1)
        guard let samples = malloc(byteCount) else { throw tooLarge(file) }
        defer { free(samples) }
        guard png_image_finish_read(&image, nil, samples, Int32(4 * width), nil) != 0,
            !hasLostTransparency(image)
        else { throw failure(image, file) }
        let pixels = [UInt32](unsafeUninitializedCapacity: width * height) { pixels, count in
            if isWide {
                let samples = samples.assumingMemoryBound(to: UInt16.self)
                for place in 0..<width * height { pixels[place] = onPaper(samples + 4 * place) }
            } else {
                let samples = samples.assumingMemoryBound(to: UInt8.self)
                for place in 0..<width * height { pixels[place] = onPaper(samples + 4 * place) }
            }
            count = width * height
        }
        return Raster(width: width, height: height, pixels: pixels)
    }

    /// A pixel of red, green, blue and alpha on white paper, as `0xRRGGBB`.
    private static func onPaper(_ samples: UnsafePointer<UInt8>) -> UInt32 {
        let alpha = UInt32(samples[3])
        return (0..<3).reduce(0) { code, channel in
            let mixed = UInt32(samples[channel]) * alpha + 255 * (255 - alpha)
            return code << 8 | (mixed + 127) / 255
        }
    }

    /// The same for wide samples, which are multiplied with alpha already.
    private static func onPaper(_ samples: UnsafePointer<UInt16>) -> UInt32 {
        let paper = 65535 - UInt32(samples[3])
        return (0..<3).reduce(0) { code, channel in
            let mixed = min(UInt32(samples[channel]) + paper, 65535)
            return code << 8 | (mixed * 255 + 32767) / 65535
        }
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
