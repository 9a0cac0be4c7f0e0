// SPDX-License-Identifier: MIT
//
// libjpeg-turbo's TurboJPEG interface, version 2.1. It returns a status where libjpeg jumps, so
// that nothing jumps over Swift code; its messages end up in errors, and nothing is printed. What
// it would only warn of, a file that ends too early above all, is an error here.

internal import CTurboJPEG
import ConvNetTensor

/// Decodes JPEG files one after the other.
final class JPEGDecoder {
    private let handle: tjhandle

    /// A decoder.
    ///
    /// - Throws: ``FileError`` when there is no memory for one.
    init() throws(FileError) {
        guard let handle = tjInitDecompress() else {
            throw FileError(
                file: "JPEG", problem: "no decoder", expected: "memory for libjpeg-turbo's")
        }
        self.handle = handle
    }

    deinit { tjDestroy(handle) }

    /// The image of a file, as its EXIF orientation has it.
    ///
    /// - Parameter covering: the size that it will be scaled to; nil for its own.
    /// - Throws: ``FileError`` when the file is damaged or in CMYK, or the image has too many
    ///   pixels.
    func image(
        of bytes: [UInt8], file: String, covering: ImageSize?
    ) throws(FileError) -> Image {
        let segments = JPEGSegments(of: bytes)
        let (size, channels) = try header(of: bytes, segments, file)
        let orientation = EXIFOrientation(segments)
        let target = covering.map { orientation.swapsSides ? $0.swapped : $0 }
        let scaled = target.map { Self.scaled(size, covering: $0) } ?? size
        let count = scaled.width * scaled.height * channels
        // An array for which there is no memory ends the process.
        try FileBytes.requireMemory(count, file)
        var failure: FileError?
        let decoded = [UInt8](unsafeUninitializedCapacity: count) { pixels, filled in
            let format = channels == 1 ? TJPF_GRAY : TJPF_RGB
            let flags = TJFLAG_LIMITSCANS | TJFLAG_STOPONWARNING
            let status = tjDecompress2(
                handle, bytes, UInt(bytes.count), pixels.baseAddress, Int32(scaled.width), 0,
                Int32(scaled.height), Int32(format.rawValue), flags)
            if status != 0 { failure = self.failure(segments, file) }
            filled = status == 0 ? count : 0
        }
        if let failure { throw failure }
        return Image(checkedWidth: scaled.width, scaled.height, channels, decoded)
            .oriented(orientation)
    }

    /// The size of the image as it is in the file, and how many channels it has.
    private func header(
        of bytes: [UInt8], _ segments: JPEGSegments, _ file: String
    ) throws(FileError) -> (size: ImageSize, channels: Int) {
        var (width, height, sampling, space) = (Int32(0), Int32(0), Int32(0), Int32(-1))
        let status = tjDecompressHeader3(
            handle, bytes, UInt(bytes.count), &width, &height, &sampling, &space)
        // Colours that are sampled in an unusual way are decoded all the same.
        let isOnlyUnusual = sampling < 0 && space >= 0 && width > 0 && height > 0
        // Tables alone are a JPEG file too.
        guard (status == 0 && width > 0) || isOnlyUnusual else { throw failure(segments, file) }
        guard Image.isPossible(Int(width), Int(height)) else {
            throw FileError(
                file: file, problem: "\(width) x \(height) pixels", expected: Image.possibleSizes)
        }
        switch UInt32(space) {
        case TJCS_CMYK.rawValue, TJCS_YCCK.rawValue:
            throw FileError(
                file: file, problem: "in CMYK, whose colours only its printer knows",
                expected: "gray or RGB")
        default:
            let size = ImageSize(width: Int(width), height: Int(height))
            return (size, UInt32(space) == TJCS_GRAY.rawValue ? 1 : 3)
        }
    }

    /// The smallest of the sizes in full, a half, a quarter and an eighth that is at least twice as
    /// large as a target both ways, so that what scales further has enough to average.
    static func scaled(_ size: ImageSize, covering target: ImageSize) -> ImageSize {
        for divisor in [8, 4, 2] {
            let scaled = ImageSize(
                width: (size.width + divisor - 1) / divisor,
                height: (size.height + divisor - 1) / divisor)
            if scaled.width / 2 >= target.width, scaled.height / 2 >= target.height {
                return scaled
            }
        }
        return size
    }

    /// What the decoder says. A file can put bytes of its own there: what is no printable ASCII is
    /// left out.
    private func failure(_ segments: JPEGSegments, _ file: String) -> FileError {
        let message = tjGetErrorStr2(handle).map { text in
            String(
                decoding: UnsafeBufferPointer(start: text, count: Self.length(of: text))
                    .map { UInt8(bitPattern: $0) }.filter { (32...126).contains($0) },
                as: UTF8.self)
        }
        let problem =
            segments.areCutShort || message?.contains("Premature end") == true
            ? "the file ends before its image does" : "damaged: \(message ?? "no reason given")"
        return FileError(file: file, problem: problem, expected: "a whole JPEG file")
    }

    /// How long a message is; the decoder's have room for 200 characters.
    private static func length(of text: UnsafePointer<CChar>) -> Int {
        (0..<200).first { text[$0] == 0 } ?? 200
    }
}

extension ImageSize {
    /// Height for width.
    var swapped: ImageSize { ImageSize(width: height, height: width) }
}
