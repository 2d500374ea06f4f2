import faces  # noqa: F401  # before a benchmark imports ONNX Runtime: faces/__init__.py says why
