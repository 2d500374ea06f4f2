"""face_detection: print the location of each face in a photograph, or in the photographs of a folder."""

from __future__ import annotations

import click

from . import _commands, api

image_files_in_folder = _commands.photographs  # programs import it from here


def find(path: str, model: str) -> list[api.Location]:
    """Return the faces of a photograph."""
    return api.face_locations(api.load_image_file(path), number_of_times_to_upsample=0, model=model)


def print_result(filename: str, location: api.Location) -> None:
    """Print a face as the original does: file, top, right, bottom, left."""
    click.echo(",".join(map(str, (filename, *location))))


@click.command()
@click.argument("image_to_check")
@click.option("--cpus", default=-1, help='number of CPU cores to use in parallel. -1 means "use all in system"')
@click.option("--model", default="hog", help='Which face detection model to use. Options are "hog" or "cnn".')
def main(image_to_check: str, cpus: int, model: str) -> None:
    """Print file, top, right, bottom and left of each face."""
    cpus = _commands.use_cpus(cpus)
    paths = _commands.photographs(image_to_check) if _commands.is_folder(image_to_check) else [image_to_check]
    for path, locations in _commands.each(lambda path: find(path, model), paths, cpus):
        for location in locations:
            print_result(path, location)


if __name__ == "__main__":
    main()
