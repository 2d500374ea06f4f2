"""Build the network: Silent-Face's two without their last layers, and one layer on their features."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from faces.liveness.pixels import SCALES, SIDE
from faces.liveness.trained import CUT, LIVE
from faces.models import conversion, zoo
from faces.types import Floats

FEATURES = "features"


def features() -> bytes:
    """Return the ONNX network from the parts around faces, an input for each scale, to features: float32 (N, 256).

    Raises ModelError if Silent-Face's files are missing or damaged.
    """
    import onnx
    from onnx import compose, helper

    nodes, constants, inputs, outputs = list[Any](), list[Any](), list[Any](), list[str]()
    for name in SCALES:
        model = compose.add_prefix(onnx.load(conversion.converted(zoo.MODELS[name])), f"{name}/")
        graph = model.graph
        last = max(k for k, node in enumerate(graph.node) if node.op_type == "Gemm")
        used = {given for node in graph.node[:last] for given in node.input}
        [image] = graph.input
        for node in graph.node[:last]:
            node.input[:] = [name if given == image.name else given for given in node.input]
        image.name = name
        nodes += graph.node[:last]
        constants += [constant for constant in graph.initializer if constant.name in used]
        inputs.append(image)
        outputs.append(graph.node[last].input[0])
    nodes.append(helper.make_node("Concat", outputs, [FEATURES], axis=1))
    output = helper.make_tensor_value_info(FEATURES, onnx.TensorProto.FLOAT, ["n", None])
    joined = helper.make_graph(nodes, "liveness", inputs, [output], constants)
    made = helper.make_model(joined, opset_imports=model.opset_import, ir_version=model.ir_version)
    return bytes(made.SerializeToString())


def finished(trunk: bytes, weights: Floats, bias: float, metadata: dict[str, Any]) -> bytes:
    """Return the network of ``features`` with a last layer: how probably a face is alive, float32 (N, 1).

    weights: float32 (256,), of the features. bias: of their sum, in logits.
    metadata: written to the file, beside what ``TrainedLiveness`` needs.
    """
    import onnx
    from onnx import helper, numpy_helper

    model = onnx.load_from_string(trunk)
    graph = model.graph
    graph.initializer.append(numpy_helper.from_array(np.asarray(weights, np.float32)[:, None], "weights"))
    graph.initializer.append(numpy_helper.from_array(np.array([bias], np.float32), "bias"))
    graph.node.append(helper.make_node("Gemm", [FEATURES, "weights", "bias"], ["logit"]))
    graph.node.append(helper.make_node("Sigmoid", ["logit"], [LIVE]))
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info(LIVE, onnx.TensorProto.FLOAT, ["n", 1]))
    about = {"cut": CUT, "side": SIDE, "scales": SCALES} | metadata
    helper.set_model_props(model, {"faces": json.dumps(about)})
    return bytes(model.SerializeToString())
