"""What was done, and with what: the records that every extraction, training and evaluation leaves in output/runs/."""

from faces.cli.running import run
from faces.commands.runs import main

if __name__ == "__main__":
    run(main)
