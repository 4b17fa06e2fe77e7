"""`python -m hounsfield`, the same as `hounsfield`."""

import sys

from hounsfield.cli.main import main

sys.exit(main())
