# SPDX-License-Identifier: MIT
#
# What ONNX Runtime answers, for RealModelTests.swift: answers.py MODEL FOLDER EXTENT…
#
# Draws the model's only input, of these extents, and writes it to FOLDER/input.npy and the outputs
# to FOLDER/output0.npy and so on.

import pathlib
import sys

import numpy as np
import onnxruntime

model, folder, extents = sys.argv[1], pathlib.Path(sys.argv[2]), [int(n) for n in sys.argv[3:]]
session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
x = np.random.default_rng(1).standard_normal(extents).astype("f4")
np.save(folder / "input.npy", x)
[value] = session.get_inputs()
for place, y in enumerate(session.run(None, {value.name: x})):
    np.save(folder / f"output{place}.npy", y)
