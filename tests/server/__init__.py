"""The server: the page and the API over a library."""
