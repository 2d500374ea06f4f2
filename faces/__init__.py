"""Face recognition in four scripts: detect, align, embed, and name, or say that nobody is known."""

import os

__version__ = "0.1.0"

# What fails is told in one line of ours, with what to do; OpenCV and its FFmpeg (-8: quiet) would add their own.
os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
