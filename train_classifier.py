"""Folders of pictures, one per class -> output/classifier.onnx, which classify_image.py tells the classes apart by.

How good it is, on pictures it was not trained on, is in classifier_report.md beside it.
"""

from faces.cli.running import run
from faces.commands.train_classifier import main

if __name__ == "__main__":
    run(main)
