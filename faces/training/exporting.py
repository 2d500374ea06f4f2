"""A Keras network as one ONNX file that says what it is."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faces.errors import ModelError, first_line
from faces.files.writing import write_bytes
from faces.models.engine import OnnxEngine
from faces.training import backend

Example = NDArray[np.uint8] | Mapping[str, NDArray[Any]]

INPUT = "image"
TOLERANCE = 1e-4


def export(network: Any, path: Path, metadata: dict[str, Any], example: Example) -> None:
    """Write a Keras network, without layers that only augment, to ``path`` whole or not at all.

    network: takes images (N, side, side, 3), of whatever dtype; gives one output per head, in the order of
    metadata["heads"] or by their names. metadata: goes into the file as JSON, under "faces". example: uint8
    (N, side, side, 3), or, for a network of several inputs, such arrays by their names.
    In the file the inputs are as in the example, N is free, and the outputs are float32 (N, C) named as the heads.
    Raises ModelError when the heads do not fit the outputs, the network cannot be exported, or ONNX Runtime answers
    for the example otherwise than Keras.
    """
    heads: dict[str, dict[str, Any]] = metadata["heads"]
    example = example if isinstance(example, Mapping) else {INPUT: example}
    expected = _answers(network, example, list(heads))
    for (name, head), output in zip(heads.items(), expected, strict=True):
        wanted = (len(example[INPUT]), len(head.get("classes", [name])))
        if output.shape != wanted:
            raise ModelError(f"{name}: the network's output is {output.shape}, where {wanted} fits its classes")
    with TemporaryDirectory() as folder:
        file = Path(folder, "network.onnx")
        _write(network, file, list(heads), example)
        data = _described(file, metadata)
        file.write_bytes(data)
        engine = OnnxEngine(file, threads=1)
        for name, one, other in zip(heads, expected, engine.run(example), strict=True):
            if not np.allclose(one, other, TOLERANCE, TOLERANCE):
                raise ModelError(
                    f"{name}: ONNX Runtime's answer is not that of Keras (by up to {np.abs(one - other).max():.2g});"
                    " nothing is written"
                )
    write_bytes(path, data)


def _answers(network: Any, example: Mapping[str, NDArray[Any]], names: Sequence[str]) -> list[NDArray[Any]]:
    keras = backend.keras()
    given = {name: keras.ops.convert_to_tensor(array) for name, array in example.items()}
    with backend.exact():
        outputs = _in_order(network(_as_it_takes(given), training=False), names)
    return [keras.ops.convert_to_numpy(keras.ops.stop_gradient(output)) for output in outputs]


def _as_it_takes(given: Mapping[str, Any]) -> Any:
    """A network of one input takes it as it is, one of several a dictionary."""
    return dict(given) if len(given) > 1 else next(iter(given.values()))


def _in_order(outputs: Any, names: Sequence[str]) -> list[Any]:
    found = list(outputs) if isinstance(outputs, (Mapping, list, tuple)) else [outputs]
    if isinstance(outputs, Mapping):
        fits = sorted(found) == sorted(names)
        found = [outputs[name] for name in names] if fits else found
    else:
        fits = len(found) == len(names)
    if not fits:
        raise ModelError(f"the network has {len(found)} outputs that do not fit the heads {', '.join(names)}")
    return found


def _write(network: Any, file: Path, names: list[str], example: Mapping[str, NDArray[Any]]) -> None:
    import torch

    class Core(torch.nn.Module):  # type: ignore[misc, unused-ignore]
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, *given: Any) -> tuple[Any, ...]:
            inputs = _as_it_takes(dict(zip(example, given, strict=True)))
            outputs = _in_order(self.network(inputs, training=False), names)
            return tuple(output.float() for output in outputs)

    device = next(iter(network.variables)).value.device
    two = tuple(  # of one, N would become 1
        torch.as_tensor(np.resize(array, (2, *array.shape[1:])), device=device) for array in example.values()
    )
    batch = torch.export.Dim("batch")
    try:
        with warnings.catch_warnings(), redirect_stdout(StringIO()), torch.no_grad():
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                Core().eval(),
                two,
                dynamo=True,
                input_names=list(example),
                output_names=names,
                dynamic_shapes=(tuple({0: batch} for _ in two),),
                verbose=False,
            )
            program.save(str(file), external_data=False)  # type: ignore[union-attr, unused-ignore]
    except Exception as error:  # PyTorch's exporter has a dozen kinds, of which most are RuntimeErrors
        raise ModelError(f"this network cannot be exported to ONNX ({first_line(error)})") from error


def _described(file: Path, metadata: dict[str, Any]) -> bytes:
    """The file's bytes with the metadata, without traces of where it was made."""
    import onnx

    model = onnx.load(file)
    graph = model.graph
    for part in (model, graph, *graph.node, *graph.value_info, *graph.input, *graph.output, *graph.initializer):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    _add_what_is_subtracted(graph)
    entry = model.metadata_props.add()
    text = json.dumps(metadata, ensure_ascii=False)
    entry.key, entry.value = "faces", text.encode("utf-8", "backslashreplace").decode()  # as JSON escapes it
    return bytes(model.SerializeToString())


def _add_what_is_subtracted(graph: Any) -> None:
    """x - mean becomes x + -mean, which ONNX Runtime folds into a convolution: Keras' BatchNormalization costs nothing.

    graph: an ``onnx.GraphProto``, changed in place.
    """
    from onnx import numpy_helper

    constants = {constant.name: constant for constant in graph.initializer}
    for node in graph.node:
        if node.op_type == "Sub" and node.input[1] in constants:
            name = f"minus_{node.input[1]}"
            if name not in constants:
                negative = numpy_helper.from_array(-numpy_helper.to_array(constants[node.input[1]]), name)
                graph.initializer.append(negative)
                constants[name] = negative
            node.op_type, node.input[1] = "Add", name
    used = {name for node in graph.node for name in node.input}
    unused = [constant for constant in graph.initializer if constant.name not in used]
    for constant in unused:
        graph.initializer.remove(constant)
