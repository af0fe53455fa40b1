"""Profiles, settings and ``--set`` through one door: what the rest of the harness asks of them."""

from __future__ import annotations

from mmbench.planning.overrides import check_overrides as check_overrides
from mmbench.planning.overrides import data_settings as data_settings
from mmbench.planning.overrides import for_role as for_role
from mmbench.planning.overrides import own_overrides as own_overrides
from mmbench.planning.overrides import parse_overrides as parse_overrides
from mmbench.planning.overrides import pinned_files as pinned_files
from mmbench.planning.overrides import placed as placed
from mmbench.planning.overrides import profile_overrides as profile_overrides
from mmbench.planning.profile import Profile as Profile
from mmbench.planning.profile import profile as profile
from mmbench.planning.profile import profiles as profiles
from mmbench.planning.settings import MethodConfig as MethodConfig
from mmbench.planning.settings import resolve as resolve
from mmbench.typed import as_dict as as_dict
