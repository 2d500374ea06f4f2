"""What was done, and with what: a record of every extraction, training and evaluation, in ``runs/`` beside its files.

with runs.recording(path.parent / "runs", "train", vars(args)) as run:
    ...
    run.data(Manifest.of(gallery))
    run.figure("right", 0.99)
    run.artefact(path)
"""

from faces.runs.folder import Damaged, Runs, beside, maker
from faces.runs.forgetting import forget
from faces.runs.manifests import Manifest
from faces.runs.record import Code, Data, File, Run
from faces.runs.recording import Recorder, recording

__all__ = [
    "Code",
    "Damaged",
    "Data",
    "File",
    "Manifest",
    "Recorder",
    "Run",
    "Runs",
    "beside",
    "forget",
    "maker",
    "recording",
]
