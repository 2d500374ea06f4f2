"""Train networks with Keras and PyTorch and export them as ONNX files, which run without either."""
