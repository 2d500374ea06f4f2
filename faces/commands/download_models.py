"""Fetch the models that do not come with the installation, check them, and put them where the scripts look for them.

    python download_models.py [openface|sface|all]

openface is the classic pair: the SSD detector into face_detection_model/, OpenFace's own weights beside this script as
openface_nn4.small2.v1.cmu.t7, since openface_nn4.small2.v1.t7 is there already, with weights of this project.
sface is the modern pair: YuNet into face_detection_model/, SFace beside this script.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from faces.cli import options, text
from faces.errors import ModelError
from faces.models.download import fetch
from faces.models.spec import ModelFile
from faces.models.zoo import MODELS

PAIRS = {"openface": ("ssd-caffe", "openface"), "sface": ("yunet", "sface")}


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = options.parser(
        "Fetch the models that do not come with the installation, and check them.", "python download_models.py sface"
    )
    parser.add_argument("pair", nargs="?", choices=(*PAIRS, "all"), default="all", help="which models")
    parser.add_argument(
        "--root", type=Path, default=Path(__file__).resolve().parents[2], metavar="FOLDER", help="the project's folder"
    )
    return parser


def fetch_with_bar(file: ModelFile, root: Path) -> Path:
    """Fetch one file, with a progress bar where stderr is a terminal."""
    # The bar appears with the first bytes; disable=None is tqdm's word for "unless this is no terminal".
    with tqdm(desc=Path(file.path).name, unit="B", unit_scale=True, leave=False, disable=None, delay=0.1) as bar:

        def progress(received: int, total: int | None) -> None:
            bar.total = total
            bar.update(received - bar.n)

        return fetch(file, root, progress)


def main(argv: Sequence[str] | None = None) -> int:
    """Fetch what was asked for; a file that fails does not keep the others from being fetched."""
    args = build_parser().parse_args(argv)
    names = [name for pair, models in PAIRS.items() if args.pair in (pair, "all") for name in models]
    status = 0
    for file in (file for name in names for file in MODELS[name].files):
        try:
            print(fetch_with_bar(file, args.root))
        except ModelError as error:
            text.complain(str(error))
            status = 1
    return status
