"""Descriptions of well-known encoders' ONNX exports, for `models import --spec NAME`.

The settings are those that each was published with; the layout is that of the usual export. If an
export differs, copy the file, correct it, and give its path.
"""
