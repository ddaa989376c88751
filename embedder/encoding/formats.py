"""The number formats that a network may compute in. It imports no torch."""

from typing import Literal

Precision = Literal["auto", "float32", "bfloat16", "float16"]
PRECISIONS = ("auto", "float32", "bfloat16", "float16")
