"""The gallery shared with the scripts, imports and exports."""

from __future__ import annotations

import io
import pickle
import stat
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import update

from faces import records
from faces.datasets import Folder
from faces.embedding import encodings
from faces.errors import FacesError, FingerprintError, PickleError
from faces.extraction.checkpoints import Checkpoint
from faces.extraction.known import load_previous
from faces.extraction.results import TABLES, Extraction
from faces.extraction.update import build_gallery
from faces.files.locks import only_one
from faces.recognition.gallery import ERASED, Gallery, LeftOut
from faces.recognition.recognizer_files import save
from faces.recognition.recognizers import FaceRecognizer
from faces.records import Manifest, Runs
from faces.server.errors import ApiError
from faces.server.people import dataset_files, gallery_file, people_group
from faces.server.people.gallery_file import GalleryFile
from faces.server.people.values import ImportResult
from faces.server.store import persons
from faces.server.store.schema import Face
from faces.server.vision import vision as server_vision
from faces.types import Fingerprint, ModelId
from faces.versions.versions import RECOGNIZER, Versions
from tests.server.colours import FINGERPRINT
from tests.server.enrolled import SETTINGS, People, colour, gallery, jpeg, vision

OTHER = Fingerprint(FINGERPRINT.detector, FINGERPRINT.aligner, ModelId("other", "o" * 64))


@pytest.fixture
def start(tmp_path: Path) -> Callable[..., People]:
    """Return a function that starts a server with a shared gallery."""
    (tmp_path / "output").mkdir()
    return lambda **options: People(tmp_path, gallery=True, **options)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "output" / "embeddings.pickle"


def train(path: Path, people: Gallery) -> None:
    save(FaceRecognizer(0.01, 0.6, "centroid").fit(people), path.with_name(RECOGNIZER), path.with_name("le.pickle"))


def test_people_of_the_file_are_enrolled_once(start: Callable[..., People], path: Path) -> None:
    gallery(("Ada", 0), ("Ada", 1), ("Bob", 0)).save(path)
    before = path.read_bytes()
    for _ in range(2):
        people = start()
        assert people.faces() == {"Ada": 2, "Bob": 1} and people.named("Bob", "Cleo") == ["Bob", None]
        people.database.close()
    assert path.read_bytes() == before


def test_enrolled_people_are_written_to_the_file(start: Callable[..., People], path: Path) -> None:
    people = start()
    assert not path.exists()
    ada = people.enrol("Ada")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    shared = people.gallery()
    assert shared.names == ("Ada",) and shared.fingerprint == FINGERPRINT and shared.settings == SETTINGS
    assert np.array_equal(shared.embeddings, colour("Ada")[None])
    people.enrolled.rename(ada, "Adele")
    people.enrol("Bob")
    assert people.gallery().names == ("Adele", "Bob")
    people.enrolled.remove_person(ada)
    assert people.gallery().names == ("Bob",)
    people.database.close()
    assert People(path.parent.parent, gallery=True, database="other.db").faces() == {"Bob": 1}


@pytest.mark.parametrize("mode", [0o640, 0o600, 0o400])
def test_the_file_keeps_its_mode(start: Callable[..., People], path: Path, mode: int) -> None:
    gallery(("Ada", 0)).save(path)
    path.chmod(mode)
    start().enrol("Bob")
    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_killed_before_the_file_was_written(start: Callable[..., People], path: Path) -> None:
    gallery(("Ada", 0), ("Bob", 0)).save(path)
    people = start()
    train(path, people.gallery())
    with only_one(path):  # nothing can be written
        people.enrolled.remove_person(people.enrolled.list_all()[0].id)
        people.enrol("Cleo")
    people.database.close()
    people = start()
    assert people.gallery().names == ("Bob", "Cleo") and not path.with_name(RECOGNIZER).exists()


def test_rows_of_the_file_are_preserved(start: Callable[..., People], path: Path) -> None:
    scores = np.array([0.7, 0.8], np.float32)
    gallery(("Ada", 0), ("Bob", 0), scores=scores).save(path)
    people = start()
    people.enrol("Cleo")
    shared = people.gallery()
    assert shared.names == ("Ada", "Bob", "Cleo") and shared.paths[:2] == ("Ada/0.jpg", "Bob/0.jpg")
    assert shared.stamps[:2] == ("0", "1") and shared.scores is not None and np.array_equal(shared.scores[:2], scores)


def test_no_name_of_who_was_erased_stays_beside_the_gallery(start: Callable[..., People], path: Path) -> None:
    left_out = LeftOut(
        ("Ada/blurred.jpg", "Bob/blurred.jpg"), ("a" * 64, "b" * 64), (1, 2), ("1", "2"), ("too blurred",) * 2
    )
    hashes = tuple(digit * 64 for digit in "123")
    gallery(("Ada", 0), ("Ada", 1), ("Bob", 0), hashes=hashes, left_out=left_out).save(path)
    tables = [path.with_name(name) for name in TABLES[:2]]
    for table, person in zip(tables, ("Ada", "Bob"), strict=True):
        table.write_text(f"photograph,reason\ndataset/{person}/blurred.jpg,too blurred\n")
    people = start()
    ada = people.enrolled.list_all()[0]
    people.enrolled.remove_face(ada.id, ada.faces[0].id)
    assert people.gallery().left_out.paths == ("Ada/blurred.jpg", "Bob/blurred.jpg", "")  # she is still enrolled
    assert tables[0].exists()
    people.enrolled.remove_person(ada.id)
    shared = people.gallery()
    assert shared.left_out.paths == ("", "Bob/blurred.jpg", "", "")
    assert shared.left_out.reasons == (ERASED, "too blurred", ERASED, ERASED)
    assert b"Ada" not in path.read_bytes()
    assert [table.exists() for table in tables] == [False, True]


def test_erased_people_do_not_come_back(start: Callable[..., People], path: Path) -> None:
    old = gallery(("Ada", 0), ("Ada", 1), ("Bob", 0))
    old.save(path)
    people = start()
    ada = people.enrolled.list_all()[0]
    assert people.enrolled.remove_face(ada.id, ada.faces[0].id).dataset == ("Ada/0.jpg",)
    shared = people.gallery()
    assert shared.paths == ("Ada/1.jpg", "Bob/0.jpg")
    assert shared.left_out.paths == ("",) and shared.left_out.reasons == (ERASED,)
    assert shared.left_out.hashes == (old.hashes[0],)  # which tells the scripts
    old.save(path)  # by a script with an older gallery
    assert people.enrolled.try_synchronize().dataset == ("Ada/0.jpg",)
    assert people.gallery().paths == ("Ada/1.jpg", "Bob/0.jpg")
    people.database.close()
    old.save(path)
    people = start()
    assert people.faces() == {"Ada": 1, "Bob": 1} and len(people.gallery()) == 2
    assert people.enrolled.import_embeddings(_write(path.with_name("old.pickle"), old)) == ImportResult(0, 1, 2)
    assert people.faces() == {"Ada": 2, "Bob": 1}  # an explicit import


def test_a_face_extracted_again_is_the_same_face(start: Callable[..., People], path: Path) -> None:
    gallery(("Ada", 0), ("Bob", 0)).save(path)
    people = start()
    people.enrolled.rename(people.enrolled.list_all()[0].id, "Adele")
    people.enrol("Cleo")
    again = gallery(("Ada", 0), ("Bob", 0), ("Bob", 1))  # from a data set that knows nobody else, and a new photograph
    Gallery(
        again.embeddings + np.float32(1e-6),
        again.names,
        again.paths,
        again.hashes,
        again.boxes,
        again.scores,
        again.fingerprint,
        again.sizes,
        again.stamps,
        again.settings,
    ).save(path)
    people.enrolled.try_synchronize()
    assert people.faces() == {"Adele": 1, "Bob": 2, "Cleo": 1}
    assert people.gallery().names == ("Adele", "Bob", "Bob", "Cleo")


def test_one_photograph_in_two_folders(start: Callable[..., People], path: Path) -> None:
    both = gallery(("Ada", 0), ("Ada", 0), names=("Ada", "Bob"), hashes=("h" * 64, "h" * 64))
    both.save(path)
    people = start()
    people.enrolled.try_synchronize()
    assert people.faces() == {"Ada": 1, "Bob": 1} and people.gallery().names == ("Ada", "Bob")
    people.enrolled.remove_person(people.enrolled.list_all()[0].id)
    assert people.gallery().names == ("Bob",) and people.faces() == {"Bob": 1}


def test_the_scripts_leave_out_erased_people(start: Callable[..., People], path: Path, tmp_path: Path) -> None:
    for name in ("Ada", "Bob"):
        (tmp_path / "dataset" / name).mkdir(parents=True)
        (tmp_path / "dataset" / name / "0.jpg").write_bytes(jpeg(name))

    def extract() -> Extraction:
        dataset, models = Folder(tmp_path / "dataset"), vision().pipeline
        old = load_previous(path, FINGERPRINT, SETTINGS)
        checkpoint = Checkpoint(tmp_path / "checkpoint", "these")

        def enrol(paths: Any) -> Any:
            yield from zip(paths, models.enrol(dataset.read(path) for path in paths), strict=True)

        assert not old.why
        done = build_gallery(dataset, dataset.listing(), old, checkpoint, enrol, FINGERPRINT, SETTINGS)
        done.gallery.save(path)
        return done

    assert extract().new == 2
    people = start()
    people.enrolled.remove_person(people.enrolled.list_all()[0].id)
    people.enrol("Cleo")
    again = extract()
    assert (again.new, again.known, again.gone) == (0, 2, 0) and again.gallery.names == ("Bob", "Cleo")
    people.enrolled.try_synchronize()
    assert people.gallery().names == ("Bob", "Cleo") and people.faces() == {"Bob": 1, "Cleo": 1}
    people.enrolled.remove_person(people.enrolled.list_all()[-1].id)
    assert extract().gallery.names == ("Bob",)


def test_recognizers_that_contain_an_erased_face_are_erased(start: Callable[..., People], path: Path) -> None:
    gallery(("Ada", 0), ("Bob", 0)).save(path)
    people = start()
    cleo, bob = people.enrol("Cleo"), people.enrolled.list_all()[1].id
    versions = Versions(path.with_name(RECOGNIZER), path.with_name("le.pickle"))
    train(path, gallery(("Ada", 0)))  # without Bob
    versions.settle()
    train(path, people.gallery())
    versions.settle()
    assert [version.number for version in versions.all()] == [1, 2]
    removal = people.enrolled.remove_person(bob)
    assert [Path(model).relative_to(path.parent).as_posix() for model in removal.models] == [
        RECOGNIZER,
        f"versions/2/{RECOGNIZER}",
    ]
    assert [version.number for version in versions.all()] == [1] and not versions.recognizer.exists()
    versions.settle()
    train(path, people.gallery())
    (face,) = people.enrolled.person(cleo).faces
    gallery(("Ada", 0)).save(path)  # by a script; it does not know Cleo, but the recognizer does
    assert people.enrolled.remove_face(cleo, face.id).models != ()
    train(path, people.gallery())
    assert people.enrolled.remove_person(cleo).models == () and versions.recognizer.exists()
    path.with_name(RECOGNIZER).write_bytes(b"nobody can tell")
    assert people.enrolled.remove_person(people.enrolled.list_all()[0].id).models != ()
    assert not versions.recognizer.exists()


def record(path: Path) -> None:
    """Record a training on the file as the scripts do; Ada also has a photograph without a face."""
    out = LeftOut(("Ada/9.jpg",), ("9" * 64,), (1,), ("",), ("no face",))
    shared = Gallery.load(path)
    with records.recording(records.beside(path), "train", {}) as run:
        run.data(replace(shared, left_out=out).manifest())


def recorded(path: Path) -> list[tuple[str, str]]:
    """Return the path and person of each photograph in the only manifest, that of the last run."""
    folder = records.beside(path)
    run = Runs(folder).find("last")
    assert [file.name for file in (folder / "manifests").iterdir()] == [f"{run.data[0].sha256}.json.gz"]
    return [(place, person) for place, person, _, _ in Manifest.load(folder, run.data[0].sha256).rows()]


def test_erased_people_are_erased_from_run_records(start: Callable[..., People], path: Path) -> None:
    gallery(("Ada", 0), ("Ada", 1), ("Bob", 0)).save(path)
    people = start()
    ada, bob = (person.id for person in people.enrolled.list_all())
    record(path)
    assert records.Runs(records.beside(path)).find("last").notes == ()
    people.enrolled.remove_face(ada, people.enrolled.person(ada).faces[0].id)
    rest = [("Ada/1.jpg", "Ada"), ("Ada/9.jpg", "Ada"), ("Bob/0.jpg", "Bob")]
    assert recorded(path) == [("", ""), *rest]
    people.enrolled.rename(bob, "Robert")
    assert recorded(path) == [("", ""), ("", "Robert"), *rest[:2]]
    people.enrolled.remove_person(ada)
    assert sorted(recorded(path)) == [("", ""), ("", ""), ("", ""), ("", "Robert")]
    (note,) = Runs(records.beside(path)).find("last").notes
    assert "altered on" in note and "photographs or names in it were erased" in note


@pytest.mark.parametrize("how", ["by the Face API", "by time"])
def test_faces_erased_elsewhere_are_erased_from_the_file(start: Callable[..., People], path: Path, how: str) -> None:
    gallery(("Ada", 0), ("Bob", 0)).save(path)
    people = start(keep_photos=True)
    people.enrol("Cleo")
    train(path, people.gallery())
    ada = people.enrolled.list_all()[0]
    with people.database.write() as session:
        if how == "by time":
            session.execute(update(Face).where(Face.id == ada.faces[0].id).values(added=time.time() - 3 * 86_400))
        else:
            group, person = people_group.find_person(session, ada.id)
            persons.delete(session, group, person)
    assert len(people.enrolled.erase_older(2).models) == 1
    assert people.gallery().names == ("Bob", "Cleo") and not path.with_name(RECOGNIZER).exists()
    assert people.faces() == {"Bob": 1, "Cleo": 1} and people.named("Ada") == [None]
    assert people.enrolled.list_all()[1].faces[0].picture


def test_a_locked_file_is_updated_later(start: Callable[..., People], path: Path) -> None:
    gallery(("Ada", 0), ("Bob", 0)).save(path)
    people = start()
    train(path, people.gallery())
    with only_one(path):
        removal = people.enrolled.remove_person(people.enrolled.list_all()[0].id)
        assert "in use" in removal.pending and removal.models == () and len(people.gallery()) == 2
        people.enrol("Cleo")
    assert people.faces() == {"Bob": 1, "Cleo": 1}
    assert people.enrolled.try_synchronize().models != () and people.gallery().names == ("Bob", "Cleo")


def test_a_file_that_cannot_be_written_is_updated_later(
    start: Callable[..., People], path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = start()

    def full(*_: object) -> None:
        raise FacesError("cannot write it: no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(GalleryFile, "write", full)
        people.enrol("Ada")
        assert "no space" in people.enrolled.try_synchronize().pending
    with monkeypatch.context() as patch:
        busy = ApiError(503, "ServiceUnavailable", "The database is busy.")
        patch.setattr(people_group, "find_or_create_group", lambda _: (_ for _ in ()).throw(busy))
        assert "busy" in people.enrolled.try_synchronize().pending
    assert people.named("Ada") == ["Ada"] and not path.exists()
    assert people.enrolled.try_synchronize().pending == "" and people.gallery().names == ("Ada",)


class Hostile:
    def __reduce__(self) -> tuple[object, ...]:
        return exec, ("raise SystemExit",)


def _write(path: Path, content: object) -> Path:
    path.parent.mkdir(exist_ok=True)
    if isinstance(content, Gallery):
        content.save(path)
    else:
        path.write_bytes(content if isinstance(content, bytes) else pickle.dumps(content))
    return path


def test_invalid_files(start: Callable[..., People], path: Path) -> None:
    people = start()
    people.enrol("Ada")
    wide = np.eye(2, 5, dtype=np.float32)
    files: list[tuple[object, str]] = [
        (Hostile(), "refused"),
        (b"", "not embeddings"),
        (b"nonsense", "not embeddings"),
        ([1, 2], "not embeddings"),
        (gallery(("Bob", 0), fingerprint=OTHER), "made with the embedder other"),
        (gallery(("Bob", 0), fingerprint=None), "does not name the models"),
        (gallery(("Bob", 0), embeddings=np.full((1, 3), 9, np.float32)), "not embeddings of these models"),
        (gallery(("Bob", 0), ("Bob", 1), embeddings=wide), "not embeddings of these models"),
        (gallery(("Bob", 0), boxes=np.zeros((1, 7))), "not embeddings"),
        (gallery(("Bob", 0), sizes=("many",)), "not embeddings"),
    ]
    for content, words in files:
        bad = _write(path.with_name("bad.pickle"), content)
        with pytest.raises(ApiError) as caught:
            people.enrolled.import_embeddings(bad)
        assert caught.value.status == 400 and words in caught.value.message
        assert str(path.parent) not in caught.value.message
    assert people.faces() == {"Ada": 1} and people.named("Ada") == ["Ada"]


@pytest.mark.parametrize(
    ("content", "error"),
    [(gallery(("Bob", 0), fingerprint=OTHER), FingerprintError), (Hostile(), PickleError), (b"nonsense", PickleError)],
)
def test_an_invalid_gallery_stops_the_start_and_is_kept(
    start: Callable[..., People], path: Path, content: object, error: type[FacesError]
) -> None:
    before = _write(path, content).read_bytes()
    with pytest.raises(error, match=r"embeddings\.pickle"):
        start()
    assert path.read_bytes() == before


def test_invalid_names_stay_in_the_file(start: Callable[..., People], path: Path) -> None:
    strange = gallery(("Ada", 0), ("Bob", 0), ("Ada", 1), names=("../../Ada", "x" * 200, "a\0b"))
    strange.save(path)
    people = start()
    people.enrol("Cleo")
    assert people.faces() == {"../../Ada": 1, "Cleo": 1}
    assert people.gallery().names == ("../../Ada", "x" * 200, "a\0b", "Cleo")


def test_export_and_import_embeddings(start: Callable[..., People], path: Path, tmp_path: Path) -> None:
    people = start(keep_photos=True)
    people.enrol("Ada"), people.enrol("Bob"), people.enrol("Bob", 1)
    exported = _write(tmp_path / "exported.pickle", people.enrolled.export_embeddings())
    assert Gallery.load(exported).names == ("Ada", "Bob", "Bob")
    other = People(tmp_path, database="other.db")
    assert other.enrolled.import_embeddings(exported) == ImportResult(2, 3, 0)
    assert other.enrolled.import_embeddings(exported) == ImportResult(0, 0, 3)
    assert other.faces() == people.faces() and other.named("Bob") == ["Bob"]
    with pytest.raises(ApiError, match="neither a folder nor a zip"):
        other.enrolled.import_dataset(exported, vision())


def test_export_and_import_a_data_set(tmp_path: Path) -> None:
    people = People(tmp_path, keep_photos=True)
    for name in ("../../Ada", "CON", ".hidden", "..", "AC/DC", "ac:dc", "🙂" * 64):
        people.enrolled.enrol(name, colour("Ada"), b"", jpeg("Ada", len(name)))
    with_gif = gif()
    people.enrolled.enrol("Ada", colour("Ada"), b"", with_gif)
    without = People(tmp_path, database="faces.db")  # no photographs are stored from now on
    without.enrol("Bob")
    file = io.BytesIO()
    exported = without.enrolled.export_dataset(file)
    assert exported.photographs == 8 and exported.without == ("Bob",)
    folder = tmp_path / "unpacked"
    with zipfile.ZipFile(file) as archive:
        names = archive.namelist()
        archive.extractall(folder)
    assert all(name.split("/")[0] == "dataset" and len(name.split("/")) == 3 for name in names)
    assert not any(part in ("", ".", "..") or part.startswith(".") for name in names for part in name.split("/"))
    assert len({name.split("/")[1].casefold() for name in names}) == 8
    assert len(Folder(folder / "dataset").listing()[1]) == 8
    other = People(tmp_path, database="other.db", keep_photos=True)
    (tmp_path / "data.zip").write_bytes(file.getvalue())
    imported = [
        other.enrolled.import_dataset(source, vision()) for source in (tmp_path / "data.zip", folder / "dataset")
    ]
    assert [(result.people, result.faces, result.known) for result in imported] == [(8, 8, 0), (0, 0, 8)]
    assert [result.left_out for result in imported] == [(), ()]
    assert len(other.faces()) == 8 and all(person.faces[0].picture for person in other.enrolled.list_all())
    assert other.enrolled.cutout(other.enrolled.list_all()[0].faces[0].id).startswith(b"\xff\xd8")


def gif() -> bytes:
    file = io.BytesIO()
    Image.effect_noise((64, 64), 90).save(file, "GIF")
    return file.getvalue()


def zipped(path: Path, entries: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return path


def test_hostile_zip_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    people = People(tmp_path)
    monkeypatch.setattr(dataset_files, "MAX_IMAGE_BYTES", 100_000)
    black = bytes(100_001)
    path = zipped(
        tmp_path / "bad.zip",
        {
            "dataset/Ada/1.jpg": jpeg("Ada"),
            "dataset/Ada/bomb.jpg": black,
            "dataset/Ada/none.jpg": b"none",
            "../../Bob/1.jpg": jpeg("Bob"),
            "dataset/../Bob/1.jpg": jpeg("Bob"),
            "/etc/Bob/1.jpg": jpeg("Bob"),
            "dataset/Ada/.hidden.jpg": jpeg("Bob"),
            "__MACOSX/dataset/Ada/1.jpg": jpeg("Bob"),
            "dataset/notes.txt": b"",
            "dataset/a\nb/1.jpg": jpeg("Bob"),
            "dataset/unknown/1.jpg": jpeg("Bob"),
            "dataset\\Cleo\\1.jpg": jpeg("Cleo"),
        },
    )
    imported = people.enrolled.import_dataset(path, vision())
    assert people.faces() == {"Ada": 1, "Cleo": 1} and imported.people == imported.faces == 2
    assert dict(imported.left_out) == {
        "Ada/bomb.jpg": "file too large: at most 0 MB",
        "Ada/none.jpg": "unreadable: not an image",
        "../../Bob/1.jpg": "unsafe path",
        "dataset/../Bob/1.jpg": "unsafe path",
        "/etc/Bob/1.jpg": "unsafe path",
        "a\nb/1.jpg": "The name contains characters that are not allowed.",
        "unknown/1.jpg": "This name is reserved for unknown people. Enter a different name.",
    }
    assert {file.name for file in tmp_path.iterdir()} <= {"bad.zip", "faces.db", "faces.db-wal", "faces.db-shm"}

    data = bytearray(path.read_bytes())
    data[60:90] = bytes(30)  # of the first photograph
    (tmp_path / "damaged.zip").write_bytes(data)
    assert "cannot be read" in people.enrolled.import_dataset(tmp_path / "damaged.zip", vision()).left_out[0][1]
    for content, words in ((b"PK\3\4 cut off", "neither a folder"), (b"", "neither a folder")):
        (tmp_path / "none.zip").write_bytes(content)
        with pytest.raises(ApiError, match=words):
            people.enrolled.import_dataset(tmp_path / "none.zip", vision())
    bomb = zipped(tmp_path / "bomb.zip", {f"dataset/Ada/{k}.jpg": bytes(1 << 20) for k in range(3)})
    with pytest.raises(ApiError, match="more than 100 times its size"):
        people.enrolled.import_dataset(bomb, vision())
    with pytest.raises(ApiError, match="no photographs in it"):
        people.enrolled.import_dataset(zipped(tmp_path / "empty.zip", {"a/b.txt": b""}), vision())
    monkeypatch.setattr(dataset_files, "MAX_FILES", 2)
    with pytest.raises(ApiError, match="at most 2"):
        people.enrolled.import_dataset(path, vision())


def test_large_photographs_of_a_data_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_vision, "MAX_MEGAPIXELS", 0.01)
    people, seeing = People(tmp_path, keep_photos=True), vision()
    used: list[bool] = []
    enrol = seeing.pipeline._prepare

    def watched(*photograph: Any) -> Any:
        used.append(seeing._pixels.in_work > 0)
        return enrol(*photograph)

    monkeypatch.setattr(seeing.pipeline, "_prepare", watched)
    path = zipped(
        tmp_path / "data.zip",
        {
            "Ada/1.jpg": jpeg("Ada"),
            "Ada/2.jpg": jpeg("Ada", 1),
            "Ada/wide.png": black(101),
            "Ada/heavy.png": bytes(7 << 20),
            "Ada/fits.png": black(100),
            **{f"Ada/rough {k}.jpg": np.random.default_rng(k).bytes(90_000) for k in range(2)},
        },
    )
    imported = people.enrolled.import_dataset(path, seeing)
    assert people.faces() == {"Ada": 2} and not seeing._pixels.in_work
    assert used == [True, True, False, False, True, False, False]
    assert dict(imported.left_out) == {
        "Ada/wide.png": "Image size is too big. At most 0.01 megapixels are allowed.",
        "Ada/heavy.png": "file too large: at most 6 MB",
        "Ada/fits.png": "no face",
        "Ada/rough 0.jpg": "unreadable: not an image",
        "Ada/rough 1.jpg": "unreadable: not an image",
    }


def black(side: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (side, 100)).save(file, "PNG")
    return file.getvalue()


def test_the_folder_of_one_person(tmp_path: Path) -> None:
    people = People(tmp_path)
    files = [(f"Ada/{k}.jpg", io.BytesIO(jpeg("Ada", k))) for k in range(20)]
    assert people.enrolled.import_dataset([*files, ("loose.jpg", io.BytesIO(jpeg("Bob")))], vision()) == ImportResult(
        1, 20, 0, (("loose.jpg", "not in a person's folder"),)
    )
    assert people.faces() == {"Ada": 20}


LOOSE = [
    ("dataset/group.jpg", "dataset/Ada/1.jpg", "dataset/Bob/1.jpg", "dataset/Bob/2020/2.jpg"),
    ("cover.jpg", "dataset/Ada/1.jpg", "dataset/Bob/1.jpg", "dataset/Bob/2.jpg"),
    ("cover.jpg", "Ada/1.jpg", "Bob/1.jpg", "Bob/2020/2.jpg"),
]


@pytest.mark.parametrize("paths", LOOSE)
def test_only_photographs_beside_the_folders_are_left_out(tmp_path: Path, paths: tuple[str, ...]) -> None:
    people, whose = People(tmp_path), ("Cleo", "Ada", "Bob", "Bob")
    photographs = [(path, jpeg(name, number)) for number, (path, name) in enumerate(zip(paths, whose, strict=True))]
    for files in (
        [(path, io.BytesIO(data)) for path, data in photographs],
        zipped(tmp_path / "data.zip", dict(photographs)),
    ):
        assert people.enrolled.import_dataset(files, vision()).left_out == ((paths[0], "not in a person's folder"),)
        assert people.faces() == {"Ada": 1, "Bob": 2}


def test_encodings_of_face_recognition_are_imported_with_dlibs_models_only(
    start: Callable[..., People], path: Path
) -> None:
    rows = np.random.default_rng(0).normal(size=(2, 128))
    file = _write(path.with_name("encodings.pickle"), {"encodings": list(rows), "names": ["Ada", "Bob"]})
    _, imported = gallery_file.load(file, encodings.dlib_fingerprint(), 128)
    assert [row.name for row in imported] == ["Ada", "Bob"]
    people = start()
    with pytest.raises(ApiError, match="made with the detector dlib-mmod"):
        people.enrolled.import_embeddings(file)
    assert people.faces() == {}
