"""Where price panels are kept: a folder of this machine and, where several machines work, a store they share."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from .price_panel import UNFINISHED, PanelError, PricePanel, open_panel, panel_files, prune_panels, write_panel

logger = logging.getLogger("risk_pipeline.panels")
IN_USE = timedelta(hours=6)
"""A panel so much younger than the newest one may belong to a run on another machine: it is never pruned."""


@dataclass(frozen=True)
class PanelStore:
    """Panels in ``folder``, memory-mapped; with ``url`` the folder is a cache of a store that machines share.

    ``url`` is any fsspec URL, such as ``s3://bucket/panels``. Since a panel is named by the hash of its content, a
    cached one can't be out of date.
    """

    folder: Path
    url: str | None = None

    def write(self, panel: PricePanel) -> str:
        """Store a panel, in the shared store too; returns its name.

        Raises
        ------
        PanelError
            If the shared store can't be written; nothing points to the panel then.
        """
        name = write_panel(self.folder, panel)
        os.utime(self.folder / name)  # in use again, if it was there
        if self.url is not None:
            try:
                with suppress(FileExistsError):  # without parents: a bucket that is not there is a mistake
                    self._remote.mkdir(f"{self._root}/{name}", create_parents=False)
                for file in panel_files():  # the one that makes the panel complete comes last
                    self._remote.put_file(str(self.folder / name / file), f"{self._root}/{name}/{file}")
            except Exception as error:
                raise self._failed("written", error) from error
        return name

    def open(self, name: str) -> PricePanel:
        """Open a panel read-only and memory-mapped, fetched from the shared store if it isn't here yet.

        Raises
        ------
        PanelError
            If it is nowhere, unreadable, or (fetched) not what its name says.
        """
        try:
            return open_panel(self.folder, name)
        except PanelError:
            if self.url is None:
                raise
        self._fetch(name)
        return open_panel(self.folder, name)

    def prune(self, keep: set[str]) -> int:
        """Delete the panels not in ``keep`` here and in the shared store, young ones spared; returns how many here.

        A shared store that can't be pruned is logged and is no error: the panels to keep are there.
        """
        if self.url is not None:
            try:
                self._prune_shared(keep)
            except Exception as error:
                logger.warning("%s", self._failed("pruned", error))
        return prune_panels(self.folder, keep, IN_USE)

    def _prune_shared(self, keep: set[str]) -> None:
        self._remote.invalidate_cache(self._root)
        ages = {}
        for path in self._remote.ls(self._root, detail=False):
            with suppress(FileNotFoundError):  # it is being written
                ages[path] = self._remote.modified(f"{path}/{panel_files()[-1]}")
        for path, age in ages.items():
            if path.rsplit("/", 1)[-1] not in keep and max(ages.values()) - age > IN_USE:
                self._remote.rm(path, recursive=True)

    def probe(self) -> None:
        """Write and delete a small object in the shared store.

        Raises
        ------
        PanelError
            If that fails.
        """
        if self.url is None:
            return
        try:
            self._remote.pipe_file(f"{self._root}/.probe", b"")
            self._remote.rm_file(f"{self._root}/.probe")
        except Exception as error:
            raise self._failed("written", error) from error

    def _fetch(self, name: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=self.folder))
        try:
            (scratch / name).mkdir()
            for file in panel_files():
                self._remote.get_file(f"{self._root}/{name}/{file}", str(scratch / name / file))
            open_panel(scratch, name, verify=True)
            shutil.rmtree(self.folder / name, ignore_errors=True)
            os.replace(scratch / name, self.folder / name)
        except PanelError:
            raise
        except Exception as error:
            if not (self.folder / name).exists():  # else another process fetched it in this moment
                raise self._failed(f"read (panel {name[:12]})", error) from error
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    @cached_property
    def _location(self) -> tuple[Any, str]:
        import fsspec

        try:
            remote, root = fsspec.core.url_to_fs(self.url)
        except (ImportError, ValueError) as error:
            raise PanelError(
                f"RISK_PIPELINE_PANEL_STORE: {error}; s3:// needs `pip install 'risk_pipeline[s3]'`, "
                "other schemes the package that fsspec names for them"
            ) from None
        return remote, root

    @property
    def _remote(self) -> Any:
        return self._location[0]

    @property
    def _root(self) -> str:
        return self._location[1].rstrip("/")

    def _failed(self, what: str, error: Exception) -> PanelError:
        if isinstance(error, PanelError):
            return error
        return PanelError(
            f"the panel store can't be {what}: {type(error).__name__}; check RISK_PIPELINE_PANEL_STORE, its "
            "credentials and the network, or materialise price_cache again for these sessions"
        )
