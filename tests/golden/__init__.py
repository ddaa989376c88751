"""Old artefacts, which load forever, and the scripts that wrote them."""
