"""Makes this folder's helpers importable by the names under which ``renew.py`` imports them."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
