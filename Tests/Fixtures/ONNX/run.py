# SPDX-License-Identifier: MIT
#
# Checks ONNX files and runs them, for ONNXRuntimeTests.swift: run.py FOLDER
#
# For each NAME.onnx there, NAME.shape holds the input's shape as text, NAME.input its numbers, raw.
# Writes NAME.output, raw float32, beside them. Fails where a file is not valid.

import pathlib
import sys

import numpy as np
import onnx
import onnxruntime

for path in sorted(pathlib.Path(sys.argv[1]).glob("*.onnx")):
    # The full check infers every shape from the operators and compares it with what the file says.
    onnx.checker.check_model(str(path), full_check=True)
    model = onnx.load(str(path))
    assert onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    [given], [result] = session.get_inputs(), session.get_outputs()
    assert (given.name, result.name) == ("input", "output"), path.name
    assert given.shape[0] == result.shape[0] == "N", path.name
    shape = [int(extent) for extent in path.with_suffix(".shape").read_text().split()]
    x = np.fromfile(path.with_suffix(".input"), dtype="<f4").reshape(shape)
    [y] = session.run(None, {"input": x})
    assert list(y.shape) == [shape[0]] + result.shape[1:], (path.name, y.shape, result.shape)
    y.astype("<f4").tofile(path.with_suffix(".output"))
