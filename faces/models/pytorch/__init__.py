"""PyTorch's files of weights (.pth): read without PyTorch, converted to ONNX."""
