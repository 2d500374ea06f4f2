"""Draw a sample data set of people who do not exist, so that everything here can be tried without a photograph."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from faces.errors import FacesError, reason_of
from faces.files.writing import make_folder, owner_only
from faces.synthetic.people import CAST, STRANGERS, Person, random_person
from faces.synthetic.scenes import Picture, film, group, known_name, portrait
from faces.types import Image
from faces.video.sink import VideoSink

MARKER = ".made_by_make_sample_dataset.json"
FPS = 25
FILM_WH = (640, 480)


class SampleError(FacesError):
    """A folder that is not ours to write into, or a file that cannot be written."""


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="example: python make_sample_dataset.py --people 8 --photos 10 -o dataset",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("-o", "--output", type=Path, default=Path("dataset"), help="where the people's folders go")
    parser.add_argument(
        "--extras", type=Path, default=Path("sample"), help="where group pictures, a film and truth.json go"
    )
    parser.add_argument("--seed", type=int, default=7, help="another number, other photographs")
    parser.add_argument("--people", type=count(2, 100), default=8, help="how many people, 2 to 100")
    parser.add_argument("--photos", type=count(1, 99), default=10, help="photographs of each person, 1 to 99")
    parser.add_argument("--force", action="store_true", help="draw again, also into a folder that has other files")
    return parser


def count(low: int, high: int) -> Any:
    """An argparse type: a whole number in a range."""

    def number(text: str) -> int:
        if not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"{text} is not between {low} and {high}")
        return int(text)

    return number


def main(argv: Sequence[str] | None = None) -> int:
    """Draw the data set; 0 when it is there, 1 when it cannot be."""
    args = build_parser().parse_args(argv)
    start = time.perf_counter()
    try:
        drawn = make(args.output, args.extras, args.seed, args.people, args.photos, args.force)
    except FacesError as error:
        print(f"make_sample_dataset: {error}", file=sys.stderr)
        return error.status
    except OSError as error:
        print(f"make_sample_dataset: cannot write {error.filename}: {reason_of(error)}", file=sys.stderr)
        return 1
    done = f"drawn in {time.perf_counter() - start:.1f} s" if drawn else "already there, nothing to do"
    print(f"{args.people} people with {args.photos} pictures each in {args.output}, extras in {args.extras}: {done}")
    return 0


def make(output: Path, extras: Path, seed: int, people: int, photos: int, force: bool) -> bool:
    """Draw what is missing; False where everything was there."""
    if output.resolve() == extras.resolve():
        raise SampleError(f"{output} cannot be both --output and --extras; choose two folders")
    cast = [*CAST[:people], *(random_person(f"Person {n}", seed, n) for n in range(len(CAST) + 1, people + 1))]
    options = {"seed": seed, "people": people, "photos": photos}
    folders = {
        output: [f"{person.name}/{n:02}.jpg" for person in cast for n in range(1, photos + 1)],
        extras: ["group_1.jpg", "group_2.jpg", "photo.jpg", "video.mp4", "truth.json"],
    }
    if not force and all(complete(folder, options) for folder in folders):
        return False
    for folder in folders:
        check_ours(folder, force)
    for folder, files in folders.items():
        clear(folder)
        write_marker(folder, options, files, complete=False)
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)  # the pictures are small: threads of its own cost OpenCV more than they bring
    try:
        draw_dataset(output, cast, photos, seed)
        folders[extras] = draw_extras(extras, cast, seed)
    finally:
        cv2.setNumThreads(threads)
    for folder, files in folders.items():
        write_marker(folder, options, files, complete=True)
    return True


def read_marker(folder: Path) -> dict[str, Any] | None:
    """What an earlier run noted in a folder: its options, its files, and whether it came to its end."""
    try:
        noted = json.loads((folder / MARKER).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError as error:
        raise SampleError(f"{folder / MARKER} is damaged; delete it, or the folder, and run again") from error
    return noted if isinstance(noted, dict) else None


def write_marker(folder: Path, options: dict[str, int], files: list[str], complete: bool) -> None:
    """Note in a folder that it is ours."""
    make_folder(folder)
    noted = {"options": options, "complete": complete, "files": files}
    write_file(folder / MARKER, json.dumps(noted, ensure_ascii=False, indent=1).encode())


def complete(folder: Path, options: dict[str, int]) -> bool:
    """Whether an earlier run with the same options filled the folder, and its files are still there."""
    noted = read_marker(folder)
    if noted is None or not noted.get("complete") or noted.get("options") != options:
        return False
    return all((folder / file).is_file() for file in noted.get("files", []))


def check_ours(folder: Path, force: bool) -> None:
    """Raise SampleError where a folder has files that no earlier run made."""
    if folder.exists() and not folder.is_dir():
        raise SampleError(f"{folder} is a file, not a folder")
    if force or not folder.exists() or read_marker(folder) is not None:
        return
    if others := sorted(file.name for file in folder.iterdir() if file.name not in ("README.md", ".gitkeep")):
        raise SampleError(f"{folder} has other files ({others[0]}); choose another folder, or --force to add to it")


def clear(folder: Path) -> None:
    """Delete what an earlier run made, and only that."""
    noted = read_marker(folder) or {}
    for name in noted.get("files", []):
        file = folder / name
        if folder.resolve() in file.resolve().parents:
            file.unlink(missing_ok=True)
            if file.parent != folder and file.parent.is_dir() and not any(file.parent.iterdir()):
                file.parent.rmdir()


def write_jpeg(path: Path, image: Image) -> None:
    """A JPEG file of quality 92, at any path that the system can write."""
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 92])
    write_file(path, data.tobytes())


def write_file(path: Path, data: bytes) -> None:
    """As ``faces.files.writing.write_bytes``, but faster, since nothing is lost with half a picture: it is drawn
    again."""
    make_folder(path.parent)
    with open(path, "wb", opener=owner_only) as file:
        file.write(data)


def draw_dataset(output: Path, cast: Sequence[Person], photos: int, seed: int) -> None:
    """``photos`` portraits of everybody, each in their own folder."""

    def draw(job: tuple[Person, int]) -> None:
        person, n = job
        write_jpeg(output / person.name / f"{n:02}.jpg", portrait(person, seed, n).image)

    with ThreadPoolExecutor() as pool:
        list(pool.map(draw, [(person, n) for person in cast for n in range(1, photos + 1)]))


def draw_extras(extras: Path, cast: Sequence[Person], seed: int) -> list[str]:
    """Pictures to recognise people in, and the truth about them; the names of the files."""

    def pick(*indices: int) -> list[Person]:
        return list({i % len(cast): cast[i % len(cast)] for i in indices}.values())

    first, last = pick(0, 1, 2), pick(3, 4, 5)
    pictures = {
        "group_1.jpg": group([*first, STRANGERS[0]], seed, 1),
        "group_2.jpg": group([STRANGERS[1], *last], seed, 2),
        "photo.jpg": portrait(pick(7)[0], seed, "photo"),
    }
    for name, picture in pictures.items():
        write_jpeg(extras / name, picture.image)
    left, right = pick(0, 7)
    film_people = [left, STRANGERS[2], right]
    video = extras / "video.mp4"
    frames = write_film(video, film_people, seed)
    truth = {
        "pictures": {name: who_is_where(picture) for name, picture in pictures.items()},
        "video": {
            "file": video.name,
            "fps": FPS,
            "width": FILM_WH[0],
            "height": FILM_WH[1],
            "names": [known_name(person) for person in film_people],
            "frames": frames,
        },
    }
    write_file(extras / "truth.json", json.dumps(truth, ensure_ascii=False).encode())
    return [*pictures, video.name, "truth.json"]


def write_film(path: Path, people: Sequence[Person], seed: int) -> list[list[dict[str, Any]]]:
    """Four seconds of film; returns who is where in each frame."""
    frames = []
    with VideoSink(path, FPS) as sink:
        for number, picture in enumerate(film(people, seed, frames=4 * FPS, wh=FILM_WH)):
            sink.write(picture.image, number / FPS)
            frames.append(who_is_where(picture))
    return frames


def who_is_where(picture: Picture) -> list[dict[str, Any]]:
    """A picture's truth for JSON: a name (None: a stranger) and a box ``[x1, y1, x2, y2]``, px, for each face."""
    boxes = np.round(picture.xyxy.astype(float), 1).tolist()
    return [{"name": name, "box": box} for name, box in zip(picture.names, boxes, strict=True)]
