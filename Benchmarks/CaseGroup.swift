// SPDX-License-Identifier: MIT
//
// Cases of one kind, and what they do in words that need no other.

/// A part of the table.
enum CaseGroup: CaseIterable {
    case products
    case columns
    case convolutions
    case pooling
    case wholeTensors
    case networks

    /// A case's group by the first word of its name; nil where it is none of these.
    init?(of name: String) {
        switch name.prefix(while: { $0 != "." }) {
        case "sgemm": self = .products
        case "im2col", "col2im": self = .columns
        case "conv": self = .convolutions
        case "maxpool": self = .pooling
        case "elementwise", "copy", "resize": self = .wholeTensors
        case "train", "predict", "predict1", "predict8": self = .networks
        default: return nil
        }
    }

    /// What the cases do, and how their sizes read.
    var title: String {
        switch self {
        case .products:
            "Matrix products: rows×columns of both factors"
        case .columns:
            "Windows copied from images to rows of a matrix (im2col), and added back (col2im): "
                + "window/stride, channels×height×width"
        case .convolutions:
            "Convolutions (forward+backward: and their gradients): filter/stride, channels in→out, "
                + "height×width"
        case .pooling:
            "Max pooling (forward+backward: and its gradient): window/stride, "
                + "channels×height×width"
        case .wholeTensors:
            "Operations on whole tensors, means of planes, copies, images of other sizes (and the "
                + "gradient): channels×height×width"
        case .networks:
            "Whole networks: training steps (train), the prediction of a batch (predict), of 1 and of 8 "
                + "images: channels×height×width"
        }
    }
}
