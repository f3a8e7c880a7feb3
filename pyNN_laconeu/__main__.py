"""`python -m pyNN_laconeu` is the command `laconeu`."""

import sys

from .command import main

sys.exit(main())
