"""OpenCV Zoo's block-quantised networks as float32 networks that ONNX Runtime runs."""
