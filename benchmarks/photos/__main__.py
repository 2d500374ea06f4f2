"""``python -m benchmarks.photos COMMAND``."""

from __future__ import annotations

import sys
from importlib import import_module

from faces.cli import running

COMMANDS = ("grouping", "naming", "time")


def main() -> int:
    if sys.argv[1:2] == [] or sys.argv[1] not in COMMANDS:
        print(f"usage: python -m benchmarks.photos {{{','.join(COMMANDS)}}}", file=sys.stderr)
        return 2
    return int(import_module(f"benchmarks.photos.{sys.argv[1]}").main())


if __name__ == "__main__":
    running.run(main)
