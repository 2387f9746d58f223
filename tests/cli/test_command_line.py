"""The command line itself: help, usage, files that are wrong, what goes where, and exit codes."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from servers import html, refusal, repository, scripted, tags

from reconciler import __version__
from reconciler.cli import COMMANDS


def test_version(reconciler):
    """One line, with the version that setup.cfg takes from the package."""
    assert (0, f"reconciler {__version__}\n") == ((done := reconciler("--version")).code, done.stdout)


def test_version_waits_for_no_heavy_import():
    """Nobody who asks for the version or for help waits for HTTP, YAML or JSON libraries."""
    code = "import sys, reconciler.cli as c; c.run(['--help']); print(*sys.modules, file=sys.stderr)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    heavy = {"aiohttp", "cattrs", "httpx", "jsonpatch", "orjson", "re2", "starlette", "uvicorn", "wcmatch", "yaml"}
    assert set() == heavy & set(done.stderr.split())


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_help_with_examples_in_80_columns(reconciler, name):
    """The first sentence is the one that the overview shows, and examples follow."""
    command = importlib.import_module(f"reconciler.cli.{name}").command

    shown = reconciler(name, "--help", COLUMNS="80").stdout

    assert COMMANDS[name] == command.help.split("\n\n")[0].replace("\n", " ").strip()
    assert f"Examples:\n    reconciler {name}" in shown
    assert [] == [line for line in shown.splitlines() if len(line) > 80]


@pytest.mark.parametrize(
    "arguments",
    [
        ["plan"],
        ["plan", "registry.yaml", "--concurrency", "0"],
        ["plan", "registry.yaml", "--format", "yaml"],
        ["plan", "registry.yaml", "--detailed-exit"],
        ["show"],
        ["aply", "registry.yaml"],
    ],
    ids=" ".join,
)
def test_a_wrong_command_line_is_an_error_and_not_changes(reconciler, arguments):
    """click would exit with 2, which a pipeline takes for "there are changes"."""
    done = reconciler(*arguments)

    assert (1, "") == (done.code, done.stdout)
    assert done.stderr.startswith("error: ")
    assert "--help tells more" in done.stderr


def test_validate_tells_each_problem_as_json(reconciler, releases, tmp_path: Path):
    """With its place, for an editor or a pipeline to mark; and what valid files hold."""
    (tmp_path / "bad.yaml").write_text("version: 1\nrepositories:\n  - match: app\n    attributes: {lock: true}\n")

    bad = reconciler("validate", "bad.yaml", "no-such.yaml", "--format", "json")
    good = reconciler("validate", releases, "--format", "json")

    told, fine = json.loads(bad.stdout), json.loads(good.stdout)
    assert (1, "", False, None) == (bad.code, bad.stderr, told["valid"], told["entries"])
    assert [("bad.yaml", 4, 18), ("no-such.yaml", None, None)] == [
        (problem["file"], problem["line"], problem["column"]) for problem in told["problems"]
    ]
    assert "unknown attribute" in told["problems"][0]["message"]
    assert (0, True, []) == (good.code, fine["valid"], fine["problems"])
    assert {"repositories", "tags", "manifests", "exceptions"} == fine["entries"].keys()


def test_validate_counts_what_the_files_hold(reconciler, releases):
    """Nothing but the files is needed."""
    done = reconciler("validate", releases)

    assert (0, "Valid: 1 repository entry, 1 tag entry.\n", "") == (done.code, done.stdout, done.stderr)


def test_all_problems_of_all_files_are_told_at_once(reconciler, tmp_path: Path):
    """Each with its place, in the order of files and lines, and nothing on stdout."""
    (tmp_path / "one.yaml").write_text("version: 1\nrepositories:\n  - match: Team/App\n    atributes: {}\n")
    (tmp_path / "two.yaml").write_text("version: 2\nrepositories: []\n")

    done = reconciler("validate", "one.yaml", "two.yaml", "three.yaml")

    places = [line.partition(" ")[0] for line in done.stderr.splitlines() if not line.startswith(" ")]
    assert (1, "") == (done.code, done.stdout)
    assert ["error:", "one.yaml:3:12:", "one.yaml:4:5:", "two.yaml:1:10:", "three.yaml:"] == places
    assert done.stderr.startswith("error: 4 problems\none.yaml:3:12: repositories[0].match: ")


def test_files_come_from_standard_input_too(emulator, reconciler):
    """`-` is stdin, and origins say so."""
    emulator.push("team/app:v1", content=b"one")

    done = reconciler(
        "plan",
        "-",
        "--registry",
        emulator.url,
        stdin="version: 1\nrepositories: [{match: team/app, attributes: {deleteEnabled: false}}]",
    )

    assert "-:2:46" in done.stdout


def test_options_come_from_the_environment(emulator, reconciler, releases):
    """RECONCILER_ and the option's name."""
    emulator.push("team/app:v1", content=b"one")

    done = reconciler("plan", releases, RECONCILER_REGISTRY=emulator.url, RECONCILER_FORMAT="json")

    assert 2 == len(json.loads(done.stdout)["changes"])


def test_the_help_names_each_command_that_exits_with_2(reconciler):
    """A pipeline that stops at every code but 0 has to know."""
    words = " ".join(reconciler("--help").stdout.split())

    assert "2 changes or drift (plan --detailed-exitcode, drift)." in words


def test_no_registry_is_an_error_that_says_how_to_name_one(reconciler, releases):
    """Neither the files nor the command line name one."""
    done = reconciler("plan", releases)

    assert (
        "error: no registry is named\n"
        "  Say `registry: contoso.azurecr.io` in a file, --registry contoso.azurecr.io,\n"
        "  or RECONCILER_REGISTRY=contoso.azurecr.io in the environment.\n"
    ) == done.stderr
    assert 1 == done.code


def test_what_is_no_limit_is_told_with_the_name_of_the_option_or_variable(reconciler, releases):
    """There are four of each, and a variable may have been set far away."""
    option = reconciler("plan", releases, "--max-delete", "abc")
    variable = reconciler("rollback", "latest", RECONCILER_MAX_HIDE="10.5")

    assert option.stderr.startswith('error: --max-delete: "abc" is not a limit; say a number')
    assert variable.stderr.startswith('error: RECONCILER_MAX_HIDE: "10.5" is not a limit; say a number')
    assert (1, 1) == (option.code, variable.code)


def test_notes_go_to_stderr_and_can_be_silenced(emulator, reconciler, releases):
    """The registry's name comes first; --quiet leaves nothing but the answer."""
    loud = reconciler("plan", releases, "--registry", emulator.url)
    quiet = reconciler("plan", releases, "--registry", emulator.url, "--quiet")

    assert loud.stderr.startswith(f"Registry  {emulator.url}\nMemory    none yet at .reconciler/state.json: ")
    assert "\nRead      0 repositories, 0 tags in 1 request, " in loud.stderr
    assert "" == quiet.stderr
    assert loud.stdout == quiet.stdout


def test_verbose_tells_each_request(emulator, reconciler, releases):
    """Method, target, status and duration, one line each."""
    done = reconciler("plan", releases, "--registry", emulator.url, "-v")

    assert "GET /acr/v1/_catalog?n=1000: 200, " in done.stderr


def test_half_a_password_is_an_error(reconciler, releases):
    """A user name without a password is a mistake, not a wish to be anonymous."""
    done = reconciler("plan", releases, "--registry", "http://127.0.0.1:9", RECONCILER_USERNAME="me")

    assert (
        "error: RECONCILER_PASSWORD is not set\n"
        "  Signing in takes a user name and a password, or neither; --password-stdin reads the password.\n"
    ) == done.stderr


def test_sign_in_with_a_user_name_and_password(start_emulator, reconciler, releases):
    """The password goes to the token endpoint, and neither to the answer nor to the log."""
    from reconciler.emulator import Settings

    emulator = start_emulator(Settings(auth="token", username="me", password="s3cret-word"))
    emulator.push("team/app:v1", content=b"one")
    sign_in = {"RECONCILER_USERNAME": "me", "RECONCILER_PASSWORD": "s3cret-word"}

    done = reconciler("apply", releases, "--registry", emulator.url, "--auto-approve", "-v", **sign_in)
    refused = reconciler(
        "plan", releases, "--registry", emulator.url, RECONCILER_USERNAME="me", RECONCILER_PASSWORD="x"
    )

    assert 0 == done.code
    assert 1 == refused.code
    assert "401" in refused.stderr
    assert "s3cret-word" not in done.stdout + done.stderr


def test_explain_lists_every_rule_and_what_was_overridden(emulator, reconciler, tmp_path: Path):
    """In file order, with the live value and what apply would make of it."""
    emulator.push("team/app:v1", content=b"one")
    (tmp_path / "two.yaml").write_text(
        "version: 1\n"
        "repositories:\n"
        '  - match: "**"\n'
        "    tags:\n"
        '      - match: "v*"\n'
        "        attributes: {deleteEnabled: false, writeEnabled: false}\n"
        "  - match: team/app\n"
        "    tags:\n"
        "      - match: v1\n"
        "        attributes: {writeEnabled: true}\n"
    )

    done = reconciler("explain", "team/app:v1", "two.yaml", "--registry", emulator.url)

    assert "  deleteEnabled    false  two.yaml:6:21\n" in done.stdout
    assert "  writeEnabled     false  two.yaml:6:21  overridden by two.yaml:10:21\n" in done.stdout
    assert "  deleteEnabled    true   → false\n" in done.stdout
    assert "  writeEnabled     true   in sync\n" in done.stdout


def test_explain_takes_the_beginning_of_a_digest(emulator, reconciler, releases):
    """From 6 digits on, and where a registry can be asked for the rest."""
    digest = emulator.push("team/app:v1", content=b"one")
    explain = ("explain", f"team/app@{digest[:13]}", releases, "--registry", emulator.url, "-q")

    done, offline = reconciler(*explain), reconciler(*explain[:3], "--offline")
    short = reconciler("explain", f"team/app@{digest[:12]}", *explain[2:])

    assert (0, f"team/app@{digest}") == (done.code, done.stdout.splitlines()[0])
    assert (1, 1) == (offline.code, short.code)
    assert "--offline takes the whole digest" in offline.stderr
    assert (
        f'error: "team/app@{digest[:12]}": not an address: at least 6 digits of a digest are needed\n' == short.stderr
    )


@pytest.mark.parametrize("address", ["team/app:", "team/app@", "Team/app", "team//app", ":v1", "team/app:v1:v2"])
def test_what_is_no_address_is_refused(reconciler, releases, address):
    """An empty tag is a mistake, and not the repository (Azure/azure-cli#31878)."""
    done = reconciler("explain", address, releases, "--offline")

    assert 1 == done.code
    assert f'error: "{address}": not an address: ' in done.stderr


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "plan.json: not JSON: "),
        ("[]", "plan.json: not a plan: expected an object"),
        ('{"format_version": "2.0"}', 'plan.json: plan format "2.0"; this version reads 1.0'),
        ('{"format_version": "1.0"}', "plan.json: not a plan: "),
    ],
)
def test_what_is_no_plan_is_not_shown(reconciler, tmp_path: Path, content, complaint):
    """One error, that says what is wrong with the file."""
    (tmp_path / "plan.json").write_text(content)

    done = reconciler("show", "plan.json")

    assert (1, "") == (done.code, done.stdout)
    assert done.stderr.startswith(f"error: {complaint}")


def test_a_plan_file_that_cannot_be_written_leaves_the_old_one(emulator, reconciler, releases, tmp_path: Path):
    """A folder that does not exist is told, and nothing half-written is left anywhere."""
    done = reconciler("plan", releases, "--registry", emulator.url, "--out", "no/such/plan.json")

    assert 1 == done.code
    assert "error: no/such/plan.json: cannot be written: No such file or directory\n" in done.stderr
    assert ["registry.yaml"] == sorted(path.name for path in tmp_path.iterdir())


def test_a_reader_that_hangs_up_is_no_stack_trace(emulator, tmp_path: Path, releases):
    """`reconciler plan | head` closes the pipe early."""
    for number in range(200):
        emulator.push(f"team/app-{number}:v1", content=b"one")
    command = f"{sys.executable} -m reconciler plan {releases} --full -q --registry {emulator.url} | head -1"

    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert ("team/app-0\n", "") == (done.stdout, done.stderr)


def test_an_error_cannot_move_the_cursor(reconciler, releases):
    """What was typed is repeated in errors, without its escapes."""
    done = reconciler("explain", "team/\x1b[2Japp", releases, "--offline")

    assert 1 == done.code
    assert "\x1b" not in done.stderr


@pytest.mark.parametrize("status_of", ["proxy", "another code"])
@pytest.mark.parametrize("address", ["team/app", "team/app:v1"])
def test_explain_does_not_believe_the_404_of_somebody_else(reconciler, releases, address, status_of):
    """Only the registry's own words prove that it does not hold a resource."""
    with scripted() as registry:
        registry.on("*", html(404) if status_of == "proxy" else refusal(404, "UNSUPPORTED"))

        done = reconciler("explain", address, releases, "--registry", registry.url, "-q", "--timeout", "3")

    assert (1, "") == (done.code, done.stdout)
    assert "404" in done.stderr


@pytest.mark.parametrize(
    ("address", "code"),
    [("team/app", "NAME_UNKNOWN"), ("team/app:v1", "NAME_UNKNOWN"), ("team/app:v1", "TAG_UNKNOWN")],
)
def test_explain_believes_the_registry_itself(reconciler, releases, address, code):
    """A resource that is not there is no error: the rules are explained all the same."""
    with scripted() as registry:
        registry.on("*", refusal(404, code))
        if code == "TAG_UNKNOWN":
            registry.on("/acr/v1/team%2Fapp", repository("team/app", tag_count=0))
            registry.on("/acr/v1/team%2Fapp/_tags", tags("team/app"))

        done = reconciler("explain", address, releases, "--registry", registry.url, "-q", "--timeout", "3")

    assert (0, "") == (done.code, done.stderr)


def test_what_was_not_asked_for_does_not_count_as_read(emulator, reconciler, tmp_path: Path):
    """The catalog names every repository; only those that a rule speaks of and that are there were read."""
    for name in ("team/app", "team/web", "other/app"):
        emulator.push(f"{name}:v1", content=b"one")
    (tmp_path / "team.yaml").write_text(
        "version: 1\nrepositories: [{match: ['team/*', no/such], attributes: {deleteEnabled: false}}]\n"
    )

    done = reconciler("plan", "team.yaml", "--registry", emulator.url)

    assert "\nRead      2 repositories, 0 tags in " in done.stderr


@pytest.mark.parametrize(
    ("count", "note"),
    [(1, "note: 1 resource is blocked, see above\n"), (2, "note: 2 resources are blocked, see above\n")],
)
def test_no_changes_but_blocked_resources_are_told(reconciler, tmp_path: Path, count, note):
    """The exit code says "in sync", so a note says what is not."""
    names = ["team/app", "team/web"][:count]
    (tmp_path / "one.yaml").write_text(
        f"version: 1\nrepositories: [{{match: {names}, attributes: {{teleportEnabled: true}}}}]\n"
    )
    with scripted() as registry:
        for name in names:
            registry.on(f"/acr/v1/{name.replace('/', '%2F')}", repository(name))

        loud, quiet, plain = (
            reconciler("plan", "one.yaml", "--registry", registry.url, *options)
            for options in (["--detailed-exitcode"], ["--detailed-exitcode", "-q"], [])
        )

    assert [0, 0, 0] == [loud.code, quiet.code, plain.code]
    assert loud.stderr.endswith(note)
    assert "" == quiet.stderr
    assert "note:" not in plain.stderr


def test_a_saved_plan_among_the_files_is_called_what_it_is(emulator, reconciler, releases):
    """And not thirty unknown keys."""
    reconciler("plan", releases, "--registry", emulator.url, "--out", "plan.json")

    done = reconciler("validate", "plan.json")

    assert (
        "error: plan.json: a saved plan, and no desired-state file\n"
        "  reconciler show PLAN shows it, reconciler apply PLAN applies it, alone\n"
    ) == done.stderr


def test_no_command_is_an_error_that_shows_them_all(reconciler):
    """Nobody is left with a bare complaint."""
    done = reconciler()

    assert (1, "") == (done.code, done.stdout)
    assert done.stderr.startswith("error: no command is given\n\nUsage: reconciler ")


def test_the_fingerprint_of_a_saved_plan_is_told(emulator, reconciler, releases, tmp_path: Path):
    """An approval can name what was approved."""
    done = reconciler("plan", releases, "--registry", emulator.url, "--out", "plan.json")

    fingerprint = json.loads((tmp_path / "plan.json").read_text())["fingerprint"]
    assert f"Saved     plan.json, {fingerprint}\n" in done.stderr
