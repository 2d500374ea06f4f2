"""The OpenAPI description agrees with the application; schemathesis generates requests from it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings

from faces.server.api import face_attributes, rate_limits
from faces.server.api.context import NAME
from faces.server.api.openapi.document import describe
from faces.server.api.openapi.operations import OPERATIONS
from faces.server.keys import KEY_HEADER
from faces.server.kinds import KINDS
from faces.server.monitoring.route_names import expand_rule
from tests.server.conftest import PHOTOGRAPHS, SECRET, Api, Service

schemathesis = pytest.importorskip("schemathesis", reason="needs the extra dev")
ADDRESS = "https://example.org/ada.png"
EXAMPLES = 2  # of each operation, valid and invalid; always the same


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rate_limits, "WRONG_KEY_RATE", "100000/minute")  # the tests send many wrong keys
        instance = Api(tmp_path_factory.mktemp("described"))
    picture = tmp_path_factory.mktemp("pictures") / "ada.png"
    picture.write_bytes(PHOTOGRAPHS["Ada"])
    instance.client.application.extensions[NAME].fetcher._files[ADDRESS] = picture
    yield instance
    instance.close()


@pytest.fixture(scope="module")
def known(api: Api) -> dict[str, Any]:
    """Ids of existing objects: each kind of collection has one face and is trained."""
    ids: dict[str, Any] = {}
    for kind in KINDS.values():
        ids[kind.id_name] = "crowd"
        if kind.has_persons:
            person = api.group("Ada", route=kind.route)["Ada"]
            face = api.ok("GET", f"{kind.route}/crowd/persons/{person}")["persistedFaceIds"][0]
            ids[kind.route] = {"personId": person, "persistedFaceId": face}
        else:
            api.ok("PUT", f"{kind.route}/crowd", json={"name": "a list"})
            ids[kind.route] = api.ok("POST", f"{kind.route}/crowd/persistedfaces", data=PHOTOGRAPHS["Ada"])
            _ = api.train(f"{kind.route}/crowd") if kind.needs_training else None
    ids["faceIds"] = api.detect("Ada", "Bob")
    return ids


def test_exactly_the_routes_are_described(api: Api) -> None:
    app = api.client.application
    rules = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/face/")]
    assert {rule.endpoint for rule in rules} - {"other.not_offered"} == set(OPERATIONS)
    routes = {
        (path, method.lower())
        for rule in rules
        if rule.endpoint in OPERATIONS
        for path, _ in expand_rule(rule.rule)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    paths: Any = describe(app)["paths"]
    described = {(path, method) for path, methods in paths.items() for method in methods}
    assert routes == described and len(described) == 56


def test_operation_ids_are_unique_and_references_resolve(api: Api) -> None:
    text = api.client.get("/openapi.json").text
    document = json.loads(text)
    names = [operation["operationId"] for methods in document["paths"].values() for operation in methods.values()]
    assert len(set(names)) == len(names)
    schemas = set(re.findall(r'"#/components/schemas/(\w+)"', text))
    assert schemas | {"NewCollection"} == set(document["components"]["schemas"])


def test_the_page_shows_every_path_without_scripts(api: Api) -> None:
    page, document = api.client.get("/docs"), api.client.get("/openapi.json").get_json()
    assert page.status_code == 200 and page.mimetype == "text/html"
    for path in document["paths"]:
        assert f"<code>{path}</code>" in page.text
    links = set(re.findall(r'(?:href|src)="([^"]*)"', page.text))
    assert {link for link in links if not link.startswith("#")} == {"/openapi.json", "/docs/docs.css"}
    assert {link[1:] for link in links if link.startswith("#")} <= set(re.findall(r'id="([^"]*)"', page.text))
    assert "<script" not in page.text and "style=" not in page.text
    assert api.client.get("/docs/docs.css").status_code == 200


def operations(app: Any) -> list[Any]:
    """Return all operations, with those that erase at the end."""
    schema = schemathesis.openapi.from_wsgi("/openapi.json", app)
    schema.config.generation.allow_extra_parameters = False  # the API ignores them
    schema.config.generation.with_security_parameters = False  # the test sends the key
    operations_ = [result.ok() for result in schema.get_all_operations()]
    return sorted(operations_, key=lambda operation: (operation.method.upper() == "DELETE", -operation.path.count("/")))


def use_existing(case: Any, known: dict[str, Any]) -> None:
    """Replace generated ids and images by existing ones."""
    route = case.path.split("/")[3]
    for name in case.path_parameters or {}:
        case.path_parameters[name] = {**known, **known.get(route, {})}[name]
    if case.method.upper() == "PUT":
        case.path_parameters[next(iter(case.path_parameters))] = "another"
    if case.media_type == "application/octet-stream":
        case.body = PHOTOGRAPHS["Ada"]
    for name in ("targetFace", "returnFaceAttributes", "returnFaceLandmarks"):  # they need models
        (case.query or {}).pop(name, None)
    if isinstance(case.body, dict):
        for name in case.body:
            if name in ("faceId", "faceId1", "faceId2"):
                case.body[name] = known["faceIds"][0]
            elif name == "faceIds" and case.body[name]:
                case.body[name] = known["faceIds"][: max(len(case.body[name]), 1)]
            elif name == "url":
                case.body[name] = ADDRESS
            elif name in known and case.body[name]:
                case.body[name] = known[name]
            elif name == "personId":
                group = "largepersongroups" if case.body.get("largePersonGroupId") else "persongroups"
                case.body[name] = known[group]["personId"]


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["POSITIVE", "NEGATIVE"])
def test_generated_requests_get_answers_as_described(api: Api, known: dict[str, Any], mode: str) -> None:
    statuses: list[int] = []
    for operation in operations(api.client.application):
        strategy = operation.as_strategy(generation_mode=schemathesis.GenerationMode[mode])

        @given(case=strategy)
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def holds(case: Any) -> None:
            if case.meta.generation.mode.name == "POSITIVE":
                use_existing(case, known)
            assume(all(value not in ("", {}, []) for value in (case.query or {}).values()))  # empty counts as absent
            answer = case.call_and_validate(headers={KEY_HEADER: SECRET})
            statuses.append(answer.status_code)

        holds()
    if mode == "POSITIVE":
        assert sum(status < 300 for status in statuses) > len(statuses) / 2
    else:
        assert sum(400 <= status < 500 for status in statuses) > len(statuses) / 2


def test_attributes_are_as_described(service: Service, drawn: dict[str, list[Path]]) -> None:
    detect = schemathesis.openapi.from_url(f"{service.url}/openapi.json")["/face/v1.0/detect"]["POST"]
    query = (
        f"returnFaceAttributes={','.join(face_attributes.NAMES)}&returnFaceLandmarks=true&returnRecognitionModel=true"
    )
    answer = service.call("POST", f"detect?{query}", data=next(iter(drawn.values()))[0].read_bytes())
    assert answer.json()[0]["faceAttributes"]["emotion"]
    detect.validate_response(answer)
