"""How each kind of model is stored and loaded: networks, projections, ONNX, Hugging Face."""
