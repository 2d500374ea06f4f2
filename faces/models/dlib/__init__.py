"""dlib's trained networks without dlib: its files are parsed, and the networks are rebuilt as ONNX."""

from faces.models.dlib.conversion import converted

__all__ = ["converted"]
