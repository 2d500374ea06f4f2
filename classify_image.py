"""What is in a picture, a cat or a dog? A classifier of train_classifier.py and pictures in; a class or a value out."""

from faces.cli.running import run
from faces.commands.classify import main

if __name__ == "__main__":
    run(main)
