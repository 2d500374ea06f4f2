"""Labelled faces -> an ONNX file that tells gender, age, ... of a face, and a card that says how well and for whom.

The faces are cut out of the photographs as recognize_image.py cuts them, and parted so that copies, and people whom the
embeddings know for sure, are not both learnt from and tested with. The figures are of those tested with.
"""

from faces.cli.running import run
from faces.commands.train_attributes import main

if __name__ == "__main__":
    run(main)
