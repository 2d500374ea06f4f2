"""output/embeddings.pickle -> output/recognizer.pickle, output/le.pickle: learn who is who, and who is nobody.

How good the photographs are is said at the end, and in training_report.json beside the recognizer.
"""

from faces.cli.running import run
from faces.commands.train import main

if __name__ == "__main__":
    run(main)
