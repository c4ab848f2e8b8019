"""What is in ``deploy/``: it parses, has no password of its own, and names only commands and settings that exist.

There is no container engine and no systemd to start it with here; where ``systemd-analyze`` is installed it checks
the units too.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from configparser import ConfigParser
from importlib.metadata import entry_points
from pathlib import Path

import pytest
import yaml

from risk_pipeline.settings import MarketSettings, Settings

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
NO_SETTINGS = {"INSTANCE", "BROKER_URL"}
"""Names with our prefix that choose Dagster's instance and its broker, which no code of ours reads."""


@pytest.fixture(scope="module")
def compose() -> dict:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())


def settings_names() -> set[str]:
    names = {name.upper() for name in Settings.model_fields} - {"MARKET"}
    return names | {f"MARKET__{name.upper()}" for name in MarketSettings.model_fields}


@pytest.mark.parametrize(
    "path",
    [*DEPLOY.rglob("*"), *(ROOT / "dagster_home").glob("*/dagster.yaml"), ROOT / "README.md", *ROOT.glob("docs/*.md")],
    ids=lambda path: path.name,
)
def test_only_settings_that_exist_are_named(path):
    if path.is_file() and path.suffix != ".pyc":
        named = set(re.findall(r"RISK_PIPELINE_(\w+)", path.read_text())) - NO_SETTINGS
        named = {name for name in named if not name.startswith("TEST_")}
        assert named <= settings_names(), path


def test_no_password_has_a_default(compose):
    text = (DEPLOY / "compose.yaml").read_text()
    assert set(re.findall(r"\$\{(\w*PASSWORD\w*)(.)", text)) == {("POSTGRES_PASSWORD", ":"), ("BROKER_PASSWORD", ":")}
    assert not re.findall(r"\$\{\w*PASSWORD\w*:[^?]", text)
    for line in (DEPLOY / "env.example").read_text().splitlines():
        if "PASSWORD" in line and not line.startswith("#"):
            assert line.endswith("="), line
    assert not re.search(r"ENV .*PASSWORD|ARG .*PASSWORD", (DEPLOY / "Dockerfile").read_text())


def test_every_service_has_a_health_check_and_starts_again_and_only_this_machine_reaches_the_ui(compose):
    assert set(compose["services"]) == {"postgres", "code-server", "webserver", "daemon", "broker", "worker"}
    for name, service in compose["services"].items():
        assert service["healthcheck"]["test"], name
        assert service["restart"] == "unless-stopped", name
        assert service["logging"]["options"]["max-size"], name
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name
        for mount in service["volumes"]:
            source = mount.split(":")[0]
            assert source in compose["volumes"] or (DEPLOY / source).exists(), mount


def test_containers_have_no_rights_that_they_do_not_need_and_no_password_on_a_command_line(compose):
    for name in ("code-server", "webserver", "daemon", "worker"):
        service = compose["services"][name]
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name
    for name, service in compose["services"].items():
        assert "${" not in " ".join(service.get("command", [])).replace("$${", ""), name
    image = (DEPLOY / "Dockerfile").read_text()
    assert re.search(r"^USER \d+:\d+$", image, re.MULTILINE)
    assert "ARG LOCK=requirements.lock\n" in image  # what running takes
    assert "-dev.lock" not in image
    chart = (DEPLOY / "kubernetes" / "values.yaml").read_text()
    assert chart.count("runAsNonRoot: true") == chart.count("allowPrivilegeEscalation: false") == 2


def test_the_files_that_the_image_copies_are_there():
    copied = re.findall(r"^COPY (.+) \S+$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    let_in = (DEPLOY / "Dockerfile.dockerignore").read_text()
    for name in " ".join(copied).split():
        assert (ROOT / name).exists(), name
        assert f"!{name}" in let_in, name


def test_every_command_is_installed(compose):
    ours = {"code-server", "webserver", "daemon", "worker"}
    started = {compose["services"][name]["command"][0] for name in ours}
    for unit in UNITS:
        started |= set(re.findall(r"^ExecStart=/opt/risk_pipeline/.venv/bin/(\S+)", unit.read_text(), re.MULTILINE))
    assert started == {"dagster", "dagster-webserver", "dagster-daemon", "celery"}
    assert started <= {script.name for script in entry_points(group="console_scripts")}


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_units_run_as_a_user_of_their_own_and_stay_within_their_folder(path):
    unit = ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str
    unit.read(path)
    service = unit["Service"]
    assert service["User"] == "risk"
    assert service["ProtectSystem"] == "strict"
    assert service["NoNewPrivileges"] == "yes"
    assert service["UMask"] == "0077"
    assert service["EnvironmentFile"] == "/etc/risk-pipeline/environment"
    assert service["Type" if "backup" in path.name else "Restart"] in ("oneshot", "always")


def test_systemd_finds_no_fault(tmp_path):
    """With the commands of this environment in the place of those of the machine that will run them."""
    for path in (DEPLOY / "systemd").glob("*.*"):
        text = path.read_text().replace("/opt/risk_pipeline/.venv/bin", str(Path(sys.executable).parent))
        (tmp_path / path.name).write_text(text)
    names = [str(path) for path in tmp_path.iterdir() if path.suffix in (".service", ".timer", ".target")]
    assert len(names) == 7
    if shutil.which("systemd-analyze"):
        said = subprocess.run(["systemd-analyze", "verify", *names], capture_output=True, text=True, check=False)
        about_ours = [line for line in said.stderr.splitlines() if "risk-pipeline" in line]
        assert about_ours == []
        assert said.returncode == 0, said.stderr


def test_ci_calls_targets_that_exist_on_every_python_that_the_package_names():
    """It can't be started here; that each target works is what the targets themselves are for."""
    text = (ROOT / ".github" / "workflows" / "tests.yaml").read_text()
    jobs = yaml.safe_load(text)["jobs"]
    wanted = {step["run"].split()[1] for job in jobs.values() for step in job["steps"] if "run" in step}
    assert wanted == {"test", "test-newest", "test-slow"}
    assert wanted <= set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = re.findall(r"Python :: (3\.\d+)", (ROOT / "pyproject.toml").read_text())
    assert jobs["lock"]["strategy"]["matrix"]["python"] == named
    assert all(re.fullmatch(r"actions/[\w-]+@v\d+", action) for action in re.findall(r"uses: (\S+)", text))


def test_the_embedded_postgres_is_there_for_the_command_and_gone_after_it(tmp_path):
    shutil.copy(ROOT / "dagster_home" / "postgres" / "dagster.yaml", tmp_path)
    code = (
        "import dagster as dg; from risk_pipeline.settings import Settings; "
        "from risk_pipeline.storage.database import migrate, open_engine; migrate(open_engine(Settings().url)); "
        "print(type(dg.DagsterInstance.get().run_storage).__name__)"
    )
    script = (
        f"import sys; sys.path.insert(0, {str(DEPLOY)!r}); from pathlib import Path; "
        f"from embedded_postgres import main; sys.exit(main([sys.executable, '-c', {code!r}], Path({str(tmp_path)!r})))"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.split()[-1] == "PostgresRunStorage"
    assert (tmp_path / "data" / "PG_VERSION").exists()
    assert not (tmp_path / "data" / "postmaster.pid").exists()
