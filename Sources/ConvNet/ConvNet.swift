// SPDX-License-Identifier: MIT
//
// `import ConvNet` is all that a user of networks writes: tensors and kernels come with it.

@_exported import ConvNetKernels
@_exported import ConvNetTensor
