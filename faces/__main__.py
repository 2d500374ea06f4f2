"""``python -m faces COMMAND``, the same as ``faces COMMAND``."""

from faces.commands import entry_point

if __name__ == "__main__":
    entry_point()
