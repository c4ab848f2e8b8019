"""The read-only webserver of docs/deployment.md shows everything and changes nothing."""

from __future__ import annotations

from risk_pipeline_tests.support.servers import Server, free_port, serving

BACKFILL = (
    "mutation($p: LaunchBackfillParams!){launchPartitionBackfill(backfillParams: $p)"
    "{__typename ... on UnauthorizedError{message}}}"
)


def test_a_read_only_webserver_shows_the_assets_and_refuses_every_change(make_home):
    home, port = make_home(), free_port()
    with serving(home.folder, "-m", "dagster_webserver", "--read-only", "--host", "127.0.0.1", "--port", str(port)):
        server = Server(home.folder, port)
        assets = server.assets()
        assert {"path": ["factor_exposures"]} in assets
        asked = {"assetSelection": assets, "partitionNames": ["2025-06-02"], "tags": []}
        assert server.ask(BACKFILL, p=asked)["launchPartitionBackfill"]["__typename"] == "UnauthorizedError"
        allowed = server.ask("{permissions{permission value}}")["permissions"]
    assert len(allowed) > 10
    assert not [permission["permission"] for permission in allowed if permission["value"]]
