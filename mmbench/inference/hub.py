"""Packed cells on the Hugging Face hub: a repository's name to a folder here."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlparse

from mmbench.errors import UserError
from mmbench.given.texts import told
from mmbench.inference.packed import FILES
from mmbench.internet import answers

MARK = "hf://"
NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*(@[\w./-]+)?", re.ASCII)


def named(run: str | Path) -> str | None:
    """The repository that a text means: ``hf://owner/name``, with ``@revision`` or without; or ``owner/name`` alone.

    None where it means a folder: it is there, or the folder that it would lie in is. Raises UserError where ``hf://``
    is followed by something else.
    """
    text = str(run)
    if text.startswith(MARK):
        repository = text.removeprefix(MARK)
        if not NAME.fullmatch(repository):
            raise UserError(f"{text}: expected hf://owner/name, or hf://owner/name@revision")
        return repository
    here = Path(text)
    return text if NAME.fullmatch(text) and not here.exists() and not here.parent.exists() else None


def fetched(repository: str) -> Path:
    """The folder that a repository's files lie in, downloaded or, where the hub cannot be reached, from its cache.

    Raises:
        UserError: no such repository, or the hub cannot be reached and the cache does not hold it; one line.
    """
    from huggingface_hub import constants, snapshot_download
    from huggingface_hub.errors import (
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    name, _, revision = repository.partition("@")
    host = str(urlparse(constants.ENDPOINT).hostname)
    online = not constants.HF_HUB_OFFLINE and answers(host)
    try:
        found = snapshot_download(
            repo_id=name, revision=revision or None, allow_patterns=list(FILES), local_files_only=not online
        )
    except HFValidationError as error:
        raise UserError(f"{MARK}{repository}: {told(error)}") from error
    except (RepositoryNotFoundError, RevisionNotFoundError) as error:
        raise UserError(f"{MARK}{repository}: {host} has no such repository or revision, or not for you") from error
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        why = f"{host} cannot be reached" if not online else told(error)[:160]
        raise UserError(f"{MARK}{repository}: not in the cache, and {why}; no such folder is here either") from error
    return Path(found)
