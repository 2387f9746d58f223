"""What must hold in every pipeline: valid for its forge, pinned, with no more rights than it needs."""

from __future__ import annotations

import importlib.resources
import json
import re
import subprocess
from configparser import ConfigParser

import click
import editors
import pytest
import yaml  # BaseLoader: `true` and `on` stay texts
from jsonschema import Draft7Validator
from machines import ROOT
from packaging.requirements import Requirement

from reconciler.alerts.settings import sinks_from_file
from reconciler.cli import root
from reconciler.files.load import desired_from_texts

PIPELINES = ROOT / "specs" / "pipelines"
WORKFLOWS = sorted((PIPELINES / "github").iterdir())


def read(path):
    """The documents of a file."""
    return list(yaml.load_all(path.read_text(), yaml.BaseLoader))


def without_targets(document):
    """
    Without `target:` of tasks, which the schema of Azure Pipelines forgets.

    Source: https://learn.microsoft.com/azure/devops/pipelines/yaml-schema/steps-task.
    """
    if isinstance(document, list):
        return [without_targets(each) for each in document]
    if not isinstance(document, dict):
        return document
    return {key: without_targets(value) for key, value in document.items() if key != "target"}


@pytest.mark.parametrize(
    ("schema", "paths"),
    [
        ("github-workflows", WORKFLOWS),
        ("github-actions", [ROOT / "action.yml"]),
        ("gitlab-ci", [PIPELINES / "gitlab-ci.yml"]),
        ("azure-pipelines", [PIPELINES / "azure-pipelines.yml"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_forge_takes_its_files(schema, paths):
    """By the schemas that editors use for them, from https://www.schemastore.org."""
    folder = importlib.resources.files("check_jsonschema.builtin_schemas.vendor")
    validator = Draft7Validator(json.loads((folder / f"{schema}.json").read_text()))

    for path in paths:
        document = read(path)[0] if schema == "azure-pipelines" else editors.read(path.read_text())
        assert [] == [error.message for error in validator.iter_errors(without_targets(document))]


def test_what_others_wrote_is_pinned_to_a_commit():
    """A tag can be moved; what it stood for is told beside. Our own is for the reader to put in."""
    lines = [line for path in (ROOT / "action.yml", *WORKFLOWS) for line in path.read_text().splitlines()]
    uses = [line.partition("uses: ")[2] for line in lines if "uses: " in line]

    assert 12 <= len(uses)
    assert [] == [
        each
        for each in uses
        if not re.fullmatch(
            r"(actions|azure)/[a-z-]+@[0-9a-f]{40} # v[0-9.]+|example/reconciler@0{40} # the commit .*", each
        )
    ]


def test_images_are_pinned_to_a_digest():
    """In GitLab and in Kubernetes; an image by tag may be another one tomorrow."""
    files = [PIPELINES / "gitlab-ci.yml", PIPELINES / "kubernetes/watch.yaml", PIPELINES / "kubernetes/cronjob.yaml"]
    images = re.findall(r"contoso\.azurecr\.io/tools/\S+", "".join(path.read_text() for path in files))

    assert [True] * 3 == [bool(re.search(r"@sha256:[0-9a-f]{64}$", image)) for image in images]


def test_jobs_have_just_the_rights_that_they_need():
    """A token that can do nothing but read files, to sign in, and to comment where that is done."""
    rights = {}
    for path in WORKFLOWS:
        (workflow,) = read(path)
        assert {} == workflow["permissions"]
        assert {"pull_request", "push", "schedule", "workflow_dispatch"} >= set(workflow["on"])
        rights |= {f"{path.stem}.{name}": job["permissions"] for name, job in workflow["jobs"].items()}

    signing_in = {"contents": "read", "id-token": "write"}
    assert {
        "apply.plan": signing_in,
        "apply.apply": signing_in,
        "drift.drift": signing_in,
        "plan.plan": {**signing_in, "pull-requests": "write"},
        "plan.fork": {"contents": "read"},
    } == rights


def test_no_checkout_leaves_its_credentials_behind():
    """Whatever runs later in the job could push with them."""
    steps = [step for path in WORKFLOWS for job in read(path)[0]["jobs"].values() for step in job["steps"]]
    checkouts = [step for step in steps if step["uses"].startswith("actions/checkout@")]

    assert [{"persist-credentials": "false"}] * 5 == [step["with"] for step in checkouts]
    assert 2 == (PIPELINES / "azure-install.yml").read_text().count("persistCredentials: false")


def test_an_apply_waits_for_the_one_before_and_for_an_approval():
    """On each forge in its own words."""
    github = read(PIPELINES / "github/apply.yml")[0]["jobs"]["apply"]
    gitlab = read(PIPELINES / "gitlab-ci.yml")[0]["apply"]
    azure = next(each for each in read(PIPELINES / "azure-pipelines.yml")[0]["stages"] if each["stage"] == "apply")

    assert ("registry", {"group": "registry-apply", "cancel-in-progress": "false"}) == (
        github["environment"],
        github["concurrency"],
    )
    assert ("registry", "registry", "false", "manual") == (
        gitlab["environment"]["name"],
        gitlab["resource_group"],
        gitlab["interruptible"],
        gitlab["rules"][0]["when"],
    )
    assert ("registry", "sequential") == (azure["jobs"][0]["environment"], azure["lockBehavior"])


def test_what_is_installed_is_what_setup_cfg_asks_for():
    """One version each, with hashes, within the bounds; with the extras for Azure and metrics, and what builds it."""
    settings = ConfigParser()
    settings.read(ROOT / "setup.cfg")
    extras = settings["options.extras_require"]
    lines = "\n".join([settings["options"]["install_requires"], extras["azure"], extras["metrics"], "setuptools >=77"])
    wanted = [Requirement(line) for line in lines.splitlines() if line and not line.startswith("#")]
    text = (PIPELINES / "requirements.txt").read_text()
    pins = {name.lower(): version for name, version in re.findall(r"^([\w.-]+)==(\S+)", text, re.MULTILINE)}

    assert [] == [str(each) for each in wanted if pins.get(each.name.lower(), "none") not in each.specifier]
    assert len(pins) == len(re.findall(r"==.* \\\n +--hash=sha256:", text))


def test_nothing_is_installed_without_its_hash(tmp_path):
    """Told by a Python that does nothing: a folder of its own, dependencies by their hashes, then this project."""
    told = tmp_path / "told"
    python = tmp_path / "python3"
    (tmp_path / "to" / "bin").mkdir(parents=True)
    (tmp_path / "to" / "bin" / "python").symlink_to(python)
    python.write_text(f'#!/bin/sh\necho "$@" >> {told}\n')
    python.chmod(0o755)

    subprocess.run([PIPELINES / "install.sh", tmp_path / "to"], env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, check=True)

    pip = "-m pip --quiet --disable-pip-version-check install"
    assert [
        f"-m venv {tmp_path}/to",
        f"{pip} --require-hashes --only-binary :all: --requirement {PIPELINES}/requirements.txt",
        f"{pip} --no-deps --no-build-isolation {ROOT}",
    ] == told.read_text().splitlines()


def test_what_the_image_is_made_of_is_there():
    """It is built from the top of this project, and runs as nobody."""
    lines = (PIPELINES / "Dockerfile").read_text().splitlines()
    copied = [name for line in lines if re.match(r"COPY [^-]", line) for name in line.split()[1:-1]]

    assert [] == [name for name in copied if not (ROOT / name).exists()]
    assert "USER 65532:65532" in lines


def pods():
    """The pods that there are in Kubernetes."""
    made = [read(PIPELINES / "kubernetes" / name)[0]["spec"] for name in ("cronjob.yaml", "watch.yaml")]
    return [spec.get("jobTemplate", {}).get("spec", spec)["template"] for spec in made]


def test_pods_can_do_nothing_but_their_work():
    """What the restricted Pod Security Standard asks for, a root that cannot be written, no token for Kubernetes."""
    for pod in pods():
        (container,) = pod["spec"]["containers"]
        assert {"type": "RuntimeDefault"} == pod["spec"]["securityContext"]["seccompProfile"]
        assert "true" == pod["spec"]["securityContext"]["runAsNonRoot"]
        assert "false" == pod["spec"]["automountServiceAccountToken"]
        assert {
            "allowPrivilegeEscalation": "false",
            "readOnlyRootFilesystem": "true",
            "capabilities": {"drop": ["ALL"]},
        } == container["securityContext"]
        assert {"requests", "limits"} == container["resources"].keys()
        assert "true" == pod["metadata"]["labels"]["azure.workload.identity/use"]
        assert ["/tmp"] == [each["mountPath"] for each in container["volumeMounts"] if "readOnly" not in each]


def test_commands_of_pods_are_commands():
    """Every option is one that the program has."""
    for pod in pods():
        (container,) = pod["spec"]["containers"]
        program, name, *none = container["command"]
        command = root.get_command(click.Context(root), name)

        assert ("reconciler", []) == (program, none)
        assert command.make_context(name, list(container["args"]))


def test_the_inputs_of_the_action_are_documented():
    """docs/pipelines.md has each by its name, and the outputs."""
    page = (ROOT / "docs" / "pipelines.md").read_text()
    (action,) = read(ROOT / "action.yml")

    assert [] == [name for name in [*action["inputs"], *action["outputs"]] if f"`{name}`" not in page]


def test_what_kustomize_puts_together_is_there():
    """Files and resources, of which the watch is one of two."""
    folder = PIPELINES / "kubernetes"
    (kustomization,) = read(folder / "kustomization.yaml")
    named = {*kustomization["resources"], *kustomization["configMapGenerator"][0]["files"]}

    assert {"kustomization.yaml", "cronjob.yaml"} == {path.name for path in folder.iterdir()} - named
    assert {path.name for path in folder.iterdir()} > named


def test_files_that_are_shipped_with_the_pipelines_are_valid(tmp_path):
    """Desired state and alerts, with the secrets where they are said to be."""
    file = PIPELINES / "kubernetes" / "registry.yaml"
    (tmp_path / "slack").write_text("https://hooks.slack.com/services/T0/B0/secret")
    mounted = (PIPELINES / "kubernetes/alerts.yaml").read_text().replace("/run/secrets/reconciler", str(tmp_path))
    (tmp_path / "alerts.yaml").write_text(mounted)
    environment = {"SLACK_WEBHOOK": "https://hooks.slack.com/services/T0/B0/secret"}

    desired_from_texts([(file.name, file.read_bytes())])
    files = (PIPELINES / "alerts.yaml", tmp_path / "alerts.yaml")
    settings = [sinks_from_file(str(path), environment) for path in files]

    assert [1, 1] == [len(each.sinks) for each in settings]
