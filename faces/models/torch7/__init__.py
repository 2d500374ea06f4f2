"""Torch7 files (.t7): read, written, converted to ONNX."""
