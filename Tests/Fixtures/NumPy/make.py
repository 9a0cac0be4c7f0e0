# SPDX-License-Identifier: MIT
#
# Makes the files in this folder, which NumPyTests.swift reads: python3 make.py (NumPy 2.4).
# Each array holds 0, 1, ... minus 2 where its type has a sign, halved where it has fractions.

import os

import numpy as np
from numpy.lib import format

os.chdir(os.path.dirname(os.path.abspath(__file__)))


def numbers(dtype, shape):
    values = np.arange(np.prod(shape)).reshape(shape)
    kind = np.dtype(dtype).kind
    if kind in "if":
        values = values - 2
    if kind == "f":
        values = values / 2
    if kind == "b":
        values = values % 2
    return values.astype(dtype)


for name in ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"]:
    np.save(f"{name}.npy", numbers(f"<{name}", (2, 3)))
for name in ["f2", "f4", "f8", "i2", "i4", "i8", "u2", "u4", "u8"]:
    np.save(f"{name}-big.npy", numbers(f">{name}", (2, 3)))
np.save("fortran.npy", np.asfortranarray(numbers("<f4", (2, 3, 4))))
np.save("fortran-big.npy", np.asfortranarray(numbers(">f8", (3, 2))))
np.save("scalar.npy", np.array(1.5, dtype="<f4"))
np.save("complex.npy", np.zeros(1, dtype="<c8"))
np.save("text.npy", np.array(["a"]))
np.save("records.npy", np.zeros(1, dtype=[("a", "<f4"), ("b", "<i4")]))
np.save("objects.npy", np.array([{}], dtype=object), allow_pickle=True)
np.save("empty.npy", np.zeros((2, 0), dtype="<f4"))
np.save("beyond-53-bits.npy", np.array([1, 2**53 + 1], dtype="<i8"))
for version in [(1, 0), (2, 0), (3, 0)]:
    with open(f"version-{version[0]}.npy", "wb") as file:
        format.write_array(file, numbers("<f4", (2, 3)), version=version)

# The parameters of the small network in the tests, as the book's would be.
arrays = {
    "W1": numbers("<f4", (3, 1, 3, 3)), "b1": numbers("<f4", (3,)),
    "W2": numbers("<f8", (27, 5)), "b2": numbers("<f4", (5,)),
    "W3": np.asfortranarray(numbers("<f4", (5, 4))), "b3": numbers(">f4", (4,)),
}
np.savez("stored.npz", **arrays)
np.savez_compressed("deflated.npz", **arrays)

# The book's network on MNIST, that gives each class its number whatever it sees.
np.savez_compressed(
    "simple.npz", W1=np.zeros((30, 1, 5, 5), "f4"), b1=np.zeros(30, "f4"),
    W2=np.zeros((4320, 100), "f4"), b2=np.zeros(100, "f4"), W3=np.zeros((100, 10), "f4"),
    b3=np.arange(10, dtype="f4"))

# The same after a training that diverged: the first number that is none is NaN at [3, 7] of W2. And
# with doubles that are too large for a float.
weights = np.zeros((4320, 100), "f4")
weights[3, 7], weights[3, 8], weights[5, 0] = np.nan, np.inf, -np.inf
np.savez_compressed(
    "diverged.npz", W1=np.zeros((30, 1, 5, 5), "f4"), b1=np.zeros(30, "f4"), W2=weights,
    b2=np.zeros(100, "f4"), W3=np.zeros((100, 10), "f4"), b3=np.arange(10, dtype="f4"))
np.savez_compressed(
    "too-large.npz", W1=np.zeros((30, 1, 5, 5), "f4"), b1=np.zeros(30, "f4"),
    W2=np.zeros((4320, 100), "f4"), b2=np.zeros(100, "f4"), W3=np.zeros((100, 10), "f4"),
    b3=np.array([0, 1, 1e300, 3, 4, 5, 6, 7, 8, 9]))
