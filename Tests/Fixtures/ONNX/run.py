# SPDX-License-Identifier: MIT
#
# Checks ONNX files and runs them, for ONNXRuntimeTests.swift: run.py FOLDER
#
# For each NAME.onnx there, NAME.names holds what its inputs and its outputs are called, a line
# each, NAME.shapes the inputs' shapes, a line each, NAME.input0 and so on their numbers, raw.
# Writes NAME.output0 and so on, raw float32, beside them. Fails where a file is not valid.

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
    inputs, results = session.get_inputs(), session.get_outputs()
    names = path.with_suffix(".names").read_text().splitlines()
    assert [value.name for value in inputs + results] == names, path.name
    assert all(value.shape[0] == "N" for value in inputs + results), path.name
    shapes = [[int(extent) for extent in line.split()]
              for line in path.with_suffix(".shapes").read_text().splitlines()]
    given = {value.name: np.fromfile(path.with_suffix(f".input{place}"), "<f4").reshape(shape)
             for place, (value, shape) in enumerate(zip(inputs, shapes, strict=True))}
    for place, (y, result) in enumerate(zip(session.run(None, given), results, strict=True)):
        assert list(y.shape) == [shapes[0][0]] + result.shape[1:], (path.name, y.shape, result.shape)
        y.astype("<f4").tofile(path.with_suffix(f".output{place}"))
