"""Records of runs: a JSON file in ``runs/`` for every extraction, training and evaluation.

with records.recording(path.parent / "runs", "train", vars(args)) as run:
    ...
    run.data(gallery.manifest())
    run.figure("right", 0.99)
    run.artefact(path)
"""

from faces.records.folder import Damaged, Runs, beside, maker
from faces.records.forgetting import forget
from faces.records.manifests import Manifest
from faces.records.record import Code, Data, File, Run
from faces.records.recording import Recorder, recording

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
