"""dlib's trained networks without dlib: its files are parsed, and the networks are rebuilt as ONNX."""
