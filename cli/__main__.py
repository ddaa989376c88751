"""`python -m cli` is the `soundalike` command."""

import sys

from cli.start import main

if __name__ == "__main__":
    sys.exit(main())
