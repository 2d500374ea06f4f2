"""Collect the nodes and constants of an ONNX network."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


class Nodes:
    """The nodes of an ONNX network in order, and its constants; names follow from their number.

    nodes: ``onnx.NodeProto``. constants: ``onnx.TensorProto``.
    """

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def node(self, kind: str, *inputs: str | NDArray[Any], **attributes: Any) -> str:
        """Add a node and return the name of its output.

        kind: the ONNX operator.
        inputs: names of outputs, or constants; float64 becomes float32.
        attributes: of the operator.
        """
        from onnx import helper, numpy_helper

        names = []
        for given in inputs:
            if not isinstance(given, str):
                given = given.astype(np.float32) if given.dtype == np.float64 else given
                constant = f"constant{len(self.constants)}"
                self.constants.append(numpy_helper.from_array(np.ascontiguousarray(given), constant))
                given = constant
            names.append(given)
        output = f"{kind}{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, names, [output], **attributes))
        return output
