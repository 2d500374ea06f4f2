"""Train the last layers of an attribute model again, on several data sets of which each has some of the labels.

python -m benchmarks.attribute_heads --dataset faces.csv --images FOLDER --targets gender age_group age ethnicity
    --start old.onnx -o new.onnx

The convolutions stay as they are, so their output is computed once for each face and its mirror image. Photographs that
the old model was validated and tested with are not trained with. Of the others, one in ten of those without an age is
held out, too: the data sets without ages are new to the model. Several networks are trained.
The one that is written gives the mean of their scores.
"""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from faces.attributes.model import AttributeModel
from faces.cli import running
from faces.cli.options import as_dataclass
from faces.commands import train_attributes
from faces.commands.train_attributes import log
from faces.training.attributes import dataset
from faces.training.attributes.calibration import temperature
from faces.training.attributes.dataset import AttributeOptions, LabelledFaces
from faces.training.attributes.heads import YEAR_LOSS
from faces.training.data import reading
from faces.training.data.labelled import AGE
from faces.types import Floats, Image

NETWORKS = 4
EPOCHS, BATCH, RATE, DECAY = 10, 128, 1e-3, 1e-2
DROPPED, DROPPED_HIDDEN = 0.1, 0.2  # of the features and of the embedding, and of the hidden units
BALANCE = 0.4  # as train-attributes has it
HELD_OUT = 10  # one face without an age in so many
CHOICES = ("gender", "ethnicity", "age_group")


def main(argv: Sequence[str] | None = None) -> int:
    import onnx

    argv = list(sys.argv[1:] if argv is None else argv)
    args = train_attributes.build_parser().parse_args(argv)
    old = AttributeModel(args.start)
    data = reading.read(args.dataset, args.targets or (), log, args.images)
    labelled = dataset.prepare(data, as_dataclass(AttributeOptions, args), log, old.about)
    model = onnx.load(args.start)
    layers = LastLayers(model, {head.name: head.classes for head in old.heads})
    faces = Faces(model, labelled, layers.classes)

    networks = [trained(layers, faces, seed) for seed in range(NETWORKS)]
    layers.weights = joined(networks)
    for name in CHOICES:
        rows = faces.parts[1] & (faces.labels[name] >= 0).numpy()
        answers = layers.answers(faces.features[rows], faces.embeddings[rows])[name].softmax(1).numpy()
        heat = temperature(answers, faces.labels[name][rows].numpy())
        layers.weights[name] = [part / heat for part in layers.weights[name]]
    for part, rows in (("validation", faces.parts[1]), ("held out, without an age", faces.parts[2])):
        answers = layers.answers(faces.features[rows], faces.embeddings[rows])
        for name in CHOICES:
            truth = faces.labels[name][rows]
            known = truth >= 0
            if not known.any():
                continue
            right = answers[name].argmax(1)[known] == truth[known]
            print(f"{part}: {name} {right.float().mean():.2%} of {len(right):,}")
    layers.put(model)
    entry = next(entry for entry in model.metadata_props if entry.key == "faces")
    command = f"python -m benchmarks.attribute_heads {shlex.join(argv)}"
    entry.value = json.dumps(json.loads(entry.value) | {"command": command, "epochs": EPOCHS, "rate": RATE})
    onnx.save(model, args.output)
    return 0


class Faces:
    """What the last layers see of each face, and its labels, as tensors.

    features, mirrored: float32 (N, F), the convolutions' output for the face and for its mirror image.
    embeddings: float32 (N, D), as the network scales them.
    labels: int64 (N,) by choice; -1 if unknown. age: float32 (N,), NaN if unknown.
    parts: bool (N,), to train with, to validate, and held out.
    """

    def __init__(self, model: Any, labelled: LabelledFaces, classes: dict[str, tuple[str, ...]]) -> None:
        import torch

        data, crops = labelled.data, labelled.crops
        age = np.where(data.known(AGE), data.labels[AGE], np.nan).astype(np.float32)
        train, validation, _ = (part & crops.found for part in labelled.parts)
        held_out = train & np.isnan(age) & (np.arange(len(data)) % HELD_OUT == 0)
        self.parts = train & ~held_out, validation, held_out
        self.age = torch.tensor(age)
        self.labels = {}
        for name in CHOICES:
            order = np.array([-1, *(classes[name].index(label) for label in data.classes[name])])
            self.labels[name] = torch.tensor(order[data.labels[name] + 1])
        self.features, self.mirrored = (
            torch.tensor(features(model, images, crops.embeddings))
            for images in (crops.images, crops.images[:, :, ::-1])
        )
        self.embeddings = torch.tensor(crops.embeddings * np.sqrt(crops.embeddings.shape[1], dtype=np.float32))


def features(model: Any, images: Image, embeddings: Floats) -> Floats:
    """Return what the convolutions give for face crops: float32 (N, F)."""
    import onnx
    import onnxruntime

    name = next(node.input[0] for node in model.graph.node if node.op_type == "Concat")
    with_features = onnx.ModelProto()
    with_features.CopyFrom(model)
    with_features.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
    session = onnxruntime.InferenceSession(with_features.SerializeToString())
    side = session.get_inputs()[0].shape[1]
    parts = []
    for start in range(0, len(images), BATCH):
        batch = [cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA) for crop in images[start : start + BATCH]]
        given = {"image": np.array(batch), "embedding": embeddings[start : start + BATCH]}
        parts.append(session.run([name], given)[0])
    return np.concatenate(parts)


class LastLayers:
    """A hidden layer on the embedding, and a head for each target on the features, the embedding, and the hidden units.

    weights: by name of the head, and ``hidden``: [kernel, bias].
    anchors: float32 (A,), years; the age is their mean, weighted by the softmax of its head.
    """

    def __init__(self, model: Any, classes: dict[str, tuple[str, ...]]) -> None:
        import torch
        from onnx import numpy_helper

        nodes, constants = model.graph.node, {item.name: item for item in model.graph.initializer}
        made_by = {output: node for node in nodes for output in node.output}
        self.classes = classes
        self.names: dict[str, list[str]] = {}
        softmax_of_age = made_by[made_by[AGE].input[0]]
        softmaxes = {AGE: softmax_of_age} | {name: made_by[name] for name in CHOICES}
        gelu = next(node for node in nodes if node.op_type == "Gelu")
        for name, node in ({"hidden": gelu} | softmaxes).items():
            add = made_by[node.input[0]]
            self.names[name] = [made_by[add.input[0]].input[1], add.input[1]]
        self.anchors = torch.tensor(numpy_helper.to_array(constants[made_by[AGE].input[1]]).ravel().copy())
        self.weights = {
            name: [torch.tensor(numpy_helper.to_array(constants[part]).copy()) for part in parts]
            for name, parts in self.names.items()
        }

    def answers(self, features: Any, embeddings: Any, weights: Any = None, training: bool = False) -> dict[str, Any]:
        """Return the scores (N, C) of each choice, and the years (N,)."""
        import torch
        from torch.nn import functional

        weights = weights or self.weights
        features = functional.dropout(features, DROPPED, training)
        embeddings = functional.dropout(embeddings, DROPPED, training)
        hidden = functional.gelu(embeddings @ weights["hidden"][0] + weights["hidden"][1])
        seen = torch.cat([features, embeddings, functional.dropout(hidden, DROPPED_HIDDEN, training)], 1)
        scores = {name: seen @ kernel + bias for name, (kernel, bias) in weights.items() if name != "hidden"}
        return scores | {AGE: scores[AGE].softmax(1) @ self.anchors}

    def put(self, model: Any) -> None:
        """Write the weights into an ONNX model."""
        from onnx import numpy_helper

        constants = {item.name: item for item in model.graph.initializer}
        for name, parts in self.names.items():
            for part, tensor in zip(parts, self.weights[name], strict=True):
                constants[part].CopyFrom(numpy_helper.from_array(tensor.detach().numpy().astype(np.float32), part))
        del model.graph.value_info[:]  # the hidden layer has another size


def trained(layers: LastLayers, faces: Faces, seed: int) -> dict[str, list[Any]]:
    """Return the weights after training from those of the model."""
    import torch
    from torch.nn import functional

    torch.manual_seed(seed)
    weights = {name: [part.clone().requires_grad_() for part in parts] for name, parts in layers.weights.items()}
    rows = torch.tensor(np.flatnonzero(faces.parts[0]))
    balance = {name: class_weights(faces.labels[name][rows]) for name in CHOICES}
    steps = EPOCHS * (len(rows) // BATCH)
    optimizer = torch.optim.AdamW([part for parts in weights.values() for part in parts], RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, steps)
    for _ in range(EPOCHS):
        for batch in rows[torch.randperm(len(rows))].split(BATCH)[: len(rows) // BATCH]:
            is_mirrored = torch.rand(len(batch), 1) < 0.5
            seen = torch.where(is_mirrored, faces.mirrored[batch], faces.features[batch])
            answers = layers.answers(seen, faces.embeddings[batch], weights, training=True)
            off = (answers[AGE] - faces.age[batch]).abs()
            loss = YEAR_LOSS * off[~off.isnan()].sum()
            for name, weight in balance.items():
                label = faces.labels[name][batch]
                loss = loss + functional.cross_entropy(answers[name], label, weight, ignore_index=-1, reduction="sum")
            optimizer.zero_grad()
            (loss / len(batch)).backward()
            optimizer.step()
            schedule.step()
    return {name: [part.detach() for part in parts] for name, parts in weights.items()}


def class_weights(labels: Any) -> Any:
    """Return a weight for each class, float32, larger for rare ones; their mean over the labels is 1."""
    counts = labels[labels >= 0].bincount().float()
    weights = (counts.sum() / counts) ** BALANCE
    return weights * counts.sum() / (weights * counts).sum()


def joined(networks: list[dict[str, list[Any]]]) -> dict[str, list[Any]]:
    """Join several networks into one that gives the mean of their scores; return its weights."""
    import torch

    hidden = [torch.cat([network["hidden"][part] for network in networks], dim=-1) for part in (0, 1)]
    units = len(networks[0]["hidden"][1])
    together = {"hidden": hidden}
    for name in networks[0].keys() - {"hidden"}:
        kernels = [network[name][0] / len(networks) for network in networks]
        shared = torch.stack([kernel[:-units] for kernel in kernels]).sum(0)
        bias = torch.stack([network[name][1] for network in networks]).mean(0)
        together[name] = [torch.cat([shared, *(kernel[-units:] for kernel in kernels)]), bias]
    return together


if __name__ == "__main__":
    running.run(main)
