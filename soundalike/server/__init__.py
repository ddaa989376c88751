"""The library over HTTP on one's own machine: a page, an API, and what players ask for.

It answers with the same methods of `index.library.Library` as the command line. Needs the extra
`serve`.
"""
