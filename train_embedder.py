"""Photographs of faces -> OpenFace's network nn4.small2 with weights of one's own, a .t7 as the recipe reads it.

The built-in network is the teacher: the small one learns to say of a turned, relit or carelessly cut face what the
teacher says of the same face cut well. Nobody needs to be named for that.
"""

from faces.cli.running import run
from faces.commands.train_embedder import main

if __name__ == "__main__":
    run(main)
