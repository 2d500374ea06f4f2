"""dataset/<person>/*.jpg -> output/embeddings.pickle: the best face of every photograph, as a point in space.

Run again, it looks only at photographs that are new; stopped, it goes on where it was.
"""

from faces.cli.running import run
from faces.commands.extract import main

if __name__ == "__main__":
    run(main)
