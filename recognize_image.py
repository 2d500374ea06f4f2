"""Recognize the faces in photographs: read the pickles and images; print names, write annotated copies."""

from faces.cli.running import run
from faces.commands.recognize import main

if __name__ == "__main__":
    run(main)
