"""Face recognition in four scripts: detect, align, embed, and name, or say that nobody is known."""

import os

# Nothing is sent. ONNX Runtime reports its use to its maker unless it finds these when it is imported; they must be
# set before any other import of the package, whatever the environment says. Processes that are started inherit them.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
os.environ["ORT_TELEMETRY_DISABLED"] = "1"  # what some versions call it

__version__ = "0.1.0"

# What fails is told in one line of ours, with what to do; OpenCV and its FFmpeg (-8: quiet) would add their own.
os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
