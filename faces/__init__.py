"""Face recognition: detect, align and embed faces, and name them or say that they are unknown.

Importing the package loads no model and nothing slow: each name is imported when it is first used. docs/python.md is an
introduction.
"""

import os

# Nothing is sent. ONNX Runtime and MLflow report their use to their makers unless they find these when they are
# imported; they must be set before any other import of the package, whatever the environment says. Processes that are
# started inherit them.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
os.environ["ORT_TELEMETRY_DISABLED"] = "1"  # what some versions call it
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["DO_NOT_TRACK"] = "true"  # what other packages ask for

__version__ = "0.1.0"

# Errors are reported in one line of ours that says what to do; OpenCV and its FFmpeg (-8: quiet) would add their own.
os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")

TYPE_CHECKING = False  # as type checkers take it for; importing it from typing would take most of the time
if TYPE_CHECKING:
    from faces.attributes.predictor import Attributes
    from faces.display.blurring import blur_tracks
    from faces.display.challenges import Challenges
    from faces.display.drawing import caption
    from faces.display.video_window import VideoWindow
    from faces.display.window import Window
    from faces.errors import FacesError, FingerprintError, ImageError, ModelError, PickleError, SourceError, UsageError
    from faces.extraction.results import EmbeddingsUpdate, Extraction, NoFaceError
    from faces.extraction.update import update_embeddings as extract
    from faces.files.finding import SUFFIXES as IMAGE_SUFFIXES
    from faces.files.finding import expand as find_images
    from faces.interface import (
        Recognition,
        annotate,
        distance,
        follow_steps,
        follow_video,
        load_attributes,
        load_models,
        load_recognizer,
        match_threshold,
        read_image,
        recognize,
        write_image,
    )
    from faces.landmarks.mesh import FaceMesh
    from faces.pipeline import Pipeline
    from faces.recognition.classifiers import CLASSIFIERS
    from faces.recognition.gallery import Gallery
    from faces.recognition.recognizers import FaceRecognizer, Recognizer
    from faces.recognition.report import TrainingReport
    from faces.recognition.training import Training
    from faces.recognition.training import train_recognizer as train
    from faces.types import Faces, Floats, Image, Matches
    from faces.versions.reloading import ReloadingRecognizer
    from faces.video.event_logs import BoxLog, EventLog
    from faces.video.journal import Journal
    from faces.video.liveness.evidence import track_heads
    from faces.video.sink import VideoSink
    from faces.video.sources import FrameSource, cameras
    from faces.video.sources import open_source as open_video
    from faces.video.strangers import Strangers
    from faces.video.tracks import Frame, Tracks

__all__ = [
    "CLASSIFIERS",
    "IMAGE_SUFFIXES",
    "Attributes",
    "BoxLog",
    "Challenges",
    "EmbeddingsUpdate",
    "EventLog",
    "Extraction",
    "FaceMesh",
    "FaceRecognizer",
    "Faces",
    "FacesError",
    "FingerprintError",
    "Floats",
    "Frame",
    "FrameSource",
    "Gallery",
    "Image",
    "ImageError",
    "Journal",
    "Matches",
    "ModelError",
    "NoFaceError",
    "PickleError",
    "Pipeline",
    "Recognition",
    "Recognizer",
    "ReloadingRecognizer",
    "SourceError",
    "Strangers",
    "Tracks",
    "Training",
    "TrainingReport",
    "UsageError",
    "VideoSink",
    "VideoWindow",
    "Window",
    "annotate",
    "blur_tracks",
    "cameras",
    "caption",
    "distance",
    "extract",
    "find_images",
    "follow_steps",
    "follow_video",
    "load_attributes",
    "load_models",
    "load_recognizer",
    "match_threshold",
    "open_video",
    "read_image",
    "recognize",
    "track_heads",
    "train",
    "write_image",
]

_PLACES = {  # of each name: its module, and after a colon what it is called there
    "Attributes": "attributes.predictor",
    "BoxLog": "video.event_logs",
    "Challenges": "display.challenges",
    "CLASSIFIERS": "recognition.classifiers",
    "EmbeddingsUpdate": "extraction.results",
    "EventLog": "video.event_logs",
    "Extraction": "extraction.results",
    "FaceMesh": "landmarks.mesh",
    "FaceRecognizer": "recognition.recognizers",
    "Faces": "types",
    "FacesError": "errors",
    "FingerprintError": "errors",
    "Floats": "types",
    "Frame": "video.tracks",
    "Gallery": "recognition.gallery",
    "IMAGE_SUFFIXES": "files.finding:SUFFIXES",
    "Image": "types",
    "ImageError": "errors",
    "Journal": "video.journal",
    "Matches": "types",
    "ModelError": "errors",
    "NoFaceError": "extraction.results",
    "PickleError": "errors",
    "Pipeline": "pipeline",
    "Recognition": "interface",
    "Recognizer": "recognition.recognizers",
    "ReloadingRecognizer": "versions.reloading",
    "FrameSource": "video.sources",
    "SourceError": "errors",
    "Strangers": "video.strangers",
    "Tracks": "video.tracks",
    "Training": "recognition.training",
    "TrainingReport": "recognition.report",
    "UsageError": "errors",
    "VideoSink": "video.sink",
    "VideoWindow": "display.video_window",
    "Window": "display.window",
    "annotate": "interface",
    "blur_tracks": "display.blurring",
    "cameras": "video.sources",
    "caption": "display.drawing",
    "distance": "interface",
    "extract": "extraction.update:update_embeddings",
    "find_images": "files.finding:expand",
    "follow_steps": "interface",
    "follow_video": "interface",
    "load_attributes": "interface",
    "load_models": "interface",
    "load_recognizer": "interface",
    "match_threshold": "interface",
    "open_video": "video.sources:open_source",
    "read_image": "interface",
    "recognize": "interface",
    "track_heads": "video.liveness.evidence",
    "train": "recognition.training:train_recognizer",
    "write_image": "interface",
}


if not TYPE_CHECKING:  # type checkers read the imports above

    def __getattr__(name: str) -> object:
        """Import a name when it is first used (PEP 562)."""
        if name not in _PLACES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        module, _, original = _PLACES[name].partition(":")
        value = getattr(import_module(f"{__name__}.{module}"), original or name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
