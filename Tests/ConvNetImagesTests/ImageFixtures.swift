// SPDX-License-Identifier: MIT
//
// The images that Tests/Fixtures/Images/make.py made with Pillow.

import ConvNetImages
import Foundation

enum ImageFixtures {
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../Fixtures/Images").standardizedFileURL

    static func url(_ name: String) -> URL { folder.appendingPathComponent(name) }

    static func image(_ name: String) throws -> Image { try Image(contentsOf: url(name)) }

    static func bytes(_ name: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: url(name))) }
}

extension Image {
    /// The largest difference of two samples; nil where the images differ in size.
    func largestDifference(to other: Image) -> Int? {
        guard [width, height, channels] == [other.width, other.height, other.channels] else {
            return nil
        }
        return zip(bytes, other.bytes).map { abs(Int($0) - Int($1)) }.max()
    }
}
