import faces  # noqa: F401  # before a test imports ONNX Runtime: faces/__init__.py says why
