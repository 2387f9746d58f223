"""Who gets the password: the registry that the person named, or a host of Azure; never what only a file says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from servers import reply, scripted

SIGN_IN = {"RECONCILER_USERNAME": "ci", "RECONCILER_PASSWORD": "s3cret-word"}


@pytest.fixture
def elsewhere():
    """A host that would collect what it is told."""
    with scripted() as server:
        server.on("*", reply(401, b"", www_authenticate=f'Bearer realm="{server.url}/oauth2/token",service="x"'))
        yield server


def _file(folder: Path, registry: str) -> str:
    text = f'version: 1\nregistry: {registry}\nrepositories: [{{match: "**", attributes: {{deleteEnabled: false}}}}]\n'
    (folder / "registry.yaml").write_text(text)
    return "registry.yaml"


@pytest.mark.parametrize("host", ["https://registry.example.invalid", "https://contoso.azurecr.io.evil.invalid"])
def test_a_file_alone_does_not_say_who_gets_the_password(reconciler, tmp_path: Path, host):
    """A pull request that changes one line would otherwise send it to whoever is named there."""
    done = reconciler("plan", _file(tmp_path, host), **SIGN_IN)

    name = host.removeprefix("https://")
    assert (
        f"error: {name} is named by a file only, and a password or token is set\n"
        f"  It is not one of Azure's own hosts. If it may have them: --registry {name}\n"
    ) == done.stderr
    assert 1 == done.code


def test_a_plan_alone_does_not_say_so_either(emulator, reconciler, releases, tmp_path: Path):
    """Plan files travel through artifact stores."""
    emulator.push("team/app:v1", content=b"one")
    reconciler("plan", releases, "--registry", emulator.url, "--out", "plan.json")
    plan = json.loads((tmp_path / "plan.json").read_text())
    plan["registry"] = "registry.example.invalid"
    (tmp_path / "plan.json").write_text(json.dumps(_refingerprinted(plan)))

    done = reconciler("apply", "plan.json", "--auto-approve", **SIGN_IN)

    assert done.stderr.startswith(
        "error: registry.example.invalid is named by a file only, and a password or token is set\n"
    )


def _refingerprinted(plan: dict[str, object]) -> dict[str, object]:
    from reconciler.planning.planfile import _fingerprint

    return {**plan, "fingerprint": _fingerprint(plan)}


def test_who_was_named_on_the_command_line_gets_it(start_emulator, reconciler, tmp_path: Path):
    """Option and environment are the person's own word."""
    from reconciler.emulator import Settings

    emulator = start_emulator(Settings(auth="token", username="ci", password="s3cret-word"))

    done = reconciler("plan", _file(tmp_path, "registry.example.invalid"), "--registry", emulator.url, **SIGN_IN)

    assert 0 == done.code
    assert f"Registry  {emulator.url}, not registry.example.invalid as written\n" in done.stderr


def test_without_a_password_any_registry_may_be_named(reconciler, elsewhere, tmp_path: Path):
    """Nothing can be lost."""
    done = reconciler("plan", _file(tmp_path, elsewhere.url))

    assert 1 == done.code
    assert "nobody is let in anonymously; docs/sign-in.md tells the ways" in done.stderr


@pytest.mark.parametrize("password", ['pa"ss-word', "back\\slash-word", "pässwörd", "new\nline"])
def test_a_password_that_the_registry_repeats_is_not_shown(reconciler, elsewhere, tmp_path: Path, password):
    """Some servers say back what they were told, in JSON's own spelling too."""

    def echo(request):
        said = json.dumps(password) if request.target.endswith("1") else json.dumps(password, ensure_ascii=False)
        body = f'{{"errors":[{{"code":"UNAUTHORIZED","message":{said}}}]}}'
        return reply(401, body.encode())

    elsewhere.on("/oauth2/token", echo)

    done = reconciler(
        "plan",
        _file(tmp_path, elsewhere.url),
        "-v",
        RECONCILER_USERNAME="ci",
        RECONCILER_PASSWORD=password,
    )

    assert 1 == done.code
    assert "***" in done.stderr
    assert password not in done.stderr
