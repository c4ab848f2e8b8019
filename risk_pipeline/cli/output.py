"""Standard output and error that never end a command: closed, full, cut off, or of a few letters only."""

from __future__ import annotations

import codecs
import os
import sys
import unicodedata
from contextlib import suppress
from typing import Any

PLAIN = {
    "−": "-",
    "–": "-",
    "—": "-",
    "…": "...",
    "×": "x",
    "·": "-",
    "•": "*",
    "→": "->",
    "≥": ">=",
    "≤": "<=",
    "✓": "ok",
    "✗": "failed",
    "“": '"',
    "”": '"',
    "‘": "'",
    "’": "'",
    "α": "alpha",
    "β": "beta",
    "σ": "sigma",
}
"""What stands for a sign that a terminal can't show; other letters lose their accents, the rest is a question mark."""


class Output:
    """A stream of text that a command writes to, and goes on without once it can't be written.

    ``lost`` is then the reason. A reader that closed its pipe wanted no more: nothing is lost to it.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._is_open = True
        self.lost: OSError | None = None

    def write(self, text: str) -> int:
        """Write, or drop what can't be written."""
        if self._is_open:
            try:
                self._stream.write(text)
            except OSError as error:
                self._give_up(error)
        return len(text)

    def flush(self) -> None:
        """Flush, or drop what can't be written."""
        if self._is_open:
            try:
                self._stream.flush()
            except OSError as error:
                self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        self._is_open = False
        if not isinstance(error, BrokenPipeError):
            self.lost = error
        with suppress(OSError, ValueError):  # what the stream still holds goes nowhere; Python flushes it at the end
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def prepare_output() -> tuple[Output, Output]:
    """Replace ``sys.stdout`` and ``sys.stderr``, also closed ones, by such that no command fails for; return them."""
    _open_closed_descriptors()
    codecs.register_error("plain", _plain)
    streams = []
    for number, name in ((1, "stdout"), (2, "stderr")):
        stream = getattr(sys, name)
        if isinstance(stream, Output):
            stream = stream._stream
        if stream is None:
            stream = open(number, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 (for the life of the process)
        with suppress(AttributeError):  # a test's
            stream.reconfigure(errors="plain")
        streams.append(Output(stream))
    sys.stdout, sys.stderr = streams
    return streams[0], streams[1]


def _open_closed_descriptors() -> None:
    """Point closed standard descriptors to nowhere: else the next files that are opened would be taken for them."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest free number is this one


def _plain(error: UnicodeError) -> tuple[str, int]:
    """Spell out what the encoding of a terminal lacks."""
    assert isinstance(error, UnicodeEncodeError)  # noqa: S101 (the only kind of a stream that is written)
    text = "".join(_spelt(sign, error.encoding) for sign in error.object[error.start : error.end])
    return text, error.end


def _spelt(sign: str, encoding: str) -> str:
    if sign in PLAIN:
        return PLAIN[sign]
    letter = "".join(part for part in unicodedata.normalize("NFKD", sign) if not unicodedata.combining(part))
    try:
        letter.encode(encoding)
    except UnicodeEncodeError:
        return "?"
    return letter or "?"
