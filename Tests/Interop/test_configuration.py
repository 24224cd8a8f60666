# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""Flag before environment before file; a bad value says what is allowed; `headwater config` says what holds and why."""

import itertools
import subprocess

import pytest

from harness.origin import clean_environment, headwater_binary
from harness.wire import WireConnection


def headwater(*arguments: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess:
    command = [headwater_binary(), *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=10, check=False, env=clean_environment(environment)
    )


def stream_retry(origin) -> int | None:
    """The retry that a stream opens with: what is really in effect."""
    with WireConnection.to(origin.url) as client:
        client.open_stream("/events?interval=10&size=64")
        client.next_events(1)
        return client.reader.retry


@pytest.mark.parametrize("sources", itertools.product([False, True], repeat=3), ids=str)
def test_a_flag_wins_over_the_environment_and_that_over_the_file(start_origin, tmp_path, sources):
    by_flag, by_environment, by_file = sources
    file = tmp_path / "headwater.yaml"
    file.write_text("retry: 1111\nheartbeat: 7.5\n" if by_file else "heartbeat: 7.5\n")
    flags = ["--config", str(file)] + (["--retry", "3333"] if by_flag else [])
    origin = start_origin(*flags, environment={"HEADWATER_RETRY": "2222"} if by_environment else {})
    expected = 3333 if by_flag else 2222 if by_environment else 1111 if by_file else 3000
    assert stream_retry(origin) == expected


# (key, value, something of what is allowed that the message must say)
BAD_VALUES = [
    ("port", "65536", "65535"),
    ("port", "-1", "0"),
    ("port", "http", "65535"),
    ("admin-port", "99999", "65535"),
    ("event-loops", "0", "1"),
    ("heartbeat", "soon", "second"),
    ("heartbeat", "-1", "0"),
    ("retry", "-5", "0"),
    ("retry", "3s", ""),
    ("channel-events", "0", "1"),
    ("slow-consumer", "maybe", "skip"),
    ("max-streams", "many", ""),
    ("trusted-proxies", "10.0.0.0/33", "10.0.0.0/8"),
    ("trusted-proxies", "localhost", "10.0.0.0/8"),
    ("proxy-protocol", "v3", "true"),
    ("log-level", "loud", "info"),
    ("log-format", "xml", "json"),
    ("publish-rate", "fast", ""),
    ("drain-window", "-1", "0"),
    ("cors-origins", "example.com/path", "http"),
]


@pytest.mark.parametrize("source", ["flag", "environment", "file"])
@pytest.mark.parametrize(("key", "value", "allowed"), BAD_VALUES, ids=lambda part: str(part) or "-")
def test_a_bad_value_names_key_value_and_what_is_allowed(tmp_path, source, key, value, allowed):
    # Ports of our own choosing, in case the value is taken and the origin starts: then this fails by its timeout.
    arguments, environment = ["serve", "--host=127.0.0.1", "--port=0", "--admin-port=0"], {}
    arguments = [one for one in arguments if not one.startswith(f"--{key}=")]
    if source == "flag":
        arguments.append(f"--{key}={value}")
    elif source == "environment":
        environment[f"HEADWATER_{key.upper().replace('-', '_')}"] = value
    else:
        file = tmp_path / "bad.yaml"
        file.write_text(f'{key}: "{value}"\n')
        arguments += ["--config", str(file)]
    try:
        answer = headwater(*arguments, environment=environment)
    except subprocess.TimeoutExpired:
        pytest.fail(f"{key}={value} was accepted")
    said = answer.stderr + answer.stdout
    assert answer.returncode == 64, (answer.returncode, said)
    assert key in said or key.upper().replace("-", "_") in said, said
    assert value in said, said
    assert allowed.lower() in said.lower(), said
    assert "Fatal error" not in said


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (None, "missing.yaml"),
        ("retry: [1", "missing.yaml"),
        ("retrry: 5\n", "retrry"),
        ("- a\n- b\n", "missing.yaml"),
    ],
)
def test_a_bad_file_is_64_and_named(tmp_path, text, named):
    file = tmp_path / "missing.yaml"
    if text is not None:
        file.write_text(text)
    answer = headwater("serve", "--host", "127.0.0.1", "--port", "0", "--admin-port", "0", "--config", str(file))
    assert answer.returncode == 64 and named in answer.stderr, (answer.returncode, answer.stderr)


def test_an_unknown_flag_or_command_is_64():
    assert headwater("serve", "--prot", "1").returncode == 64
    assert headwater("sevre").returncode == 64


def test_a_token_file_that_cannot_be_read_is_64_and_named(tmp_path):
    missing = tmp_path / "no-such-tokens"
    answer = headwater("serve", "--port", "0", "--admin-port", "0", "--publish-token-file", str(missing))
    assert answer.returncode == 64 and "no-such-tokens" in answer.stderr, (answer.returncode, answer.stderr)


def test_a_host_that_cannot_be_listened_on_is_said():
    answer = headwater("serve", "--host", "not a host", "--port", "0", "--admin-port", "0")
    assert 0 < answer.returncode < 128 and "not a host" in answer.stderr, (answer.returncode, answer.stderr)


def test_a_port_in_use_is_said_and_is_no_crash(origin):
    answer = headwater("serve", "--host", "127.0.0.1", "--port", str(origin.port), "--admin-port", "0")
    assert answer.returncode > 0, answer.returncode
    assert str(origin.port) in answer.stderr and "use" in answer.stderr.lower(), answer.stderr
    assert "Fatal error" not in answer.stderr


def test_config_prints_every_setting_with_its_source(tmp_path):
    file = tmp_path / "headwater.yaml"
    file.write_text("retry: 1111\nslow-consumer: skip\n")
    answer = headwater("config", "--config", str(file), "--heartbeat", "9", environment={"HEADWATER_MAX_STREAMS": "77"})
    assert answer.returncode == 0, answer.stderr
    lines = {line.split()[0].strip(":=\"',"): line for line in answer.stdout.splitlines() if line.split()}
    for key, value, source in [
        ("heartbeat", "9", ("flag", "command")),
        ("max-streams", "77", ("environment", "HEADWATER_MAX_STREAMS")),
        ("retry", "1111", ("file", "headwater.yaml")),
        ("slow-consumer", "skip", ("file", "headwater.yaml")),
        ("channel-events", "1024", ("default",)),
    ]:
        assert key in lines, answer.stdout
        assert value in lines[key] and any(one in lines[key] for one in source), lines[key]
    for key in ("host", "port", "admin-port", "drain-window", "cors-origins", "publish-token-file", "log-format"):
        assert key in lines, (key, answer.stdout)


def test_config_masks_secrets(tmp_path):
    answer = headwater("config", environment={"HEADWATER_PUBLISH_TOKENS": "very-secret-token=orders.*"})
    assert answer.returncode == 0, answer.stderr
    assert "publish-tokens" in answer.stdout or "PUBLISH_TOKENS" in answer.stdout
    assert "very-secret" not in answer.stdout + answer.stderr


def test_secrets_reach_no_log(start_origin):
    origin = start_origin("--log-level", "trace", environment={"HEADWATER_PUBLISH_TOKENS": "very-secret-token=*"})
    origin.publish("a", "x", token="very-secret-token")
    origin.terminate()
    assert "very-secret" not in origin.process.stderr() + origin.process.stdout()


def test_help_documents_every_setting():
    answer = headwater("serve", "--help")
    assert answer.returncode == 0
    settings = (
        "host port admin-host admin-port event-loops heartbeat retry ready-file channel-events channel-bytes "
        "max-channels channel-linger slow-consumer slow-bytes slow-seconds max-connections max-streams "
        "max-streams-per-peer max-stream-lifetime drain-window cors-origins trusted-proxies proxy-protocol "
        "publish-token-file publish-rate publish-max-bytes header-timeout body-timeout keep-alive-timeout "
        "tcp-user-timeout log-level log-format config"
    )
    missing = [one for one in settings.split() if f"--{one} " not in answer.stdout.replace("\n", " ")]
    assert not missing, missing
