"""dataset/ -> a new version of the recognizer: extract, train, check it against the old one, and swap it in.

A version that does worse, or a step that fails, leaves the old one in service.
"""

from faces.cli.running import run
from faces.commands.retrain import main

if __name__ == "__main__":
    run(main)
