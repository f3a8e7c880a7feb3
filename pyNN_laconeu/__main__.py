"""`python -m pyNN_laconeu` is the command `laconeu`."""

import sys

from .command import main

if __name__ == "__main__":
    sys.exit(main())
