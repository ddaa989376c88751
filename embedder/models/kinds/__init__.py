"""Encoders that others have trained: ONNX files and Hugging Face audio models."""
