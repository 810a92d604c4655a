"""The API's description against the API: its form, that every route it names answers, and that every answer is as it says."""
import base64
import json
import re

import jsonschema
import pytest
from buckets import StandIn
from nacl.public import PublicKey, SealedBox
from processes import free_port, run
from shipping import access_key
from targets import LOGIN, make_key
from world import World

METHODS = {"get", "put", "post", "patch", "delete"}


class Api:
    def __init__(self, gateway):
        self.socket = gateway.folder / "admin.sock"

    def ask(self, method, path, body=None):
        send = [] if body is None else ["--data-binary", "@-"]
        done = run(["curl", "-s", "-g", "-X", method, *send, "--unix-socket", self.socket, "-w", "\n%{http_code} %{content_type}",
                    f"http://gateway{path}"], given=(body or "").encode()).ok()
        text, _, facts = done.text.rpartition("\n")
        status, _, kind = facts.partition(" ")
        return int(status), kind.partition(";")[0], text


def described(gateway):
    status, kind, text = Api(gateway).ask("GET", "/openapi.json")
    assert (status, kind) == (200, "application/json")
    return json.loads(text)


def test_its_form(make_gateway):
    """What OpenAPI 3.1 wants of a document, of its paths and operations; its schemas are JSON Schema 2020-12."""
    api = described(make_gateway().start())
    assert api["openapi"] == "3.1.0" and set(api["info"]) >= {"title", "version"}
    assert set(api) <= {"openapi", "info", "servers", "paths", "components"}
    schemas = api["components"]["schemas"]
    for name, schema in schemas.items():
        assert re.fullmatch(r"[A-Za-z0-9._-]+", name)
        jsonschema.Draft202012Validator.check_schema(schema)
    ids, used = [], set()
    for path, operations in api["paths"].items():
        assert path.startswith("/") and set(operations) <= METHODS
        for operation in operations.values():
            ids.append(operation["operationId"])
            assert set(operation) <= {"operationId", "summary", "tags", "parameters", "requestBody", "responses", "x-roles"}
            names = [(parameter["name"], parameter["in"]) for parameter in operation["parameters"]]
            assert len(names) == len(set(names))
            in_path = {name for name, where in names if where == "path"}
            assert in_path == set(re.findall(r"{(\w+)}", path)), path
            for parameter in operation["parameters"]:
                jsonschema.Draft202012Validator.check_schema(parameter["schema"])
                assert parameter["in"] in ("path", "query") and (parameter["in"] != "path" or parameter["required"] is True)
            assert all(response["description"] for response in operation["responses"].values())
            assert set(operation["responses"]) == {"200", "default"}
    assert len(ids) == len(set(ids)) > 30
    for reference in re.findall(r'"\$ref": "([^"]*)"', json.dumps(api)):
        assert reference.removeprefix("#/components/schemas/") in schemas
        used.add(reference.removeprefix("#/components/schemas/"))
    assert used == set(schemas), "a schema that nothing refers to"


def sealed(world):
    """As docs/adr/0019-stored-credentials.md says, by somebody else's library."""
    mark, key = (world.gateway.data_dir / "keys/wrapping_key.pub").read_text().split()
    assert mark == "sekisho-seal-to-v1"

    def field(text):
        return len(text).to_bytes(4, "big") + text
    message = field(b"sekisho sealed secret v1") + b"\2" + field(b"web") + field(LOGIN.encode()) + field(b"open sesame")
    return base64.b64encode(SealedBox(PublicKey(base64.b64decode(key))).encrypt(message)).decode()


@pytest.fixture
def mailing_world(folder):
    """Nobody is where the mails should go: they wait. And a bucket that can be listed."""
    bucket = StandIn({"logs/2026/11/22/alice/2026-11-22_05-16-00_alice.5d1f0c7be2a94633.skr": "x"})
    world = World(config={
        "mail": {"smtp": f"smtp://127.0.0.1:{free_port()}", "tls": "none", "to": ["a@example.com"], "events": []},
        "recording__upload": {"url": "s3://bucket/logs/", "endpoint": bucket.url, "access_key_file": str(access_key(folder))}})
    try:
        yield world.start()
    finally:
        world.stop()
        bucket.close()


def test_every_answer_is_as_described(mailing_world, folder):
    """One request for each operation that does its work, and one that is refused; none of them is left out."""
    world = mailing_world
    api, description = Api(world.gateway), described(world.gateway)
    world.alice.ssh("-tt", world.place(), "echo in").ok()
    session = world.gateway.sessions()[0]["id"]
    key = make_key(folder / "key")
    fingerprint = run(["ssh-keygen", "-l", "-f", folder / "key.pub"]).ok().text.split()[1].replace("+", "%2B")
    audit_key = world.gateway.recordings()[0]["audit_key"]
    client = world.alice.start(world.place(), "echo in; cat")
    assert client.stdout.readline() == b"in\n"
    short = world.meta.start(world.place(), "echo in; sleep 3")  # watched until it ends
    assert short.stdout.readline() == b"in\n"
    watched = next(one["id"] for one in json.loads(api.ask("GET", "/v1/sessions?live=1&user=meta")[2])["sessions"])
    live = next(one["id"] for one in json.loads(api.ask("GET", "/v1/sessions?live=1&user=alice")[2])["sessions"])
    mail = json.loads(api.ask("POST", "/v1/mail", "")[2])["mails"][0]
    target = {"name": "db1", "address": "10.0.0.9:22", "trust": "first-use", "labels": {"env": "prod"}}
    rule = {"name": "r1", "users": ["carol"], "allow": ["shell"], "when": {"hours": "08:00-20:00 Asia/Tokyo"}}
    requests = [
        ("GET", "/v1/watch/{id}", f"/v1/watch/{watched}", None), ("GET", "/v1/search", "/v1/search?words=alice&since=1h", None),
        ("GET", "/v1/search", "/v1/search?command=echo&user=alice", None),
        ("GET", "/openapi.json", "/openapi.json", None), ("GET", "/ca.pub", "/ca.pub", None), ("GET", "/v1/ca", "/v1/ca", None),
        ("POST", "/v1/ca", "/v1/ca", {"step": "publish"}),
        ("GET", "/v1/sessions", "/v1/sessions?user=alice&most=5", None), ("GET", "/v1/sessions/{id}", f"/v1/sessions/{session}", None),
        ("DELETE", "/v1/sessions/{id}", f"/v1/sessions/{live}?reason=test", None),
        ("GET", "/v1/audit", "/v1/audit?after=1&most=100", None), ("GET", "/v1/recordings", "/v1/recordings", None),
        ("GET", "/v1/recordings/{audit_key}/content", f"/v1/recordings/{audit_key}/content?offset=1000000000", None),
        ("GET", "/v1/bucket", "/v1/bucket", None),
        ("GET", "/v1/access", "/v1/access", None), ("POST", "/v1/apply", "/v1/apply?dry_run=1", "[[user]]\nname = \"x\"\n"),
        ("POST", "/v1/users", "/v1/users", {"name": "carol", "groups": ["ops"], "expires": "2037-01-01T00:00:00Z"}),
        ("GET", "/v1/users", "/v1/users", None), ("GET", "/v1/users/{name}", "/v1/users/carol", None),
        ("PATCH", "/v1/users/{name}", "/v1/users/carol", {"email": "carol@example.com", "groups": None}),
        ("POST", "/v1/users/{name}/keys", "/v1/users/carol/keys?options=restrict", key),
        ("GET", "/v1/users/{name}/keys", "/v1/users/carol/keys", None),
        ("PATCH", "/v1/users/{name}/keys", f"/v1/users/carol/keys?fingerprint={fingerprint}", {"comment": "c", "options": None}),
        ("DELETE", "/v1/users/{name}/keys", f"/v1/users/carol/keys?fingerprint={fingerprint}", None),
        ("PATCH", "/v1/groups/{name}", "/v1/groups/dev", {"add": ["carol", "alice"], "remove": ["meta"]}),
        ("GET", "/v1/groups", "/v1/groups", None), ("GET", "/v1/groups/{name}", "/v1/groups/dev", None),
        ("PUT", "/v1/groups/{name}", "/v1/groups/dev", {"users": ["carol"]}), ("DELETE", "/v1/groups/{name}", "/v1/groups/dev", None),
        ("POST", "/v1/targets", "/v1/targets", target), ("GET", "/v1/targets", "/v1/targets", None),
        ("GET", "/v1/targets/{name}", "/v1/targets/db1", None), ("PATCH", "/v1/targets/{name}", "/v1/targets/db1", {"legacy": True}),
        ("POST", "/v1/rules", "/v1/rules", rule), ("GET", "/v1/rules", "/v1/rules", None),
        ("GET", "/v1/rules/{name}", "/v1/rules/r1", None),
        ("PATCH", "/v1/rules/{name}", "/v1/rules/r1", {"when": {"hours": None}, "record": "metadata", "on_failure": "end"}),
        ("PATCH", "/v1/rules/{name}", "/v1/rules/r1", {"max_time": "8h", "idle_time": "90s", "max_sessions": 2}),
        ("GET", "/v1/explain", "/v1/explain?user=carol&target=web&as=shell", None),
        ("GET", "/v1/explain", "/v1/explain?user=carol&target=web&command=uptime", None),
        ("GET", "/v1/penalties", "/v1/penalties", None),
        ("POST", "/v1/mail", "/v1/mail", None), ("GET", "/v1/mail", "/v1/mail", None), ("GET", "/v1/mail/{id}", f"/v1/mail/{mail}", None),
        ("PATCH", "/v1/mail", "/v1/mail", None), ("PATCH", "/v1/mail/{id}", f"/v1/mail/{mail}", None),
        ("DELETE", "/v1/mail/{id}", f"/v1/mail/{mail}", None),
        ("POST", "/v1/client_hosts", "/v1/client_hosts", {"name": "desk1", "keys": [key.strip()], "users": ["carol"]}),
        ("GET", "/v1/client_hosts", "/v1/client_hosts", None),
        ("PATCH", "/v1/client_hosts/{name}", "/v1/client_hosts/desk1", {"accounts": {"c": "carol"}}),
        ("GET", "/v1/client_hosts/{name}", "/v1/client_hosts/desk1", None),
        ("DELETE", "/v1/client_hosts/{name}", "/v1/client_hosts/desk1", None),
        ("POST", "/v1/routes", "/v1/routes", {"name": "inside", "hosts": ["*.example.net"], "via": ["web"]}),
        ("GET", "/v1/routes", "/v1/routes", None), ("PATCH", "/v1/routes/{name}", "/v1/routes/inside", {"hosts": ["10.0.0.0/8"]}),
        ("GET", "/v1/explain", "/v1/explain?user=carol&forward=10.0.0.1:22", None),
        ("GET", "/v1/routes/{name}", "/v1/routes/inside", None), ("DELETE", "/v1/routes/{name}", "/v1/routes/inside", None),
        ("GET", "/v1/secrets", "/v1/secrets", None),
        ("PUT", "/v1/secrets/{name}", "/v1/secrets/web", {"kind": "password", "login": LOGIN, "sealed": sealed(world)}),
        ("GET", "/v1/secrets", "/v1/secrets?target=web", None),
        ("DELETE", "/v1/secrets/{name}", f"/v1/secrets/web?login={LOGIN}&kind=password", None),
        ("DELETE", "/v1/rules/{name}", "/v1/rules/r1", None), ("DELETE", "/v1/targets/{name}", "/v1/targets/db1", None),
        ("DELETE", "/v1/users/{name}", "/v1/users/carol", None),
    ]
    named = {(method.upper(), path) for path, operations in description["paths"].items() for method in operations}
    assert {(method, path) for method, path, *_ in requests} == named, "an operation that this test leaves out, or that is not there"

    def valid(value, schema):
        jsonschema.Draft202012Validator({**schema, "components": description["components"]}).validate(value)

    for method, path, place, body in requests:
        operation = description["paths"][path][method.lower()]
        if isinstance(body, dict):
            valid(body, operation["requestBody"]["content"]["application/json"]["schema"])
        given = json.dumps(body) if isinstance(body, dict) else body
        status, kind, text = api.ask(method, place, given)
        assert status == 200, (method, place, text)
        content = operation["responses"]["200"]["content"]
        assert list(content) == [kind], (method, place, kind)
        if "schema" in content[kind]:
            valid(json.loads(text), content[kind]["schema"])
        # A parameter that nobody knows is refused everywhere, as the description says refusals are.
        status, kind, text = api.ask(method, place + ("&" if "?" in place else "?") + "nonsense=1", given)
        assert status == 400 and kind == "application/json", (method, place)
        valid(json.loads(text), operation["responses"]["default"]["content"]["application/json"]["schema"])
    client.communicate(timeout=20)
    short.communicate(timeout=20)


def test_what_is_not_described_does_not_answer(make_gateway):
    gateway = make_gateway().start()
    description = described(gateway)
    for path, operations in description["paths"].items():
        place = re.sub(r"{\w+}", "none", path)
        for method in METHODS - set(operations):
            status, _, text = Api(gateway).ask(method.upper(), place, "{}")
            assert status == 405 and "is wanted here" in text, (method, path, status)
    for place in ("/", "/v1", "/v1/", "/v1/users/", "/v2/users", "/v1/user", "/ca", "/openapi.yaml"):
        assert Api(gateway).ask("GET", place)[0] == 404, place
