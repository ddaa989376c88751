"""One file a layout: how to recognise it, and how to read it into rows."""
