// SPDX-License-Identifier: MIT
//
// Prints what an untrained network takes a blank image for.

import ConvNet

let network = try SimpleConvNet(seed: 1)
let image = try Tensor(shape: [1, 1, 28, 28], scalars: Array(repeating: 0.5, count: 28 * 28))
let digit = try network.predict(image).argmaxOfRows()[0]
print("prediction \(digit)")
