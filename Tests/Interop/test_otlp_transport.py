# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""How spans travel: where to, in which form, through which proxy, and with whose certificates."""

import gzip
import socket
import ssl
import subprocess
import threading
from pathlib import Path

import pytest

from harness.collector import Collector, reset
from harness.scrape import Scrape
from harness.spans import named
from harness.tracing import PROMPT, SpanCounts, collector, start_traced, wait_settled
from harness.waiting import wait_until


def exported(origin, collector: Collector, number: int = 0) -> None:
    """Publishes once, and waits until the collector has the span of it."""
    origin.publish(f"sent-{number}", "x")
    collector.wait_spans(named(f"publish sent-{number}"), "the span of a publish")


def logged(origin, message: str) -> list[dict]:
    return [record for record in origin.log_records() if record["message"] == message]


# The request


def test_a_request_is_a_post_of_protobuf_to_v1_traces(start_traced, collector):
    origin = start_traced()
    exported(origin, collector)
    (request,) = collector.requests
    assert request.target == "/v1/traces" and request.fields["content-type"] == "application/x-protobuf"
    assert request.fields["host"] == collector.url.removeprefix("http://")
    assert int(request.fields["content-length"]) == len(request.body) and "content-encoding" not in request.fields
    # The form that the specification of the exporter asks for.
    assert request.fields["user-agent"].startswith("OTel-OTLP-Exporter-Swift/")
    # Nothing of the exporter's own is traced.
    assert "traceparent" not in request.fields


def test_requests_share_one_connection_and_a_new_one_follows_its_end(start_traced, collector):
    origin = start_traced()
    for number in range(5):
        exported(origin, collector, number)
    assert len({request.connection for request in collector.requests}) == 1
    collector.script = [reset]
    exported(origin, collector, 5)
    assert len({request.connection for request in collector.requests}) == 2
    assert wait_settled(origin).lost == {}


def test_a_body_is_compressed_when_that_is_asked_for(start_traced, collector):
    origin = start_traced(environment={"OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"})
    exported(origin, collector)
    (request,) = collector.requests
    assert request.fields["content-encoding"] == "gzip" and gzip.decompress(request.body)[:1] == b"\x0a"


def test_headers_of_the_environment_are_sent_and_never_printed(start_traced, collector):
    headers = "authorization=Bearer%20s3cr%C3%A9t, x-tenant = a%2Cb ,content-type=text/html,host=elsewhere"
    origin = start_traced(environment={"OTEL_EXPORTER_OTLP_HEADERS": headers})
    exported(origin, collector)
    fields = collector.requests[0].fields
    assert fields["authorization"].encode("latin-1").decode() == "Bearer s3crét" and fields["x-tenant"] == "a,b"
    # What describes the body is not the operator's to say.
    assert fields["content-type"] == "application/x-protobuf" and fields["host"].startswith("127.0.0.1:")
    assert "s3cr" not in origin.process.stderr() + origin.process.stdout()


@pytest.mark.parametrize(
    ("variables", "target"),
    [
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "{url}/"}, "/v1/traces"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "{url}/tenant/7"}, "/tenant/7/v1/traces"),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "{url}/just/here"}, "/just/here"),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "{url}"}, "/"),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "{url}/a?key=b", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://[::1]:1"},
         "/a?key=b"),
    ],
)  # fmt: skip
def test_the_endpoint_of_the_signal_is_used_as_it_is_and_the_general_one_is_extended(
    start_origin, collector, variables, target
):  # fmt: skip
    set_to = {name: value.format(url=collector.url) for name, value in variables.items()}
    exported(start_origin(environment={**PROMPT, **set_to}), collector)
    assert {request.target for request in collector.requests} == {target}


def test_variables_of_the_signal_go_before_the_general_ones_and_empty_is_unset(start_traced, collector):
    origin = start_traced(
        environment={
            "OTEL_EXPORTER_OTLP_HEADERS": "x-from=general", "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "x-from=signal",
            "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip", "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION": "none",
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT": "",
            "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_BSP_MAX_QUEUE_SIZE": "-3",
        }
    )  # fmt: skip
    exported(origin, collector)
    fields = collector.requests[0].fields
    assert fields["x-from"] == "signal" and "content-encoding" not in fields
    ignored = [record["reason"].split()[0] for record in logged(origin, "setting ignored")]
    assert sorted(ignored) == ["OTEL_BSP_MAX_QUEUE_SIZE", "OTEL_EXPORTER_OTLP_PROTOCOL"]


@pytest.mark.parametrize("exporter", ["none", "console"])
def test_another_exporter_of_the_environment_sends_nothing(start_traced, collector, exporter):
    origin = start_traced(environment={"OTEL_TRACES_EXPORTER": exporter})
    origin.publish("a", "x")
    wait_until(lambda: SpanCounts.started_in(Scrape.of(origin)) == 1, "the span is counted")
    if exporter == "console":
        wait_until(lambda: '"publish a" trace=' in origin.process.stderr(), "the span's line")
    origin.terminate()
    assert collector.requests == []


@pytest.mark.parametrize("url", ["not a url", "ftp://127.0.0.1:1", "http://", "http://127.0.0.1:99999"])
def test_an_endpoint_that_is_none_is_said_and_the_origin_serves(start_origin, url):
    origin = start_origin(environment={"OTEL_EXPORTER_OTLP_ENDPOINT": url})
    origin.publish("a", "x")
    assert logged(origin, "setting ignored") or logged(origin, "spans cannot be exported")
    assert SpanCounts(Scrape.of(origin)).lost == {}


# Through a proxy


def test_a_proxy_of_the_environment_is_asked_in_absolute_form(start_origin, collector):
    # The collector is the proxy; the endpoint's name leads nowhere.
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector.invalid:4318", "http_proxy": collector.url}
    exported(start_origin(environment={**environment, **PROMPT}), collector)
    (request,) = collector.requests
    assert request.target == "http://collector.invalid:4318/v1/traces"
    assert request.fields["host"] == "collector.invalid:4318"


def test_what_no_proxy_names_is_reached_directly(start_traced, collector):
    origin = start_traced(environment={"http_proxy": "http://127.0.0.1:1", "no_proxy": "example.com,127.0.0.1"})
    exported(origin, collector)


class Tunnel:
    """A proxy that knows CONNECT alone, and notes what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = "http://%s:%d" % self._listener.getsockname()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._connect, args=[client], daemon=True).start()

    def _connect(self, client: socket.socket) -> None:
        with client:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += client.recv(1)
            self.asked.append(head.decode().splitlines()[0])
            host, _, port = self.asked[-1].split(" ")[1].rpartition(":")
            with socket.create_connection((host, int(port))) as target:
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                threading.Thread(target=self._pump, args=[target, client], daemon=True).start()
                self._pump(client, target)

    @staticmethod
    def _pump(source: socket.socket, sink: socket.socket) -> None:
        try:
            while received := source.recv(65_536):
                sink.sendall(received)
        except OSError:
            pass

    def close(self) -> None:
        self._listener.close()


# In TLS


def openssl(directory: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=directory, check=True, capture_output=True)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory) -> Path:
    """An authority `ca.pem`, and what it signed: `server.pem` for 127.0.0.1 and `client.pem`; and a `stranger.pem`."""
    folder = tmp_path_factory.mktemp("certificates")
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    for name in ("ca", "stranger"):
        openssl(folder, "req", "-x509", *key, "-keyout", f"{name}.key", "-out", f"{name}.pem", "-subj", f"/CN={name}",
                "-days", "2")  # fmt: skip
    for name, extension in (("server", "subjectAltName=IP:127.0.0.1"), ("client", "extendedKeyUsage=clientAuth")):
        openssl(folder, "req", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        (folder / f"{name}.ext").write_text(extension)
        openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                "-days", "2", "-extfile", f"{name}.ext", "-out", f"{name}.pem")  # fmt: skip
    return folder


def server_context(certificates: Path, wants_client: bool) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "server.pem", certificates / "server.key")
    if wants_client:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(certificates / "ca.pem")
    return context


def tls_environment(collector: Collector, certificates: Path, authority: str, client: bool) -> dict:
    chosen = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, **PROMPT, "OTEL_BSP_EXPORT_TIMEOUT": "1500",
              "OTEL_EXPORTER_OTLP_CERTIFICATE": str(certificates / f"{authority}.pem")}  # fmt: skip
    if client:
        chosen["OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"] = str(certificates / "client.pem")
        chosen["OTEL_EXPORTER_OTLP_CLIENT_KEY"] = str(certificates / "client.key")
    return chosen


@pytest.mark.parametrize("client", [False, True])
def test_a_collector_with_a_certificate_of_a_known_authority_is_sent_to(start_origin, certificates, client):
    with Collector(tls=server_context(certificates, wants_client=client)) as secure:
        origin = start_origin(environment=tls_environment(secure, certificates, "ca", client))
        for number in range(2):
            exported(origin, secure, number)
        assert len({request.connection for request in secure.requests}) == 1


def test_tls_goes_through_a_tunnel_of_the_proxy(start_origin, certificates):
    tunnel = Tunnel()
    with Collector(tls=server_context(certificates, wants_client=False)) as secure:
        environment = tls_environment(secure, certificates, "ca", client=False)
        origin = start_origin(environment={**environment, "https_proxy": tunnel.url})
        exported(origin, secure)
        assert tunnel.asked == [f"CONNECT 127.0.0.1:{secure.port} HTTP/1.1"]
        # Through the tunnel it is the collector that is spoken to.
        assert secure.requests[0].target == "/v1/traces"
    tunnel.close()


@pytest.mark.parametrize(
    ("authority", "wants_client"), [("stranger", False), ("ca", True)], ids=["stranger", "no client certificate"]
)
def test_nothing_is_sent_where_trust_is_missing(start_origin, certificates, authority, wants_client):
    with Collector(tls=server_context(certificates, wants_client)) as secure:
        origin = start_origin(environment=tls_environment(secure, certificates, authority, client=False))
        origin.publish("a", "x")
        counts = wait_settled(origin)
        assert counts.lost == {"retries_exhausted": 1} and secure.requests == []
        assert logged(origin, "spans are lost")


def test_a_certificate_without_its_key_is_said_and_the_origin_serves(start_origin, certificates):
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://127.0.0.1:1"}
    environment["OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"] = str(certificates / "client.pem")
    origin = start_origin(environment=environment)
    (record,) = logged(origin, "spans cannot be exported")
    assert "OTEL_EXPORTER_OTLP_CLIENT_KEY" in record["reason"]
    origin.publish("a", "x")
