"""Words in, answers shown: the `soundalike` command line."""
