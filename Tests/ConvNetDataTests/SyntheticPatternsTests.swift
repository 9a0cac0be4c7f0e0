// SPDX-License-Identifier: MIT
//
// Drawn stripes: the same for the same seed, in any batch, and different where they should be.

import ConvNetData
import ConvNetTensor
import Testing

struct SyntheticPatternsTests {
    @Test func anImageDependsOnItsPlaceAlone() throws {
        let patterns = try SyntheticPatterns(count: 30, side: 9, seed: 3)
        let all = try patterns.batch(at: patterns.order(ofEpoch: 7))
        #expect(all.images.shape == [30, 3, 9, 9])
        #expect(all.labels == (0..<30).map { $0 % 10 })
        let some = try patterns.batch(at: [17, 4])
        #expect(some.labels == [7, 4])
        #expect(try some.images == all.images.samples(at: [17, 4]))
        let longer = try SyntheticPatterns(count: 300, side: 9, seed: 3)
        #expect(try longer.batch(at: [17, 4]).images == some.images)
        #expect(
            try SyntheticPatterns(count: 30, side: 9, seed: 4).batch(at: [4]).images != some.images)
        #expect(all.images.scalars.allSatisfy { $0 >= 0 && $0 <= 1 })
    }

    /// No two images are the same, within a class or not.
    @Test func imagesDiffer() throws {
        let patterns = try SyntheticPatterns(count: 40, side: 40, seed: 1)
        let images = try (0..<40).map { try patterns.batch(at: [$0]).images }
        for one in images.indices {
            for other in images.indices where other > one {
                #expect(images[one] != images[other], "\(one) and \(other)")
            }
        }
    }

    @Test func mistakesAreNamed() throws {
        #expect {
            try SyntheticPatterns(count: 0, seed: 1)
        } throws: {
            "\($0)" == "SyntheticPatterns: count is 0, expected at least 1"
        }
        #expect {
            try SyntheticPatterns(count: 1, side: 0, seed: 1)
        } throws: {
            "\($0)" == "SyntheticPatterns: side is 0, expected from 1 to 65536"
        }
        let patterns = try SyntheticPatterns(count: 3, side: 4, seed: 1)
        for places in [[], [3], [-1]] {
            #expect(throws: TensorError.self) { try patterns.batch(at: places) }
        }
    }
}
