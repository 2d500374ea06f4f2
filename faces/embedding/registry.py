"""The embedders that can be chosen, and which of them a file is. Adding one is described in docs/add-a-model.md.

An entry is a row of the model table (``faces.models.zoo``) with the task ``embedder``. A file is recognized by its
digest. A file that no row has may hold other weights of a known kind of network: it is used as the row that lists its
suffix in ``similar_files`` and has its input.
"""

from __future__ import annotations

from pathlib import Path

from faces.errors import ModelError
from faces.files.digest import digest
from faces.models.spec import ModelFile, ModelSpec
from faces.models.zoo import MODELS
from faces.types import ModelId

BUILT_IN, DLIB = "built-in", "dlib"
PACKAGED = {BUILT_IN: "sface-int8", DLIB: "dlib-resnet"}  # rows whose files ``faces download-models`` puts in the cache
SUFFIXES = (".t7", ".onnx")  # of the files that can be loaded
RAW = (0.0, 0.0, 0.0), 1.0  # mean and scale of a network that normalizes its input itself
Shape = list[int | str | None]


def entries() -> tuple[ModelSpec, ...]:
    """Return the embedders of the model table."""
    return tuple(spec for spec in MODELS.values() if spec.task == "embedder")


def names() -> tuple[str, ...]:
    """Return what ``--embedding-model`` takes beside a path: packaged embedders, and those with a file of their own."""
    return (*PACKAGED, *(spec.name for spec in entries() if _loadable_file(spec)))


def path_of(name: str) -> Path:
    """Return the file of an embedder.

    name: of ``names``, except those of ``PACKAGED``; or a path, which is returned.
    """
    file = _loadable_file(MODELS[name]) if name in MODELS else None
    return Path(file.path if file else name)


def absolute(name: str) -> str:
    """Return an embedder's name for processes in other folders: one of ``PACKAGED``, or an absolute path."""
    return name if name in PACKAGED else str(path_of(name).absolute())


def named_by(model: ModelId) -> str:
    """Return the name of the embedder that a fingerprint names.

    model: the fingerprint's embedder, such as ``dlib-resnet, mirrored``.
    Raises ModelError if no embedder of the table has this name, or its file is not where it belongs.
    """
    name = model.name.partition(", ")[0]
    packaged = next((short for short, row in PACKAGED.items() if row == name), None)
    if packaged is not None:
        return packaged
    spec = MODELS.get(name)
    file = _loadable_file(spec) if spec else None
    if file is None or not Path(file.path).is_file():
        raise ModelError(f"the embedder {model} is needed; name its file: --embedding-model FILE")
    return name


def known(path: Path, sha256: str) -> ModelSpec | None:
    """Return the embedder whose file this is, or None.

    sha256: of the file, hexadecimal.
    """
    own = (spec for spec in entries() if _loadable_file(spec))
    return next((spec for spec in own if any(_is(path, sha256, file) for file in spec.files)), None)


def similar(path: Path, input_shape: Shape | None = None) -> ModelSpec:
    """Return the embedder that a file with unknown weights is used as.

    input_shape: of the network, (N, 3, side, side); None if its suffix is enough to tell.
    Raises ModelError if no embedder has such an input.
    """
    candidates = [spec for spec in entries() if path.suffix.lower() in spec.similar_files]
    if input_shape is None:
        return candidates[0]
    fitting = [spec for spec in candidates if _fits(spec, input_shape)]
    if len(fitting) > 1:
        normalizes = _normalizes_itself(path)
        fitting = [spec for spec in fitting if ((spec.mean, spec.scale) == RAW) == normalizes]
    if not fitting:
        sides = dict.fromkeys(spec.input_wh for spec in candidates if spec.input_wh)
        inputs = " or ".join(f"(n, 3, {height}, {width})" for width, height in sides)
        raise ModelError(f"{path}: its input is {input_shape}; known embedders take {inputs}")
    return fitting[0]


def _loadable_file(spec: ModelSpec) -> ModelFile | None:
    """Return the file to load by name; None for packaged models and for families of models."""
    return next((file for file in spec.files if not file.package and Path(file.path).suffix in SUFFIXES), None)


def _is(path: Path, sha256: str, file: ModelFile) -> bool:
    if file.digest is None or Path(file.path).suffix != path.suffix.lower():
        return False
    algorithm = file.digest.partition(":")[0]
    return file.digest == (f"sha256:{sha256}" if algorithm == "sha256" else digest(path, algorithm))


def _fits(spec: ModelSpec, input_shape: Shape) -> bool:
    assert spec.input_wh is not None
    width, height = spec.input_wh
    return len(input_shape) == 4 and input_shape[1:] == [3, height, width]


def _normalizes_itself(path: Path) -> bool:
    """Return whether a network begins with a subtraction or a scaling, as SFace does and ArcFace's do not."""
    import onnx

    first = [node.op_type for node in onnx.load(path, load_external_data=False).graph.node[:8]]
    return "Sub" in first or "Mul" in first
