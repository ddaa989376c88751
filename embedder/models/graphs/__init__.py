"""Our networks as ONNX graphs, written from settings and weights without torch."""
