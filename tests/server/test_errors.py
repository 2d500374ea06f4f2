"""Every error in the service's table: the request that causes it, and its status, code and message."""

from __future__ import annotations

import io
import zlib
from dataclasses import replace
from uuid import uuid4

import numpy as np
import pytest
from PIL import Image as PillowImage

from faces.server.keys import KEY_HEADER
from faces.server.kinds import FACE_LIST, KINDS
from faces.server.limits import MAX_FACES_OF_A_PERSON
from faces.server.store import persisted_faces
from tests.server.conftest import PHOTOGRAPHS, Api, photograph, png

GHOST = str(uuid4())
GROUPS = {"persongroups": "PersonGroup", "largepersongroups": "LargePersonGroup"}
LISTS = {"facelists": "FaceList", "largefacelists": "LargeFaceList"}
TRAINED = {**GROUPS, "largefacelists": "LargeFaceList"}
ALL = {**GROUPS, **LISTS}
WORDS = {
    "persongroups": "Person group",
    "largepersongroups": "Large person group",
    "facelists": "Face list",
    "largefacelists": "Large face list",
}
each = pytest.mark.parametrize("route", ALL)


def id_name(route: str) -> str:
    return f"{ALL[route][0].lower()}{ALL[route][1:]}Id"


# -- keys, addresses, methods, sizes ---------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["", "wrong", "ä"])
@pytest.mark.parametrize("path", ["persongroups", "no/such/thing"])
def test_a_wrong_key(api: Api, key: str, path: str) -> None:
    status, code, message = api.error("GET", path, headers={KEY_HEADER: key})
    assert (status, code) == (401, "401") and "invalid subscription key" in message


def test_framework_errors_have_the_api_form(api: Api) -> None:
    assert api.error("GET", "no/such/thing")[:2] == (404, "404")
    assert api.error("GET", "/")[:2] == (404, "404")
    assert api.error("GET", "/face/v2.0/persongroups")[:2] == (404, "404")
    assert api.error("GET", "/face/v1.0/face/v1.0/persongroups")[:2] == (404, "404")
    assert api.error("GET", "detect")[:2] == (405, "405")
    assert "POST" in api("GET", "detect").headers["Allow"]
    assert api.error("POST", "detect", data=b"x" * (17 << 20))[:2] == (413, "413")


def test_internal_errors_have_the_api_form_and_no_details(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a secret")

    monkeypatch.setattr("faces.server.store.collections.listed", fail)
    status, code, message = api.error("GET", "persongroups")
    assert (status, code) == (500, "InternalServerError") and "secret" not in message


def test_operations_not_offered(api: Api) -> None:
    for method, path in (
        ("GET", "snapshots"),
        ("POST", "snapshots"),
        ("GET", f"operations/{GHOST}"),
        ("DELETE", f"snapshots/{GHOST}"),
        ("POST", f"snapshots/{GHOST}/apply"),
        ("POST", "detectLiveness/singleModal/sessions"),
        ("GET", "detectLivenessWithVerify/singleModal/sessions"),
        ("POST", "/face/v1.2/detectLiveness-sessions"),
        ("GET", f"/face/v1.2/detectLiveness-sessions/{GHOST}"),
        ("DELETE", f"/face/v1.2/detectLivenessWithVerify-sessions/{GHOST}"),
        ("GET", f"/face/v1.2/sessionImages/{GHOST}"),
        ("POST", "/face/v1.2-preview.1/persons"),
        ("GET", f"/face/v1.2-preview.1/persons/{GHOST}/dynamicPersonGroupReferences"),
        ("PUT", "/face/v1.2-preview.1/dynamicpersongroups/crowd"),
        ("PATCH", "/face/v1.2-preview.1/dynamicpersongroups/crowd"),
    ):
        status, code, message = api.error(method, path)
        assert (status, code) == (501, "NotImplemented") and message.endswith("is not offered by this server.")


# -- detect ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("returnFaceAttributes=age,beauty", "Invalid argument returnFaceAttributes."),
        ("recognitionModel=recognition_09", "'recognitionModel' is invalid."),
        ("detectionModel=mine", "'detectionModel' is invalid."),
        ("faceIdTimeToLive=59", "'faceIdTimeToLive' is invalid."),
        ("faceIdTimeToLive=86401", "'faceIdTimeToLive' is invalid."),
        ("faceIdTimeToLive=day", "'faceIdTimeToLive' is invalid."),
        ("faceIdTimeToLive=000086400999999999", "'faceIdTimeToLive' is invalid."),
        (f"faceIdTimeToLive=000086400{'0' * 5000}", "'faceIdTimeToLive' is invalid."),
        ("returnFaceId=perhaps", "'returnFaceId' is invalid."),
    ],
)
def test_detect_with_invalid_arguments(api: Api, query: str, message: str) -> None:
    assert api.error("POST", f"detect?{query}", data=PHOTOGRAPHS["Ada"]) == (400, "BadArgument", message)


def test_detect_with_invalid_images(api: Api) -> None:
    damaged = PHOTOGRAPHS["Ada"][:2000]
    unsupported, cut_off = "image format unsupported.", "the image is damaged or cut off."
    for data, words in (
        (b"", unsupported),
        (b"x" * 2000, unsupported),
        (b"<svg" + b" " * 2000, unsupported),
        (damaged, cut_off),
    ):
        error = api.error("POST", "detect", data=data, content_type="application/octet-stream")
        assert error == (400, "InvalidImage", f"Decoding error, {words}")
    tiny = b"\x89PNG\r\n\x1a\n" + b"x" * 100
    assert api.error("POST", "detect", data=tiny)[:2] == (400, "InvalidImageSize")
    large = PHOTOGRAPHS["Ada"] + b"\0" * (6 << 20)
    status, code, message = api.error("POST", "detect", data=large)
    assert (status, code) == (400, "InvalidImageSize") and message.startswith("Image size is too big.")


def test_an_oversized_image_is_not_decoded(api: Api) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    size = (60_000).to_bytes(4, "big")
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size + size + b"\x08\x02\0\0\0")
    bomb += chunk(b"IDAT", zlib.compress(b"\0" * 1_000_000, 0)[:5000]) + chunk(b"IEND", b"")
    message = "Image size is too big. At most 50 megapixels are allowed."
    assert api.error("POST", "detect", data=bomb) == (400, "InvalidImageSize", message)


@pytest.mark.parametrize("side", [8_000, 11_000])
def test_too_many_pixels(api: Api, side: int) -> None:
    """The server has a lower limit than the scripts: it refuses a picture above either in the same words."""
    data = io.BytesIO()
    PillowImage.new("1", (side, side)).save(data, "PNG")
    message = "Image size is too big. At most 50 megapixels are allowed."
    assert api.error("POST", "detect", data=data.getvalue()) == (400, "InvalidImageSize", message)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("{", "BadArgument"),
        ("[]", "BadArgument"),
        ('"text"', "BadArgument"),
        ("{}", "InvalidURL"),
        ('{"url": null}', "InvalidURL"),
        ('{"url": 5}', "BadArgument"),
        ('{"url": ""}', "BadArgument"),
        ('{"url": "ftp://example.org/a.jpg"}', "InvalidURL"),
        ('{"url": "http://127.0.0.1/a.jpg"}', "InvalidURL"),
        ('{"url": "file:///etc/passwd"}', "InvalidURL"),
        ('{"url": "http://[::1/"}', "InvalidURL"),
    ],
)
def test_detect_with_invalid_urls(api: Api, body: str, code: str) -> None:
    assert api.error("POST", "detect", data=body, content_type="application/json")[:2] == (400, code)


# -- groups and lists ------------------------------------------------------------------------------------------------


@each
def test_create(api: Api, route: str) -> None:
    create = lambda body, id_="one": api.error("PUT", f"{route}/{id_}", json=body)  # noqa: E731
    assert create({}) == (400, "BadArgument", "'name' is empty.")
    assert create({"name": ""}) == (400, "BadArgument", "'name' is empty.")
    assert create({"name": None}) == (400, "BadArgument", "'name' is empty.")
    assert create({"name": "n" * 129}) == (400, "BadArgument", "'name' is too long.")
    assert create({"name": 5}) == (400, "BadArgument", "Request body is invalid.")
    assert create({"name": "\ud800"})[:2] == (400, "BadArgument")
    assert create({"name": "a\0b"})[:2] == (400, "BadArgument")
    assert create({"name": "n", "userData": "u" * 16_385}) == (400, "BadArgument", "'userData' is too long.")
    wrong = {"name": "n", "recognitionModel": "recognition_9"}
    assert create(wrong) == (400, "BadArgument", "'recognitionModel' is invalid.")
    for id_ in ("One", "o" * 65, "one two", "é"):
        assert create({"name": "n"}, id_) == (400, "BadArgument", f"{WORDS[route]} ID is invalid.")
    api.ok("PUT", f"{route}/one", json={"name": "n" * 128, "userData": "u" * 16_384})
    assert create({"name": "n"}) == (409, f"{ALL[route]}Exists", f"{WORDS[route]} already exists.")


@each
def test_a_body_that_is_not_json(api: Api, route: str) -> None:
    for data in (b"{", b"[1]", b"5", b"\xff\xfe", b"[" * 100_000):
        assert api.error("PUT", f"{route}/one", data=data) == (400, "BadArgument", "JSON parsing error.")


@each
def test_not_found(api: Api, route: str) -> None:
    missing = (404, f"{ALL[route]}NotFound", f"{WORDS[route]} is not found.")
    for method in ("GET", "DELETE"):
        assert api.error(method, f"{route}/ghost") == missing
        assert api.error(method, f"{route}/Not An Id") == missing
    assert api.error("PATCH", f"{route}/ghost", json={"name": "n"}) == missing
    if route in TRAINED:
        assert api.error("POST", f"{route}/ghost/train") == missing
        assert api.error("GET", f"{route}/ghost/training") == missing
    if route in GROUPS:
        assert api.error("GET", f"{route}/ghost/persons") == missing
        assert api.error("POST", f"{route}/ghost/persons", json={"name": "n"}) == missing
        assert api.error("POST", f"{route}/ghost/persons/{GHOST}/persistedfaces", data=PHOTOGRAPHS["Ada"]) == missing
    else:
        assert api.error("POST", f"{route}/ghost/persistedfaces", data=PHOTOGRAPHS["Ada"]) == missing


@each
def test_update(api: Api, route: str) -> None:
    api.ok("PUT", f"{route}/one", json={"name": "n", "userData": "u"})
    assert api.error("PATCH", f"{route}/one", json={"name": ""}) == (400, "BadArgument", "'name' is empty.")
    assert api.error("PATCH", f"{route}/one", json={"name": "n" * 129})[2] == "'name' is too long."
    if route.startswith("large"):
        empty = (400, "BadArgument", "Both 'name' and 'userData' are empty.")
        assert api.error("PATCH", f"{route}/one", json={}) == empty
    api.ok("PATCH", f"{route}/one", json={"name": "m", "userData": None})
    collection = api.ok("GET", f"{route}/one")
    assert (collection["name"], collection["userData"]) == ("m", "u")


@each
def test_pages_of_collections(api: Api, route: str) -> None:
    for id_ in ("c", "a", "b-2", "b_1"):
        api.ok("PUT", f"{route}/{id_}", json={"name": id_.upper(), "recognitionModel": "recognition_02"})
    ids = lambda query="": [item[id_name(route)] for item in api.ok("GET", f"{route}{query}")]  # noqa: E731
    assert ids() == sorted(["a", "b-2", "b_1", "c"])
    assert ids("?top=2") == ["a", "b-2"]
    assert ids("?start=a&top=1000") == ["b-2", "b_1", "c"]
    assert ids("?start=zzz") == []
    for top in ("0", "1001", "-1", "all", "9" * 30, "000000001" + "9" * 30, "0" * 5000):
        assert api.error("GET", f"{route}?top={top}") == (400, "BadArgument", "'top' is invalid.")
    assert api.error("GET", f"{route}?start={'a' * 65}") == (400, "BadArgument", "'start' is too long.")
    (item, *_) = api.ok("GET", f"{route}?returnRecognitionModel=True")
    assert item == {id_name(route): "a", "name": "A", "userData": None, "recognitionModel": "recognition_02"}
    assert "recognitionModel" not in api.ok("GET", f"{route}/a")


def test_the_limit_of_64_face_lists(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    assert FACE_LIST.max_collections == 64
    monkeypatch.setitem(KINDS, "facelists", replace(FACE_LIST, max_collections=2))
    for number in range(2):
        api.ok("PUT", f"facelists/{number}", json={"name": "n"})
    assert api.error("PUT", "facelists/2", json={"name": "n"})[:2] == (403, "QuotaExceeded")


@pytest.mark.parametrize("route", TRAINED)
def test_training(api: Api, route: str) -> None:
    api.ok("PUT", f"{route}/one", json={"name": "n"})
    never = (404, f"{ALL[route]}NotTrained", f"{WORDS[route]} not trained.")
    assert api.error("GET", f"{route}/one/training") == never
    assert api.train(f"{route}/one") == "failed"
    assert "no persisted face" in api.ok("GET", f"{route}/one/training")["message"]


# -- persons and faces -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("route", GROUPS)
def test_persons(api: Api, route: str) -> None:
    people = api.group("Ada", "Bob", route=route)
    persons, ada = f"{route}/crowd/persons", f"{route}/crowd/persons/{people['Ada']}"
    assert api.error("POST", persons, json={"name": "n" * 129})[2] == "'name' is too long."
    assert api.error("POST", persons, json={"name": "n", "userData": "u" * 16_385})[2] == "'userData' is too long."
    for method in ("GET", "DELETE", "PATCH"):
        for ghost in (GHOST, "no-guid"):
            error = api.error(method, f"{persons}/{ghost}", json={"name": "n"})
            assert error == (404, "PersonNotFound", f"Person {ghost} is not found.")
    assert api.error("POST", f"{persons}/{GHOST}/persistedfaces", data=PHOTOGRAPHS["Ada"])[1] == "PersonNotFound"
    for method in ("GET", "DELETE", "PATCH"):
        error = api.error(method, f"{ada}/persistedfaces/{GHOST}", json={"userData": "u"})
        assert error == (404, "PersistedFaceNotFound", f"Persisted face {GHOST} is not found.")
    (face,) = api.ok("GET", ada)["persistedFaceIds"]
    bobs = f"{persons}/{people['Bob']}/persistedfaces/{face}"
    assert api.error("GET", bobs)[:2] == (404, "PersistedFaceNotFound")
    assert (
        api.error("PATCH", f"{ada}/persistedfaces/{face}", json={"userData": "u" * 1025})[2]
        == "'userData' is too long."
    )
    assert api.ok("GET", f"{ada.upper().replace(route.upper() + '/CROWD', route + '/crowd')}")["name"] == "Ada"
    assert api.ok("POST", persons, data=b"", content_type="application/json")["personId"]  # a name is optional


@pytest.mark.parametrize("route", GROUPS)
def test_pages_of_persons(api: Api, route: str) -> None:
    api.ok("PUT", f"{route}/many", json={"name": "n"})
    made = [api.ok("POST", f"{route}/many/persons", json={"name": str(k)})["personId"] for k in range(5)]
    ids, start = [], ""
    while page := api.ok("GET", f"{route}/many/persons?top=2&start={start}"):
        ids += [person["personId"] for person in page]
        start = ids[-1]
    assert ids == sorted(made)


@pytest.mark.parametrize("path", ["persongroups/crowd/persons/{}/persistedfaces", "facelists/one/persistedfaces"])
def test_add_faces(api: Api, path: str) -> None:
    path = path.format(api.group("Ada")["Ada"])
    api.ok("PUT", "facelists/one", json={"name": "n"})
    add = lambda query="", data=PHOTOGRAPHS["Ada"]: api.error("POST", path + query, data=data)  # noqa: E731
    assert add(data=photograph()) == (400, "InvalidImage", "No face detected in the image.")
    assert add(data=photograph("Ada", "Bob")) == (400, "InvalidImage", "There is more than 1 face in the image.")
    for target in ("1,2,3", "a,b,c,d", "1,2,0,4", "-1,2,3,4", "1,2,3,4,5", "1.5,2,3,4"):
        assert add(f"?targetFace={target}") == (400, "BadArgument", "Invalid argument targetFace.")
    assert add("?targetFace=300,0,100,100") == (400, "BadArgument", "Argument targetFace out of range.")
    assert add("?targetFace=250,100,40,40") == (400, "InvalidImage", "No face detected in the image.")
    assert add(f"?userData={'u' * 1025}") == (400, "BadArgument", "'userData' is too long.")
    assert add("?detectionModel=x") == (400, "BadArgument", "'detectionModel' is invalid.")
    assert add(data=b"x" * 2000)[1] == "InvalidImage"
    both = photograph("Bob", "Ada")
    assert api.ok("POST", f"{path}?targetFace=126,66,48,48&userData=u%20d", data=both)["persistedFaceId"]


def test_add_the_face_at_the_target(api: Api) -> None:
    api.ok("PUT", "facelists/one", json={"name": "n"})
    face = api.ok("POST", "facelists/one/persistedfaces?targetFace=126,66,48,48", data=photograph("Bob", "Ada"))
    for name, expected in {"Ada": [face], "Bob": []}.items():
        matches = api.ok("POST", "findsimilars", json={"faceId": api.detect(name)[0], "faceListId": "one"})
        assert [match["persistedFaceId"] for match in matches] == [match["persistedFaceId"] for match in expected]


def test_the_limit_of_248_faces_of_a_person(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_FACES_OF_A_PERSON == 248
    monkeypatch.setattr(persisted_faces, "MAX_FACES_OF_A_PERSON", 2)
    person = api.group("Ada", train=False)["Ada"]
    path = f"persongroups/crowd/persons/{person}/persistedfaces"
    api.ok("POST", path, data=PHOTOGRAPHS["Ada"])
    assert api.error("POST", path, data=PHOTOGRAPHS["Ada"])[:2] == (403, "QuotaExceeded")


@pytest.mark.parametrize("route", GROUPS)
def test_the_limit_of_persons_in_a_group(api: Api, route: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert KINDS[route].capacity == {"persongroups": 10_000, "largepersongroups": 1_000_000}[route]
    monkeypatch.setitem(KINDS, route, replace(KINDS[route], capacity=1))
    api.group("Ada", route=route, train=False)
    assert api.error("POST", f"{route}/crowd/persons", json={"name": "n"})[:2] == (403, "QuotaExceeded")


@pytest.mark.parametrize("route", LISTS)
def test_the_limit_of_faces_in_a_list(api: Api, route: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert KINDS[route].capacity == {"facelists": 1_000, "largefacelists": 1_000_000}[route]
    monkeypatch.setitem(KINDS, route, replace(KINDS[route], capacity=1))
    api.ok("PUT", f"{route}/one", json={"name": "n"})
    api.ok("POST", f"{route}/one/persistedfaces", data=PHOTOGRAPHS["Ada"])
    assert api.error("POST", f"{route}/one/persistedfaces", data=PHOTOGRAPHS["Ada"])[:2] == (403, "QuotaExceeded")


# -- recognition -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("route", GROUPS)
def test_identify(api: Api, route: str) -> None:
    (ada,), key = api.detect("Ada"), id_name(route)
    ask = lambda **body: api.error("POST", "identify", json=body)  # noqa: E731
    api.group("Ada", route=route, train=False)
    assert ask(faceIds=[ada], **{key: "ghost"}) == (400, f"{ALL[route]}NotFound", f"{WORDS[route]} is not found.")
    assert ask(faceIds=[ada], **{key: "crowd"}) == (400, f"{ALL[route]}NotTrained", f"{WORDS[route]} not trained.")
    api.train(f"{route}/crowd")
    assert ask(faceIds=[GHOST], **{key: "crowd"}) == (400, "FaceNotFound", "Face is not found.")
    assert ask(faceIds=[ada, GHOST], **{key: "crowd"})[1] == "FaceNotFound"
    assert ask(faceIds=["x"], **{key: "crowd"}) == (400, "BadArgument", "Face ID is invalid.")
    for ids in ([], [ada] * 11, ada, None):
        message = "The length of faceIds is not in a valid range."
        assert ask(faceIds=ids, **{key: "crowd"}) == (400, "BadArgument", message)
    for number in (0, 101, 1.5, "1", True, 10**400, float("nan")):
        message = "The argument maxNumOfCandidatesReturned is not valid."
        assert ask(faceIds=[ada], maxNumOfCandidatesReturned=number, **{key: "crowd"})[2] == message
    for least in (-0.1, 1.1, "high", 10**400, -(10**400), float("inf"), float("nan")):
        message = "The argument confidenceThreshold is not valid."
        assert ask(faceIds=[ada], confidenceThreshold=least, **{key: "crowd"})[2] == message
    assert ask(faceIds=[ada], **{key: "Not An Id"}) == (400, "BadArgument", f"{WORDS[route]} ID is invalid.")
    assert ask(faceIds=[ada])[:2] == (400, "PersonGroupIdAndLargePersonGroupIdBothNull")
    both = {"personGroupId": "crowd", "largePersonGroupId": "crowd"}
    assert ask(faceIds=[ada], **both)[:2] == (400, "PersonGroupIdAndLargePersonGroupIdBothNotNull")


@pytest.mark.parametrize("route", GROUPS)
def test_verify(api: Api, route: str) -> None:
    (ada,), key, people = api.detect("Ada"), id_name(route), api.group("Ada", route=route)
    ask = lambda **body: api.error("POST", "verify", json=body)  # noqa: E731
    assert ask(faceId1=ada, faceId2=GHOST) == (404, "FaceNotFound", "Face is not found.")
    assert ask(faceId1=ada) == (400, "BadArgument", "Face ID is invalid.")
    assert ask(faceId1=ada, faceId2=5) == (400, "BadArgument", "Face ID is invalid.")
    assert ask(faceId=GHOST, personId=people["Ada"], **{key: "crowd"})[:2] == (404, "FaceNotFound")
    assert ask(faceId=ada, personId=GHOST, **{key: "crowd"})[:2] == (404, "PersonNotFound")
    assert ask(faceId=ada, personId="x", **{key: "crowd"}) == (400, "BadArgument", "Person ID is invalid.")
    assert ask(faceId=ada, personId=people["Ada"], **{key: "ghost"})[:2] == (400, f"{ALL[route]}NotFound")
    assert ask(faceId=ada, personId=people["Ada"])[:2] == (400, "PersonGroupIdAndLargePersonGroupIdBothNull")
    nobody = api.ok("POST", f"{route}/crowd/persons", json={"name": "n"})["personId"]
    assert ask(faceId=ada, personId=nobody, **{key: "crowd"})[:2] == (404, "PersistedFaceNotFound")


@pytest.mark.parametrize("route", LISTS)
def test_find_similar(api: Api, route: str) -> None:
    (ada,), key = api.detect("Ada"), id_name(route)
    ask = lambda **body: api.error("POST", "findsimilars", json=body)  # noqa: E731
    assert ask(faceId=ada)[2] == "LargeFaceListId, faceListId and faceIds are all null."
    both = ask(faceId=ada, faceIds=[ada], faceListId="one")
    assert both[2] == "2 or more of largeFaceListId, faceListId and faceIds are not null."
    assert ask(faceId=ada, faceIds=[])[2] == "The length of faceIds is not in a valid range."
    assert ask(faceId=ada, faceIds=[ada] * 1001)[2] == "The length of faceIds is not in a valid range."
    assert ask(faceId=ada, faceIds=[ada], mode="matchMood")[:3] == (400, "BadArgument", "Mode is invalid.")
    assert ask(faceId=ada, faceIds=[GHOST]) == (400, "FaceNotFound", "Face is not found.")
    assert ask(faceId=GHOST, faceIds=[ada]) == (400, "FaceNotFound", "Face is not found.")
    for number in (0, 1001):
        message = "The argument maxNumOfCandidatesReturned is not valid."
        assert ask(faceId=ada, faceIds=[ada], maxNumOfCandidatesReturned=number)[2] == message
    assert ask(faceId=ada, **{key: "ghost"})[:2] == (400, f"{LISTS[route]}NotFound")
    assert ask(faceId=ada, **{key: "Not An Id"}) == (400, "BadArgument", f"{WORDS[route]} ID is invalid.")
    api.ok("PUT", f"{route}/one", json={"name": "n"})
    code = "LargeFaceListNotTrained" if route in TRAINED else "FaceListNotReady"
    assert ask(faceId=ada, **{key: "one"})[:2] == (400, code)


def test_group(api: Api) -> None:
    (ada,) = api.detect("Ada")
    message = "The length of faceIds is not in a valid range."
    for ids in ([], [ada], [ada] * 1001, None):
        assert api.error("POST", "group", json={"faceIds": ids}) == (400, "BadArgument", message)
    assert api.error("POST", "group", json={"faceIds": [ada, GHOST]})[:2] == (400, "FaceNotFound")


def test_a_uniform_image_has_no_face(api: Api) -> None:
    noisy = np.random.default_rng(0).integers(100, 110, (100, 100, 3), dtype=np.uint8)
    assert api.ok("POST", "detect", data=png(noisy)) == []
