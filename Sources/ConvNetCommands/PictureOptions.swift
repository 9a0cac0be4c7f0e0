// SPDX-License-Identifier: MIT
//
// The pictures that commands draw, looked at before the work whose result they are to show; and
// other options that these commands share.

import ConvNetOptions
import ConvNetPlots
import Foundation

extension Option {
    /// `--out FILE` for a picture.
    static let picture = Option("out", "FILE", "Where to write the picture (.png or .svg).")
    /// `--parameters FILE`.
    static let parameters = Option(
        "parameters", "FILE", "The network, or its parameters (safetensors, or ONNX).")
    /// `--invert` for images.
    static let invert = Option(
        "invert", "Make black white and white black first, as for dark ink on paper.")
}

extension Options {
    /// The picture that an option names, if it is given.
    ///
    /// - Throws: ``UsageError`` when its name has another ending, or it could not be written.
    func pictureFile(_ name: String) throws -> URL? {
        guard let file = try outputFile(name) else { return nil }
        do throws(FileError) {
            _ = try PictureFormat(of: file)
        } catch {
            throw UsageError(
                "--\(name) is \(file.path), expected \(error.expected ?? "a picture's file")")
        }
        return file
    }

    /// The picture that `--out` names; it has to be there.
    ///
    /// - Throws: ``UsageError`` as ``pictureFile(_:)`` does, or when it is missing.
    func requiredPicture() throws -> URL {
        guard let file = try pictureFile("out") else {
            throw UsageError("--out is missing, expected a file that ends in .png or .svg")
        }
        return file
    }

    /// The file of parameters.
    ///
    /// - Throws: ``UsageError`` when none is named.
    func requiredParameters() throws(UsageError) -> URL {
        guard let path = string("parameters") else {
            throw UsageError("--parameters is missing, expected a file")
        }
        return URL(fileURLWithPath: path)
    }
}
