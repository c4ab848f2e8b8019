"""Where an asset's code is, for the link on its page: the asset's own function, not the decorator around it."""

from __future__ import annotations

import inspect

import dagster as dg
from dagster._core.definitions.decorators.op_decorator import DecoratedOpFunction

KEY = "dagster/code_references"


def with_code_references(definitions: dg.Definitions) -> dg.Definitions:
    """Return definitions whose assets name the file and line of their functions.

    Dagster's own ``with_source_code_references`` names the file of the outermost decorator.
    """
    places = {
        key: place
        for asset in definitions.assets or []
        if isinstance(asset, dg.AssetsDefinition) and asset.keys
        if (place := _place(asset)) is not None
        for key in asset.keys
    }

    def with_place(spec: dg.AssetSpec) -> dg.AssetSpec:
        if spec.key not in places:
            return spec
        return spec.merge_attributes(metadata={KEY: dg.CodeReferencesMetadataValue(code_references=[places[spec.key]])})

    return definitions.map_asset_specs(func=with_place)


def _place(asset: dg.AssetsDefinition) -> dg.LocalFileCodeReference | None:
    if not asset.is_executable or not isinstance(asset.op.compute_fn, DecoratedOpFunction):
        return None
    code = inspect.unwrap(asset.op.compute_fn.decorated_fn).__code__
    return dg.LocalFileCodeReference(file_path=code.co_filename, line_number=code.co_firstlineno)
