"""Recognize the faces in a video: read the pickles and a camera, file or stream; write events and a video."""

from faces.cli.running import run
from faces.commands.video import main

if __name__ == "__main__":
    run(main)
