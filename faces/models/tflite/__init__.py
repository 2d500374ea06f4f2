"""TensorFlow Lite files (.tflite): read, and converted to ONNX."""
