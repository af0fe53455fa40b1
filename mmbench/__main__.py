"""``python -m mmbench``."""

import sys

from mmbench.commands.main import main

sys.exit(main())
