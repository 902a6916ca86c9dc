"""One large file over HTTP, with progress; what was interrupted goes on where it stopped."""

from __future__ import annotations

import http.client
import os
import re
from errno import EDQUOT, ENOSPC
from pathlib import Path
from typing import IO
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from datasets.errors import InputError
from datasets.progress import Progress

ATTEMPTS = 5
SECONDS = 60.0  # without a byte, after which an attempt is over
CHUNK = 1 << 18
MEGABYTE = 10**6


def download(url: str, target: Path, size: int | None = None, by_hand: Path | None = None) -> None:
    """Write what is at `url` to `target`, which holds all of it or is absent.

    What has arrived is kept in `target`.part, from where the next attempt or the next call goes on if the server
    sends parts; otherwise it starts again. Raises InputError where the server cannot be reached or stops, and where
    its file is not of `size` bytes; that names `by_hand`, by default `target`, as the place for what is got elsewhere.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.part")
    elsewhere = f"or get it elsewhere and put it at {by_hand or target}"
    reason = ""
    for _ in range(ATTEMPTS):
        before = _length(part)
        try:
            if _fetch(url, part, size):
                os.replace(part, target)
                return
            reason = "the connection ended early"
        except HTTPError as error:
            raise InputError(f"{url}: {error.code} {error.reason}; {elsewhere}") from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            if isinstance(error, OSError) and (error.filename is not None or error.errno in (ENOSPC, EDQUOT)):
                raise  # of the disk, which the command's door explains
            reason = str(getattr(error, "reason", error)) or type(error).__name__
        if _length(part) <= before:
            break
    kept = f" ({_length(part) / MEGABYTE:.1f} MB are kept; the same command goes on from there)" * part.exists()
    raise InputError(f"{url}: {reason}{kept}; {elsewhere}")


def _fetch(url: str, part: Path, size: int | None) -> bool:
    """Append to `part` what is missing, and tell whether it is whole."""
    start = _length(part)
    request = Request(url, headers={"Range": f"bytes={start}-", "Accept-Encoding": "identity"} if start else {})
    try:
        response = urlopen(request, timeout=SECONDS)
    except HTTPError as error:
        if error.code != 416:  # there is nothing after `start`
            raise
        if _total(error.headers, 0) == start:
            return True
        part.unlink()
        return _fetch(url, part, size)
    with response:
        if start and response.status == 206 and not _goes_on(response, start):
            part.unlink()
            return _fetch(url, part, size)  # all of it
        if response.status != 206:
            start = 0
        total = _total(response.headers, start)
        if size and total and total != size:
            part.unlink(missing_ok=True)
            raise InputError(f"{url}: has {total:,} bytes and not {size:,}; the published file is another one")
        with open(part, "ab" if start else "wb") as stream:
            _copy(response, stream, start, total)
    return total is None or _length(part) == total


def _copy(response: IO[bytes], stream: IO[bytes], start: int, total: int | None) -> None:
    done, shown = start, start // MEGABYTE
    progress = Progress("download", max(1, total // MEGABYTE), "MB", first=shown) if total else None
    while chunk := response.read(CHUNK):
        stream.write(chunk)
        done += len(chunk)
        if progress and done // MEGABYTE > shown:
            progress.update(done // MEGABYTE - shown)
            shown = done // MEGABYTE


def _goes_on(response: http.client.HTTPResponse, start: int) -> bool:
    return response.headers.get("Content-Range", "").startswith(f"bytes {start}-")


def _total(headers: http.client.HTTPMessage, start: int) -> int | None:
    """Return the size of the whole file, where the server tells it."""
    if found := re.search(r"/(\d+)$", headers.get("Content-Range", "")):
        return int(found[1])
    length = headers.get("Content-Length", "")
    return start + int(length) if length.isdigit() else None


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
