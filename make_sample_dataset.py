"""Draw a sample data set of people who do not exist, so that everything here can be tried without a photograph."""

from faces.cli.running import run
from faces.commands.sample import main

if __name__ == "__main__":
    run(main)
