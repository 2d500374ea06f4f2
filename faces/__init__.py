"""Face recognition in four scripts: detect, align, embed, and name, or say that nobody is known."""

__version__ = "0.1.0"
