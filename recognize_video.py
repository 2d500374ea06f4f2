"""Who is in a video? The pickles and a camera, file or stream in; who came and went, and an annotated video out."""

from faces.cli.running import run
from faces.commands.video import main

if __name__ == "__main__":
    run(main)
