"""A web page, and a Face API of one's own: what is written for Azure's runs against it, with the scripts' models."""

from faces.cli.running import run
from faces.commands.serve import main

if __name__ == "__main__":
    run(main)
