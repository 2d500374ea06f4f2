"""What the commands share: options, types of their values, recording, error handling, output."""

from faces.cli import interrupts  # noqa: F401 (first: Ctrl-C while other modules are imported)
