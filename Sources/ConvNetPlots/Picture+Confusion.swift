// SPDX-License-Identifier: MIT
//
// Which classes a network takes for which, and the mistakes that it was surest of.

import ConvNetTensor

/// A sample that was sorted wrongly.
public struct Mistake: Sendable {
    /// The sample's place in the data.
    public let index: Int
    /// The class that it has.
    public let label: Int
    /// The class that it was taken for.
    public let prediction: Int
    /// How probable the network called that, from 0 to 1.
    public let probability: Double
    /// The sample: `[1, C, H, W]`, from 0 to 1, one channel or three.
    public let image: Tensor

    /// A sample that was sorted wrongly.
    public init(index: Int, label: Int, prediction: Int, probability: Double, image: Tensor) {
        self.index = index
        self.label = label
        self.prediction = prediction
        self.probability = probability
        self.image = image
    }
}

extension Picture {
    /// The most classes that a confusion matrix is drawn for.
    public static let mostClasses = 1000

    /// A table of how often each class was taken for which, and images of some mistakes.
    ///
    /// Blue cells on the diagonal are what was right, as a share of the row; orange cells are
    /// mistakes, the darker the more, on a scale of their own. Where there are more classes
    /// than there is room for numbers, the pairs that were confused most often are listed
    /// beside the table.
    ///
    /// - Parameters:
    ///   - counts: one row per label with one count per prediction; as many rows as columns.
    ///   - mistakes: what to show beside it, in this order.
    ///   - names: what the classes are called, one for each; none where numbers say it.
    /// - Throws: ``TensorError`` when the counts are no square of 1 to ``mostClasses`` classes,
    ///   one is negative, a mistake's image has another shape, or there are names and not one
    ///   for each class.
    public static func confusion(
        _ counts: [[Int]], mistakes: [Mistake] = [], names: [String] = []
    ) throws(TensorError) -> Picture {
        let classes = counts.count
        guard names.isEmpty || names.count == classes else {
            throw TensorError(
                operation: "Picture.confusion", argument: "names.count", value: "\(names.count)",
                expected: "none, or one for each of \(classes) classes")
        }
        guard (1...mostClasses).contains(classes), counts.allSatisfy({ $0.count == classes }) else {
            throw TensorError(
                operation: "Picture.confusion", argument: "counts",
                value: "\(classes) rows of \(counts.first?.count ?? 0)",
                expected: "a square of 1 to \(mostClasses) classes")
        }
        guard counts.allSatisfy({ $0.allSatisfy { (0...(1 << 40)).contains($0) } }) else {
            throw TensorError(
                operation: "Picture.confusion", argument: "counts", value: "out of range",
                expected: "counts from 0 to 2^40")
        }
        var thumbnails: [MistakeSheet.Thumbnail] = []
        for mistake in mistakes.prefix(MistakeSheet.most) {
            thumbnails.append(
                MistakeSheet.Thumbnail(
                    mistake, try Raster(image: mistake.image, operation: "Picture.confusion"),
                    names))
        }
        let table = ConfusionTable(counts: counts, names: names)
        let pairs = ConfusedPairs(counts: counts, names: names)
        let sheet = MistakeSheet(thumbnails: thumbnails, room: table.height)
        let pairsLeft = table.width + 24
        let sheetLeft = pairsLeft + (pairs.isEmpty ? 0 : pairs.width + 24)
        let width =
            thumbnails.isEmpty
            ? (pairs.isEmpty ? table.width : sheetLeft - 24) : sheetLeft + sheet.width
        return Picture(
            width: width + 2 * ConfusionTable.margin,
            height: max(table.height, sheet.height) + 2 * ConfusionTable.margin
        ) { canvas in
            let corner = Point(ConfusionTable.margin, ConfusionTable.margin)
            table.draw(on: canvas, at: corner)
            pairs.draw(on: canvas, at: Point(corner.x + pairsLeft, corner.y))
            sheet.draw(on: canvas, at: Point(corner.x + sheetLeft, corner.y))
        }
    }
}
