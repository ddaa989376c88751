"""Descriptions of well-known encoders' ONNX exports, for `models import --spec NAME`.

Settings are those that each was published with; the layout is that of the usual export. Where an
export differs, copy the file, mend it, and give its path.
"""
