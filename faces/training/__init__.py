"""Training by Keras: what is learnt here leaves as an ONNX file, which needs no Keras to be used."""
