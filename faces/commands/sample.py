"""Draw a sample data set of people who do not exist, to try everything without a photograph."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from faces.cli import options
from faces.errors import FacesError
from faces.synthetic.people import CAST, STRANGERS, Person, random_person
from faces.synthetic.sample_folder import SampleFolder, write_file, write_jpeg
from faces.synthetic.scenes import DrawnPicture, film, group, known_name, portrait
from faces.video.sink import VideoSink

FPS = 25
FILM_SECONDS = 4
FILM_WH = (640, 480)


def build_parser() -> argparse.ArgumentParser:
    """Build the parser."""
    parser = options.parser(
        "Draw a sample data set of people who do not exist, to try everything without a photograph.",
        "--people 8 --photos 10",
        "--seed 8 --output output/people --extras output/extras",
    )
    files = options.group(parser, options.FILES)
    files.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("dataset"),
        metavar="FOLDER",
        help="folder for the people's folders",
    )
    files.add_argument(
        "--extras",
        type=Path,
        default=Path("sample"),
        metavar="FOLDER",
        help="folder for group pictures, a film and truth.json",
    )
    files.add_argument("--force", action="store_true", help="draw again, even into a folder that has other files")
    people = options.group(parser, "people")
    people.add_argument(
        "--people", type=whole_number(2, 100), default=8, metavar="N", help="number of people, 2 to 100"
    )
    people.add_argument(
        "--photos", type=whole_number(1, 99), default=10, metavar="N", help="photographs of each person, 1 to 99"
    )
    people.add_argument("--seed", type=int, default=7, metavar="N", help="another seed draws other photographs")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    args = build_parser().parse_args(argv)
    if args.output.resolve() == args.extras.resolve():
        raise FacesError(f"{args.output} cannot be both --output and --extras; choose two folders")
    start = time.perf_counter()
    people = sample_people(args.people, args.seed)
    choice = {"seed": args.seed, "people": args.people, "photos": args.photos}
    dataset, extras = SampleFolder(args.output, choice), SampleFolder(args.extras, choice)
    if not args.force and dataset.is_complete() and extras.is_complete():
        done = "already there, nothing to do"
    else:
        for folder in (dataset, extras):
            folder.check_usable(args.force)
        draw_dataset(dataset, people, args.photos, args.seed)
        draw_extras(extras, people, args.seed)
        done = f"drawn in {time.perf_counter() - start:.1f} s"
    print(f"{args.people} people with {args.photos} pictures each in {args.output}, extras in {args.extras}: {done}")
    return 0


def whole_number(low: int, high: int) -> Callable[[str], int]:
    """Return an argparse type: a whole number in a range."""

    def number(text: str) -> int:
        if not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"{text} is not between {low} and {high}")
        return int(text)

    return number


def sample_people(count: int, seed: int) -> list[Person]:
    """Return the first people of the cast, and random ones after them."""
    return [*CAST[:count], *(random_person(f"Person {n}", seed, n) for n in range(len(CAST) + 1, count + 1))]


def draw_dataset(folder: SampleFolder, people: Sequence[Person], photos: int, seed: int) -> None:
    """Draw ``photos`` portraits of each person, in a folder per person."""
    jobs = [(person, n) for person in people for n in range(1, photos + 1)]
    files = [f"{person.name}/{n:02}.jpg" for person, n in jobs]

    def draw(file: str, job: tuple[Person, int]) -> None:
        person, n = job
        write_jpeg(folder.path / file, portrait(person, seed, n).image)

    folder.clear()
    folder.mark(files, complete=False)
    with one_opencv_thread(), ThreadPoolExecutor() as pool:
        list(pool.map(draw, files, jobs))
    folder.mark(files, complete=True)


def draw_extras(folder: SampleFolder, people: Sequence[Person], seed: int) -> None:
    """Draw pictures and a film to recognize people in, and write truth.json: who is where in them."""

    def pick(*indices: int) -> list[Person]:
        return list({i % len(people): people[i % len(people)] for i in indices}.values())

    first, last, film_people = pick(0, 1, 2), pick(3, 4, 5), pick(0, 7)
    film_people.insert(1, STRANGERS[2])
    pictures = {
        "group_1.jpg": group([*first, STRANGERS[0]], seed, 1),
        "group_2.jpg": group([STRANGERS[1], *last], seed, 2),
        "photo.jpg": portrait(pick(7)[0], seed, "photo"),
    }
    files = [*pictures, "video.mp4", "truth.json"]
    folder.clear()
    folder.mark(files, complete=False)
    with one_opencv_thread():
        for name, picture in pictures.items():
            write_jpeg(folder.path / name, picture.image)
        frames = draw_film(folder.path / "video.mp4", film_people, seed)
    truth = {
        "pictures": {name: truth_of(picture) for name, picture in pictures.items()},
        "video": {
            "file": "video.mp4",
            "fps": FPS,
            "width": FILM_WH[0],
            "height": FILM_WH[1],
            "names": [known_name(person) for person in film_people],
            "frames": frames,
        },
    }
    write_file(folder.path / "truth.json", json.dumps(truth, ensure_ascii=False).encode())
    folder.mark(files, complete=True)


def draw_film(path: Path, people: Sequence[Person], seed: int) -> list[list[dict[str, Any]]]:
    """Draw a film; return the truth of each frame."""
    frames = []
    with VideoSink(path, FPS) as sink:
        for number, picture in enumerate(film(people, seed, frames=FILM_SECONDS * FPS, wh=FILM_WH)):
            sink.write(picture.image, number / FPS)
            frames.append(truth_of(picture))
    return frames


def truth_of(picture: DrawnPicture) -> list[dict[str, Any]]:
    """Return a picture's faces for JSON: a name (None for a stranger) and a box ``[x1, y1, x2, y2]``, px, each."""
    boxes = np.round(picture.xyxy.astype(float), 1).tolist()
    return [{"name": name, "box": box} for name, box in zip(picture.names, boxes, strict=True)]


@contextmanager
def one_opencv_thread() -> Iterator[None]:
    """Let OpenCV use one thread: the pictures are small, and more threads cost more than they gain."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)
