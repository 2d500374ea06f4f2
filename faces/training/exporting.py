"""Export a Keras network as one ONNX file with its metadata."""

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
    """Write a Keras network to an ONNX file, atomically, after comparing ONNX Runtime's outputs with Keras'.

    In the file, the inputs are as in the example with any N, and the outputs are float32 (N, C), named as the heads.

    network: takes images (N, side, side, 3); has one output per head, in the order of ``metadata["heads"]`` or by name.
        It must not contain layers that only augment.
    metadata: written to the file as JSON, under the key "faces".
    example: uint8 (N, side, side, 3); for a network with several inputs, such arrays by name.

    Raises ModelError if the heads do not fit the outputs, the network cannot be exported, or the outputs differ.
    """
    heads: dict[str, dict[str, Any]] = metadata["heads"]
    example = example if isinstance(example, Mapping) else {INPUT: example}
    expected = _keras_outputs(network, example, list(heads))
    for (name, head), output in zip(heads.items(), expected, strict=True):
        fitting = (len(example[INPUT]), len(head.get("classes", [name])))
        if output.shape != fitting:
            raise ModelError(f"{name}: the network's output is {output.shape}, but its classes need {fitting}")
    with TemporaryDirectory() as folder:
        file = Path(folder, "network.onnx")
        _write(network, file, list(heads), example)
        data = _with_metadata(file, metadata)
        file.write_bytes(data)
        engine = OnnxEngine(file, threads=1)
        for name, ours, exported in zip(heads, expected, engine.run(example), strict=True):
            if not np.allclose(ours, exported, TOLERANCE, TOLERANCE):
                difference = np.abs(ours - exported).max()
                raise ModelError(f"{name}: ONNX Runtime and Keras differ by up to {difference:.2g}; nothing is written")
    write_bytes(path, data)


def _keras_outputs(network: Any, example: Mapping[str, NDArray[Any]], names: Sequence[str]) -> list[NDArray[Any]]:
    keras = backend.load_keras()
    inputs = {name: keras.ops.convert_to_tensor(array) for name, array in example.items()}
    with backend.full_precision():
        outputs = _in_order(network(_call_argument(inputs), training=False), names)
    return [keras.ops.convert_to_numpy(keras.ops.stop_gradient(output)) for output in outputs]


def _call_argument(inputs: Mapping[str, Any]) -> Any:
    """Return a single input as it is, several as a dictionary, as Keras networks take them."""
    return dict(inputs) if len(inputs) > 1 else next(iter(inputs.values()))


def _in_order(outputs: Any, names: Sequence[str]) -> list[Any]:
    ordered = list(outputs) if isinstance(outputs, (Mapping, list, tuple)) else [outputs]
    if isinstance(outputs, Mapping):
        fits = sorted(ordered) == sorted(names)
        ordered = [outputs[name] for name in names] if fits else ordered
    else:
        fits = len(ordered) == len(names)
    if not fits:
        raise ModelError(f"the network has {len(ordered)} outputs that do not fit the heads {', '.join(names)}")
    return ordered


def _write(network: Any, file: Path, names: list[str], example: Mapping[str, NDArray[Any]]) -> None:
    import torch

    class Core(torch.nn.Module):  # type: ignore[misc, unused-ignore]
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, *inputs: Any) -> tuple[Any, ...]:
            argument = _call_argument(dict(zip(example, inputs, strict=True)))
            outputs = _in_order(self.network(argument, training=False), names)
            return tuple(output.float() for output in outputs)

    device = next(iter(network.variables)).value.device
    batch_of_two = tuple(  # with a batch of one, N would be fixed to 1
        torch.as_tensor(np.resize(array, (2, *array.shape[1:])), device=device) for array in example.values()
    )
    free = torch.export.Dim("batch")
    try:
        with warnings.catch_warnings(), redirect_stdout(StringIO()), torch.no_grad():
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                Core().eval(),
                batch_of_two,
                dynamo=True,
                input_names=list(example),
                output_names=names,
                dynamic_shapes=(tuple({0: free} for _ in batch_of_two),),
                verbose=False,
            )
            program.save(str(file), external_data=False)  # type: ignore[union-attr, unused-ignore]
    except Exception as error:  # PyTorch's exporter raises a dozen types
        raise ModelError(f"this network cannot be exported to ONNX ({first_line(error)})") from error


def _with_metadata(file: Path, metadata: dict[str, Any]) -> bytes:
    """Return the file's bytes with the metadata, and without paths of this machine."""
    import onnx

    model = onnx.load(file)
    graph = model.graph
    for part in (model, graph, *graph.node, *graph.value_info, *graph.input, *graph.output, *graph.initializer):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    _subtract_by_adding(graph)
    entry = model.metadata_props.add()
    text = json.dumps(metadata, ensure_ascii=False)
    entry.key, entry.value = "faces", text.encode("utf-8", "backslashreplace").decode()  # as JSON escapes it
    return bytes(model.SerializeToString())


def _subtract_by_adding(graph: Any) -> None:
    """Replace x - mean by x + (-mean), so that ONNX Runtime folds Keras' BatchNormalization into the convolutions.

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
