"""Who is in a photograph? The pickles and still images in; names, boxes and annotated copies out."""

from faces.cli.running import run
from faces.commands.recognize import main

if __name__ == "__main__":
    run(main)
