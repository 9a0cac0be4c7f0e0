// SPDX-License-Identifier: MIT
//
// A window's geometry as settings: convolution and pooling share them.

extension Window {
    /// The names of the settings that describe a window.
    static let settingNames = ["size", "stride", "padding", "dilation", "ceil_mode"]

    /// The geometry: heights before widths, paddings in the order top, bottom, left, right.
    var layerSettings: LayerSettings {
        [
            "size": .integers([size.height, size.width]),
            "stride": .integers([stride.height, stride.width]),
            "padding": .integers([padding.top, padding.bottom, padding.left, padding.right]),
            "dilation": .integers([dilation.height, dilation.width]),
            "ceil_mode": .flag(usesCeilMode),
        ]
    }

    /// The window that settings describe.
    ///
    /// - Throws: ``TensorError`` when one of them is missing or not what a window may have.
    init(settings: LayerSettings) throws(TensorError) {
        func perAxis(_ name: String) throws(TensorError) -> PerAxis {
            let both = try settings.integers(name, count: 2, in: 1...Shape.largestExtent)
            return PerAxis(height: both[0], width: both[1])
        }
        let sides = try settings.integers("padding", count: 4, in: 0...Shape.largestExtent)
        try self.init(
            size: perAxis("size"), stride: perAxis("stride"),
            padding: Padding(top: sides[0], bottom: sides[1], left: sides[2], right: sides[3]),
            dilation: perAxis("dilation"), ceilMode: settings.flag("ceil_mode"))
    }
}
