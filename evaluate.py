"""How good is it? Pairs told apart, people found among those enrolled, strangers known to be none; how sure that is.

Also how the operating points of an embedder, in faces/models/zoo.py, are made.
"""

from faces.cli.running import run
from faces.commands.evaluate import main

if __name__ == "__main__":
    run(main)
