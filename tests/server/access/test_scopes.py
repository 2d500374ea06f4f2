"""Keys with a scope: every route needs one, whichever interface it belongs to."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from faces.server.access.scopes import NEEDED, OPEN, ROUTES, Scope
from faces.server.keys import KEY_HEADER
from faces.server.store import named_keys
from faces.server.store.schema import NamedKey
from tests.server.conftest import PHOTOGRAPHS, SECRET, Api
from tests.server.pages.conftest import Site, serving

UUID = "00000000-0000-0000-0000-000000000002"
INTERFACES = {  # of each route for programs, how it is sent a key
    "/face/": lambda key: {"headers": {KEY_HEADER: key}},
    "/metrics": lambda key: {"headers": {"Authorization": f"Bearer {key}"}},
    "/api/v1/": lambda key: {"headers": {"x-api-key": key}},
    "/v1/": lambda key: {"data": {"api_key": key}},
}
REFUSED = {"/face/": (401, 403), "/metrics": (401, 403), "/api/v1/": (404, 403), "/v1/": (401, 403)}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("access")
    (folder / "Ada.png").write_bytes(PHOTOGRAPHS["Ada"])
    with serving(folder) as site:
        yield site


@pytest.fixture(scope="module")
def made(site: Site) -> dict[Scope, str]:
    """A key of each scope."""
    with site.enrolled._database.write() as session:
        return {scope: named_keys.create(session, f"key to {scope.word}", scope.word)[1] for scope in Scope}


def login(site: Site, key: str) -> FlaskClient:
    client: FlaskClient = site.app.test_client()
    answer = client.post("/login", data={"key": key, "csrf_token": token(client, "/login")})
    assert answer.status_code == 302, answer.text
    return client


def token(client: FlaskClient, path: str) -> str:
    match = re.search(r'name="csrf_token" value="([^"]+)"', client.get(path).text)
    assert match
    return match[1]


def test_every_route_has_a_scope(site: Site) -> None:
    """A route that is added must be added to the table, too."""
    assert {rule.endpoint for rule in site.app.url_map.iter_rules()} == set(NEEDED)
    assert len(NEEDED) == len(OPEN) + sum(map(len, ROUTES.values()))  # no endpoint twice


def test_every_route_is_refused_below_its_scope(site: Site, made: dict[Scope, str]) -> None:
    """Every route, with every method, called with a key of each scope; nothing may change, as nothing exists."""
    pages = {scope: login(site, key) for scope, key in made.items()}
    client = site.app.test_client()
    checked = 0
    for rule in site.app.url_map.iter_rules():
        needed = NEEDED[rule.endpoint]
        if needed is None or rule.endpoint == "pages.access.logout":
            continue
        path = re.sub("<any[(]([^,)]+)[^>]*>", r"\1", rule.rule)
        path = re.sub("<[^>]+>", UUID, path)
        start = next((start for start in INTERFACES if path.startswith(start)), None)
        for method in sorted(rule.methods - {"HEAD", "OPTIONS"}):
            for scope, key in made.items():
                if start is None:
                    answer = pages[scope].open(path, method=method)
                    is_refused = answer.status_code == 403 and "Your key does not allow this" in answer.text
                else:
                    answer = client.open(path, method=method, **INTERFACES[start](key))
                    is_refused = answer.status_code == 403
                assert is_refused is (scope < needed), (method, rule, scope, answer.status_code, answer.text)
                checked += 1
            if start is not None:
                answer = client.open(path, method=method, **INTERFACES[start]("wrong"))
                assert answer.status_code == REFUSED[start][0], (method, rule)
                site.app.extensions["faces"].limiter._counter.storage.reset()  # so many wrong keys are not allowed
    assert checked > 200


def test_a_key_can_be_used_until_it_is_revoked(api: Api, tmp_path: Path) -> None:
    with api.database.write() as session:
        row, key = named_keys.create(session, "door", "identify")
        key_id = row.id

    def call(key: str) -> int:
        return api("GET", "persongroups", headers={KEY_HEADER: key}).status_code

    assert [call(key), call(key[:-1] + "x"), call(key_id), call(SECRET)] == [200, 401, 401, 200]
    status, code, message = api.error("PUT", "persongroups/new", json={"name": "n"}, headers={KEY_HEADER: key})
    assert (status, code) == (403, "Forbidden") and "identify" in message and "enrol" in message
    api.ok("POST", "detect", data=PHOTOGRAPHS["Ada"], headers={KEY_HEADER: key})
    with api.database.write() as session:
        session.delete(session.get_one(NamedKey, key_id))
    assert call(key) == 401
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("faces.db*"))
    assert key.encode() not in stored and key.partition("-")[2].encode() not in stored


def test_the_audit_names_the_key(api: Api, tmp_path: Path) -> None:
    with api.database.write() as session:
        _, key = named_keys.create(session, "front door", "enrol")
    api.group("Ada")
    more: dict[str, Any] = {"headers": {KEY_HEADER: key}}
    person = api.ok("POST", "persongroups/crowd/persons", json={"name": "Bob"}, **more)["personId"]
    api.ok("POST", f"persongroups/crowd/persons/{person}/persistedfaces", data=PHOTOGRAPHS["Bob"], **more)
    api.error("DELETE", f"persongroups/crowd/persons/{person}", **more)
    api.error("GET", "persongroups", headers={KEY_HEADER: "wrong"})
    lines = [json.loads(line) for line in (tmp_path / "audit.log").read_text().splitlines()]
    assert [(line["action"], line.get("key")) for line in lines] == [
        ("enrol", "default"),
        ("enrol", "front door"),
        ("refuse", "front door"),
        ("refuse", None),
    ]
    assert lines[2]["needs"] == "admin"


def shown(answer: TestResponse) -> set[str]:
    """Return the paths of the links and forms of a page, without ids."""
    paths = re.findall(r'(?:href|action)="(/[^"?]*)', answer.text)
    paths += [answer.request.path] if "<form method" in answer.text else []
    return {re.sub("[0-9a-f-]{36}", "ID", path) for path in paths}


EVERYWHERE = {"/", "/docs", "/language/en", "/language/es", "/logout"}


def test_pages_show_only_what_the_key_allows(site: Site, made: dict[Scope, str]) -> None:
    site.enrol("Ada", "Bob")
    (person, *_) = site.enrolled.list_all()
    seen: dict[Scope, set[str]] = {}
    for scope, key in made.items():
        client = login(site, key)
        home = client.get("/", follow_redirects=True)
        picture = {"picture": (io.BytesIO(PHOTOGRAPHS["Cleo"]), "a.png")}
        answers = [home, client.get("/people"), client.get(f"/people/{person.id}")]
        if scope >= Scope.IDENTIFY:
            assert home.request.path == "/recognize"
            answers.append(client.post("/recognize", data={"csrf_token": token(client, "/recognize"), **picture}))
        assert [answer.status_code for answer in answers] == [200] * len(answers)
        seen[scope] = set().union(*map(shown, answers)) - EVERYWHERE
        seen[scope] = {path for path in seen[scope] if not path.startswith("/static/")}
    assert seen[Scope.READ] == {"/people", "/people/ID"} | ({"/people/ID"} & seen[Scope.READ])
    assert seen[Scope.IDENTIFY] - seen[Scope.READ] == {"/recognize", "/classify"}
    assert seen[Scope.ENROL] - seen[Scope.IDENTIFY] == {
        "/train",
        "/recognize/name",
        "/people/ID/move",
        "/people/ID/rename",
        "/people/ID/merge",
    }
    assert seen[Scope.ADMIN] - seen[Scope.ENROL] == {
        "/keys",
        "/people/ID/remove",
        "/people/ID/faces/ID/remove",
        "/people/import",
        "/people/export/embeddings.pickle",
        "/people/export/dataset.zip",
    }
    for known in site.enrolled.list_all():
        site.enrolled.remove_person(known.id)


def test_a_revoked_key_ends_its_logins(site: Site) -> None:
    admin = login(site, SECRET)
    form = {"csrf_token": token(admin, "/keys"), "name": "  kitchen ", "scope": "enrol"}
    page = admin.post("/keys", data=form)
    (key,) = re.findall(r'id="new-key">([0-9a-f-]+)<', page.text)
    assert "kitchen" in page.text and key not in admin.get("/keys").text
    assert admin.post("/keys", data={**form, "name": "Kitchen"}).status_code == 409
    for wrong in ({"name": " "}, {"name": "x" * 65}, {"name": "default"}, {"scope": "all"}):
        assert admin.post("/keys", data={**form, "name": "other", **wrong}).status_code in (400, 409)
    visitor = login(site, key)
    assert visitor.get("/train").status_code == 200 and visitor.get("/keys").status_code == 403
    (path,) = re.findall(r'action="(/keys/[0-9a-f]{8}/revoke)">\s*<[^>]*>\s*<button[^>]*Revoke kitchen', page.text)
    assert admin.post(path, data={"csrf_token": form["csrf_token"]}).status_code == 302
    assert "The key kitchen is revoked." in admin.get("/keys").text
    assert visitor.get("/train").status_code == 302  # to the login
    assert admin.post(path, data={"csrf_token": form["csrf_token"]}).status_code == 404
