"""Who is who, and who is nobody: on drawn points instead of faces."""

from __future__ import annotations

import pickle
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from faces.errors import FacesError, FingerprintError, PickleError
from faces.models import zoo
from faces.recognition import classifiers, recognizer_files, recognizers
from faces.recognition.assignment import NEAREST
from faces.recognition.classifiers import CLASSIFIERS, SVC
from faces.recognition.crowd import Crowd, Terms, distance_of
from faces.recognition.distances import CLOSER, People
from faces.recognition.gallery import Gallery
from faces.recognition.impostors import impostors_of
from faces.recognition.recognizer_files import RecipeRecognizer
from faces.recognition.recognizers import FaceRecognizer, identify_together
from faces.recognition.thresholds import OperatingPoint, Threshold, far_per_person, stranger_threshold
from faces.types import Fingerprint, Floats, ModelId
from tests.recognition.populations import crowd_of_faces, photographed

DIMENSION = 128
UNMEASURED = "somebody's own"


def fingerprint(embedder: str = "dlib-resnet, mirrored") -> Fingerprint:
    return Fingerprint(ModelId("det", "1" * 64), ModelId("ali", "2" * 64), ModelId(embedder, "3" * 64))


def person(number: int, photographs: int, first: int = 0) -> Floats:
    """(photographs, 128): points about 0.3 apart; different numbers are about 1.4 apart."""
    centre = np.random.default_rng(number).normal(size=DIMENSION)
    centre /= np.linalg.norm(centre)
    rngs = [np.random.default_rng((number, k)) for k in range(first, first + photographs)]
    vectors = np.stack([centre + rng.normal(0, 0.2 / DIMENSION**0.5, DIMENSION) for rng in rngs])
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def gallery(
    people: int, photographs: int = 3, models: Fingerprint | None = None, names: list[str] | None = None
) -> Gallery:
    names = names or [f"Person {number:03}" for number in range(people)]
    vectors = np.concatenate([person(number, photographs) for number in range(people)])
    return Gallery(vectors, tuple(np.repeat(names, photographs).tolist()), fingerprint=models)


DLIB, SFACE = fingerprint(), fingerprint("sface-int8")
MEASURED = ("sface-int8", "dlib-resnet, mirrored", "dlib-resnet, best")


# -- naming ------------------------------------------------------------------------------------------------------------


every_classifier = pytest.mark.parametrize("classifier", CLASSIFIERS)


@pytest.mark.filterwarnings("error")
@every_classifier
@pytest.mark.parametrize("people", [1, 2, 3, 12])
@pytest.mark.parametrize("photographs", [1, 2, 5])
def test_everybody_is_known_and_strangers_are_not(people: int, photographs: int, classifier: str) -> None:
    recognizer = FaceRecognizer(classifier=classifier).fit(gallery(people, photographs, DLIB))
    assert recognizer.classifier_ == classifier
    probes = np.concatenate([person(number, 2, first=50) for number in range(people)])
    matches = recognizer.identify(probes)
    assert list(matches.names) == np.repeat(recognizer.names_, 2).tolist()
    assert (matches.distance <= recognizer.threshold_.distance).all()
    assert (matches.probability > 1 / (people + 1)).all()
    strangers = recognizer.identify(np.concatenate([person(number, 1) for number in range(900, 920)]))
    assert set(strangers.names) == {None}
    assert set(strangers.candidates) <= set(recognizer.names_.tolist())
    assert (strangers.distance > recognizer.threshold_.distance).all()


def test_people_of_different_numbers_of_photographs() -> None:
    vectors = np.concatenate([person(0, 1), person(1, 7), person(2, 2)])
    recognizer = FaceRecognizer().fit(Gallery(vectors, ("a",) + ("b",) * 7 + ("c",) * 2, fingerprint=DLIB))
    assert recognizer.identify(np.concatenate([person(k, 1, first=50) for k in range(3)])).names == ("a", "b", "c")


def test_the_order_of_the_gallery_does_not_matter() -> None:
    ordered = gallery(6, 4, DLIB)
    shuffle = np.random.default_rng(0).permutation(len(ordered))
    mixed = Gallery(ordered.embeddings[shuffle], tuple(np.array(ordered.names)[shuffle].tolist()), fingerprint=DLIB)
    probes = np.concatenate([person(number, 1, first=50) for number in range(8)])
    one, other = (FaceRecognizer().fit(g).identify(probes) for g in (ordered, mixed))
    assert one.names == other.names
    assert np.allclose(one.distance, other.distance, atol=1e-5)
    assert np.allclose(one.probability, other.probability, atol=1e-3)


@pytest.mark.parametrize("people", [1, 2, 5])
def test_no_probes(people: int) -> None:
    recognizer = FaceRecognizer().fit(gallery(people, 2, DLIB))
    nothing = np.zeros((0, DIMENSION), np.float32)
    assert len(recognizer.identify(nothing)) == 0
    assert recognizer.predict_proba(nothing).shape == recognizer.distances(nothing).shape == (0, people)


@every_classifier
def test_many_probes_are_identified_some_at_a_time(classifier: str, monkeypatch: pytest.MonkeyPatch) -> None:
    recognizer = FaceRecognizer(classifier=classifier).fit(gallery(5, 2, DLIB))
    probes = np.concatenate([person(number, 2, first=50) for number in range(7)])
    at_once = recognizer.identify(probes)
    monkeypatch.setattr(recognizers, "BLOCK_SCORES", 30)
    in_parts = recognizer.identify(probes)
    assert in_parts.names == at_once.names
    assert np.allclose(in_parts.probability, at_once.probability, atol=1e-4)
    assert np.allclose(in_parts.distance, at_once.distance, atol=1e-6)


@every_classifier
def test_the_probability_is_that_of_the_candidate(classifier: str) -> None:
    recognizer = FaceRecognizer(classifier=classifier).fit(gallery(15, 3, DLIB))
    probes = np.concatenate([person(number, 1, first=50) for number in (3, 14, 900, 901)])
    matches, chances = recognizer.identify(probes), recognizer.predict_proba(probes)
    assert recognizer.names_[chances.argmax(axis=1)].tolist() == list(matches.candidates)
    assert np.allclose(chances.max(axis=1), matches.probability, atol=1e-5)


def test_auto_takes_an_svc_for_few_people_and_not_for_many(monkeypatch: pytest.MonkeyPatch) -> None:
    assert FaceRecognizer().fit(gallery(10, 2, DLIB)).classifier_ == "svc"
    monkeypatch.setattr(classifiers, "SVC_LIMIT", 10 * 20 - 1)
    assert FaceRecognizer().fit(gallery(10, 2, DLIB)).classifier_ == "centroid"


def test_nobody_enrolled() -> None:
    with pytest.raises(FacesError, match=r"no embeddings to train on; run: faces extract"):
        FaceRecognizer().fit(Gallery(np.zeros((0, DIMENSION), np.float32), ()))


NAMES = ["Zoë Lind", "李", "anna", "Åse", "Anna", 'O\'Neil; "x"', "10", "9"]


@pytest.mark.filterwarnings("error")
def test_probabilities_are_in_the_label_encoders_order() -> None:
    from sklearn.preprocessing import LabelEncoder

    recognizer = FaceRecognizer().fit(gallery(len(NAMES), 2, DLIB, NAMES))
    classes = LabelEncoder().fit(NAMES).classes_
    probes = np.concatenate([person(NAMES.index(name), 1, first=50) for name in classes])
    probability = recognizer.predict_proba(probes)
    assert recognizer.names_.tolist() == classes.tolist()
    assert probability.argmax(axis=1).tolist() == list(range(len(NAMES)))
    assert np.allclose(probability.sum(axis=1), 1)
    assert probability.dtype == np.float64
    assert np.diag(probability).mean() > 0.8


def test_the_recipe_may_ask_for_one_face_at_a_time() -> None:
    recognizer = FaceRecognizer().fit(gallery(3, 2, DLIB))
    probe = person(1, 1, first=50)
    assert recognizer.predict_proba(probe.tolist())[0].argmax() == 1
    assert recognizer.predict_proba([probe]).shape == (1, 3)  # as OpenFace's (1, 128) in a list


def test_distances_by_hand() -> None:
    vectors = np.array([[1, 0], [0, 1], [-1, 0]], np.float32)
    recognizer = FaceRecognizer(threshold=1).fit(Gallery(vectors, ("a", "a", "b")))
    found = recognizer.distances(np.array([[1, 0], [-1, 0]], np.float32))
    two = 2 * CLOSER[1]  # the mean of two distances, as if of one photograph
    expected = [[(0.5**0.5 + 0) / two, 2], [((1.5**2 + 0.25) ** 0.5 + 2**0.5) / two, 0]]
    assert np.allclose(found, expected, atol=1e-3)


# -- unknown -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("embedder", MEASURED)
@pytest.mark.parametrize("people", [1, 2, 30])
def test_the_threshold_follows_from_fpir_and_the_number_of_people(embedder: str, people: int) -> None:
    impostors = impostors_of(embedder)
    assert impostors is not None
    for fpir in (0.001, 0.01, 0.1):
        recognizer = FaceRecognizer(fpir).fit(gallery(people, 1, fingerprint(embedder)))
        quantile = impostors.quantile(far_per_person(fpir, people))
        assert recognizer.threshold_.distance == distance_of(impostors.mean + quantile * impostors.spread)
        crowd = recognizer.crowd_
        assert crowd is not None
        low, high = (1 - (1 - rate) ** people for rate in crowd.expected_rate(far_per_person(fpir, people)))
        assert low < fpir < high
        origin = f"{fpir:.1%} of strangers named; expected {low:.1%} to {high:.1%}"
        assert recognizer.threshold_.origin == origin


@pytest.mark.parametrize("embedder", ["dlib-resnet, mirrored", UNMEASURED])
def test_more_people_and_fewer_strangers_named_mean_a_tighter_threshold(embedder: str) -> None:
    def distance(fpir: float, people: int) -> float:
        return FaceRecognizer(fpir).fit(gallery(people, 1, fingerprint(embedder))).threshold_.distance

    by_fpir = [distance(fpir, 10) for fpir in (0.0001, 0.001, 0.01, 0.1, 0.5)]
    assert by_fpir == sorted(set(by_fpir))
    if embedder != UNMEASURED:  # there the people themselves are what is measured on
        by_people = [distance(0.01, people) for people in (40, 20, 10, 2, 1)]
        assert by_people == sorted(set(by_people))


def test_a_threshold_by_hand_replaces_what_follows_from_fpir() -> None:
    probes = np.concatenate([person(0, 1, first=50), person(1, 1, first=50)])
    for threshold, known in ((0.01, False), (2.0, True)):
        recognizer = FaceRecognizer(0.01, threshold).fit(gallery(2, 3))
        assert recognizer.threshold_.distance == threshold
        assert recognizer.threshold_.origin == "set by --threshold"
        assert [name is not None for name in recognizer.identify(probes).names] == [known] * 2


def test_an_embedder_that_was_never_measured_is_measured_on_the_people() -> None:
    recognizer = FaceRecognizer(0.01).fit(gallery(20, 2, fingerprint(UNMEASURED)))
    between = [
        np.linalg.norm(a - b) for k, a in enumerate(recognizer.people_.centres) for b in recognizer.people_.centres[:k]
    ]
    assert min(between) - 0.2 < recognizer.threshold_.distance < np.quantile(between, 0.02)
    assert "% of strangers named; expected" in recognizer.threshold_.origin
    assert recognizer.identify(person(3, 1, first=50)).names == ("Person 003",)
    assert recognizer.identify(person(903, 1)).names == (None,)


@pytest.mark.parametrize("models", [None, fingerprint(UNMEASURED)])
def test_too_few_people_to_measure_on(models: Fingerprint | None) -> None:
    with pytest.raises(FacesError, match=r"too few people \(6\) to derive a threshold from.* give one: --threshold"):
        FaceRecognizer().fit(gallery(6, 1, models))
    assert FaceRecognizer().fit(gallery(4, 4, models)).threshold_.distance > 0  # of few people, photographs count
    recognizer = FaceRecognizer().fit(gallery(7, 1, models))
    assert recognizer.threshold_.distance > 0
    assert recognizer.crowd_ is not None
    given = FaceRecognizer(threshold=0.5).fit(gallery(1, 2, models))
    assert (given.threshold_.distance, given.crowd_) == (0.5, None)


def test_a_single_published_threshold_is_taken_for_few_people(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = replace(zoo.MODELS["sface"], operating_points=(OperatingPoint(1.1, 1e-3, None, "its authors"),))
    monkeypatch.setitem(zoo.MODELS, "sface", spec)
    threshold = FaceRecognizer().fit(gallery(2, 1, fingerprint("sface, mirrored"))).threshold_
    assert (threshold.distance, threshold.origin) == (1.1, "as published for sface, whatever --fpir")


def look_alikes(people: int, apart: float, first: int = 0) -> Gallery:
    """People with one photograph each, whose photographs are about ``apart`` from each other."""
    together = person(5000, 1)[0]
    others = np.concatenate([person(first + number, 1) for number in range(people)])
    mixed = together + others * apart / (2 - apart**2) ** 0.5
    vectors = (mixed / np.linalg.norm(mixed, axis=1, keepdims=True)).astype(np.float32)
    return Gallery(vectors, tuple(f"Person {number:03}" for number in range(people)), fingerprint=DLIB)


def limit(recognizer: FaceRecognizer, probes: Floats) -> float:
    """The mean distance, not scaled, up to which probes are one of the people."""
    people = recognizer.people_
    return float((recognizer.threshold_.distance * people.distances(probes) / recognizer.distances(probes)).mean())


@pytest.mark.parametrize("people", [2, 5, 10, 20])
def test_people_who_look_alike_have_stricter_limits(people: int) -> None:
    recognizer = FaceRecognizer(0.01).fit(look_alikes(people, 0.35))
    strangers = look_alikes(200, 0.35, first=1000).embeddings
    assert limit(recognizer, strangers) < recognizer.threshold_.distance
    assert np.mean([name is not None for name in recognizer.identify(strangers).names]) <= (
        0.02 if people > 2 else 0.05
    )


@pytest.mark.parametrize("photographs", [1, 5])
@pytest.mark.parametrize("people", [2, 6, 20])
def test_one_person_under_two_names_hardly_moves_the_limits(photographs: int, people: int) -> None:
    faces = look_alikes(people + 1, 0.55).embeddings
    near = person(0, photographs)
    probes = look_alikes(50, 0.55, first=2000).embeddings

    def limit_with(*rows: int) -> float:
        each = [faces[row] + (near - near.mean(0)) * (photographs > 1) for row in rows]
        names = tuple(np.repeat([f"{number:02}" for number in range(len(rows))], photographs).tolist())
        recognizer = FaceRecognizer(0.01).fit(Gallery(np.concatenate(each), names, fingerprint=DLIB))
        return limit(recognizer, probes)

    without, twice, another = limit_with(*range(people)), limit_with(*range(people), 0), limit_with(*range(people + 1))
    assert abs(twice - without) < 0.01 + abs(another - without)
    assert abs(twice - another) < 0.01


@pytest.mark.parametrize("embedder", ["sface-int8", "dlib-resnet, mirrored"])
def test_twins_move_nobody_elses_limit(embedder: str) -> None:
    faces = crowd_of_faces(20, 0.84 if embedder != "sface-int8" else 0.1)
    twin = photographed(faces[:1], 1, 0.98)
    probes = crowd_of_faces(50, 0.84 if embedder != "sface-int8" else 0.1, seed=3)

    def limit_with(vectors: Floats) -> float:
        names = tuple(f"{number:02}" for number in range(len(vectors)))
        return limit(FaceRecognizer(0.01).fit(Gallery(vectors, names, fingerprint=fingerprint(embedder))), probes)

    stranger = crowd_of_faces(1, 0.84 if embedder != "sface-int8" else 0.1, seed=4)
    twins, others = limit_with(np.concatenate([faces, twin])), limit_with(np.concatenate([faces, stranger]))
    assert abs(twins - others) < 0.01


def test_somebody_with_hundreds_of_photographs_does_not_stand_for_all() -> None:
    alike, vectors = look_alikes(12, 0.4), person(0, 400)
    names = (*alike.names, *["somebody else"] * 400)
    many = Gallery(np.concatenate([alike.embeddings, vectors]), names, fingerprint=DLIB)
    probes = look_alikes(50, 0.4, first=1000).embeddings
    without, with_many = (FaceRecognizer().fit(known).crowd_ for known in (alike, many))
    assert without is not None
    assert with_many is not None
    assert with_many.effect > without.effect / 2
    assert limit(FaceRecognizer().fit(many), probes) < FaceRecognizer().fit(many).threshold_.distance


def test_children_need_closer_matches_than_adults() -> None:
    """By their centroids, in a gallery of both."""
    impostors = impostors_of("sface-int8")
    assert impostors is not None
    crowding = impostors.crowding(impostors.centroids)
    crowded, sparse = impostors.centroids[crowding.argsort()[-10:]], impostors.centroids[crowding.argsort()[:10]]
    names = tuple(f"{number:02}" for number in range(20))
    recognizer = FaceRecognizer().fit(Gallery(np.concatenate([crowded, sparse]), names, fingerprint=SFACE))
    child, adult = (recognizer.scale(probe, np.zeros(1, np.intp)) for probe in (crowded[1:2], sparse[:1]))
    assert child > adult


def test_what_everybody_adds_is_computed_once_and_not_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recognizer = FaceRecognizer().fit(gallery(5, 2, DLIB))
    calls, terms = [], Crowd.terms

    def counted(crowd: Crowd, people: People) -> Terms:
        calls.append(len(people))
        return terms(crowd, people)

    monkeypatch.setattr(Crowd, "terms", counted)
    probes = person(3, 4, first=50)
    before = recognizer.distances(probes)
    assert np.array_equal(recognizer.distances(probes), before)
    assert calls == [5]
    loaded, _ = recognizer_files.load(*saved(tmp_path, recognizer), DLIB)
    assert isinstance(loaded, FaceRecognizer)
    assert "_terms" not in loaded.__dict__
    assert np.array_equal(loaded.distances(probes), before)
    assert np.allclose(loaded.distance(probes, np.full(4, 3)), before[:, 3], atol=1e-5)
    fewer = recognizer.fit(gallery(2, 2, DLIB))
    assert fewer.distances(probes).shape == (4, 2)  # and anew for another gallery


def test_a_crowd_without_its_noise_is_read() -> None:
    """As in pickles of before the noise of a gallery was measured."""
    recognizer = FaceRecognizer().fit(gallery(5, 2, DLIB))
    crowd = recognizer.crowd_
    assert crowd is not None
    before = Crowd.__new__(Crowd)
    before.__setstate__([getattr(crowd, field.name) for field in fields(crowd)[:-1]])  # type: ignore[attr-defined]
    loaded = FaceRecognizer.__new__(FaceRecognizer)
    loaded.__setstate__({**recognizer.__getstate__(), "crowd_": before})
    assert loaded.crowd_ is not None
    assert loaded.crowd_.noise == crowd.impostors.noise_sd
    probes = person(3, 4, first=50)
    assert loaded.identify(probes).candidates == recognizer.identify(probes).candidates


def test_the_threshold_that_is_published_goes_with_distances_as_they_are() -> None:
    threshold = stranger_threshold(None, "sface", 0.01, 3)
    assert "as published for sface" in threshold.origin
    recognizer = FaceRecognizer().fit(gallery(3, 2, fingerprint("sface")))
    probes = person(900, 3)
    assert np.array_equal(recognizer.distances(probes), recognizer.people_.distances(probes))


# -- pickles -----------------------------------------------------------------------------------------------------------


def saved(folder: Path, recognizer: FaceRecognizer) -> tuple[Path, Path]:
    paths = folder / "recognizer.pickle", folder / "le.pickle"
    recognizer_files.save(recognizer, *paths)
    return paths


@every_classifier
def test_round_trip(tmp_path: Path, classifier: str) -> None:
    recognizer = FaceRecognizer(0.02, classifier=classifier).fit(gallery(len(NAMES), 2, DLIB, NAMES))
    loaded, warnings = recognizer_files.load(*saved(tmp_path, recognizer), DLIB)
    assert warnings == []
    assert isinstance(loaded, FaceRecognizer)
    assert (loaded.fpir, loaded.threshold_, loaded.fingerprint_) == (0.02, recognizer.threshold_, DLIB)
    probes = np.concatenate([person(number, 1, first=50) for number in range(len(NAMES) + 3)])
    for name in ("names", "candidates"):
        assert getattr(loaded.identify(probes), name) == getattr(recognizer.identify(probes), name)
    assert np.array_equal(loaded.predict_proba(probes), recognizer.predict_proba(probes))
    assert all(type(name) is str for name in loaded.identify(probes).candidates)


def test_the_recipes_scripts_can_read_both(tmp_path: Path) -> None:
    names, classes = (tmp_path / name for name in ("recognizer.pickle", "le.pickle"))
    saved(tmp_path, FaceRecognizer().fit(gallery(3, 2, DLIB)))
    recognizer, encoder = pickle.loads(names.read_bytes()), pickle.loads(classes.read_bytes())
    probability = recognizer.predict_proba(person(2, 1, first=50))[0]
    assert encoder.classes_[np.argmax(probability)] == "Person 002"


def test_loading_and_identifying_need_no_scikit_learn(tmp_path: Path) -> None:
    paths = saved(tmp_path, FaceRecognizer().fit(gallery(3, 2, DLIB)))
    code = (
        "import sys; from pathlib import Path; import numpy as np; from faces.recognition import recognizer_files;"
        "from faces.types import Fingerprint;"
        f"models = Fingerprint.from_dict({DLIB.to_dict()!r});"
        f"r, _ = recognizer_files.load(Path({str(paths[0])!r}), Path({str(paths[1])!r}), models);"
        "print(len(r.identify(np.ones((2, 128), np.float32)))); sys.exit('sklearn' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (0, "2\n"), result.stderr


@pytest.mark.filterwarnings("error")
def test_the_label_encoder_is_scikit_learns_own(tmp_path: Path) -> None:
    from sklearn.preprocessing import LabelEncoder

    _, path = saved(tmp_path, FaceRecognizer().fit(gallery(len(NAMES), 2, DLIB, NAMES)))
    ours, theirs = pickle.loads(path.read_bytes()), LabelEncoder().fit(NAMES)
    assert type(ours) is LabelEncoder
    assert ours.classes_.dtype == theirs.classes_.dtype
    assert ours.inverse_transform(ours.transform(NAMES)).tolist() == NAMES
    assert ours.fingerprint_ == DLIB.to_dict()
    assert pickle.loads(pickle.dumps(ours)).classes_.tolist() == theirs.classes_.tolist()


def test_a_recognizer_of_when_an_svc_was_all_there_was(tmp_path: Path) -> None:
    recognizer = FaceRecognizer().fit(gallery(4, 3, DLIB))
    paths = saved(tmp_path, recognizer)
    people, svc = recognizer.people_, recognizer.scorer_
    assert isinstance(svc, SVC)
    old = FaceRecognizer()
    old.__dict__ = {
        "fpir": 0.01,
        "threshold": None,
        "names_": recognizer.names_,
        "embeddings_": people.embeddings,
        "starts_": people.starts,
        "centres_": np.ascontiguousarray(people.centres),
        "closer_": people.closer,
        "coef_": svc.weights,
        "intercept_": svc.offsets,
        "fingerprint_": DLIB,
        "threshold_": Threshold(0.38, "1.0% of strangers named"),
    }
    paths[0].write_bytes(pickle.dumps(old))
    loaded, warnings = recognizer_files.load(*paths, DLIB)
    assert isinstance(loaded, FaceRecognizer)
    assert (loaded.classifier_, loaded.classifier) == ("svc", "auto")
    assert len(warnings) == 1
    assert "was trained by an older version" in warnings[0]
    assert "does not hold alike for all groups of people; run: faces train" in warnings[0]
    probes = np.concatenate([person(number, 1, first=50) for number in (0, 3, 900)])
    assert loaded.identify(probes).names == ("Person 000", "Person 003", None)
    assert np.allclose(loaded.predict_proba(probes), recognizer.predict_proba(probes))
    recognizer_files.save(loaded, *paths)
    assert recognizer_files.load(*paths, DLIB)[0].identify(probes).names == ("Person 000", "Person 003", None)


def test_other_models_are_refused(tmp_path: Path) -> None:
    paths = saved(tmp_path, FaceRecognizer().fit(gallery(3, 2, DLIB)))
    with pytest.raises(FingerprintError, match=r"made with the embedder dlib-resnet.* run extract_embeddings\.py"):
        recognizer_files.load(*paths, fingerprint("sface"))


def test_a_gallery_without_a_fingerprint_goes_with_any_models(tmp_path: Path) -> None:
    paths = saved(tmp_path, FaceRecognizer(threshold=0.5).fit(gallery(3, 2)))
    (warning,) = recognizer_files.load(*paths, fingerprint("sface"))[1]
    assert "does not say which models" in warning


def test_embeddings_of_another_length_are_refused() -> None:
    recognizer = FaceRecognizer(threshold=0.5).fit(gallery(3, 2))
    with pytest.raises(FingerprintError, match=r"128 numbers, .* 512"):
        recognizer.identify(np.ones((1, 512), np.float32))


@pytest.mark.parametrize("others", [["Person 000", "Person 001"], ["Person 000", "Person 001", "X"]])
def test_a_label_encoder_of_other_people_is_refused(tmp_path: Path, others: list[str]) -> None:
    mine = saved(tmp_path, FaceRecognizer().fit(gallery(3, 2, DLIB)))
    theirs = FaceRecognizer().fit(gallery(len(others), 2, DLIB, others))
    (tmp_path / "other").mkdir()
    with pytest.raises(FingerprintError, match="do not belong together; run: faces train"):
        recognizer_files.load(mine[0], saved(tmp_path / "other", theirs)[1], DLIB)


def test_a_label_encoder_of_the_same_people_by_other_models_is_refused(tmp_path: Path) -> None:
    mine = saved(tmp_path, FaceRecognizer().fit(gallery(3, 2, DLIB)))
    (tmp_path / "other").mkdir()
    theirs = saved(tmp_path / "other", FaceRecognizer(threshold=1.0).fit(gallery(3, 2, fingerprint("sface"))))
    with pytest.raises(FingerprintError, match="do not belong together; run: faces train"):
        recognizer_files.load(mine[0], theirs[1], DLIB)


@pytest.mark.parametrize("content", [5, {"names": []}, FaceRecognizer(), np.arange(3)])
@pytest.mark.parametrize("which", [0, 1])
def test_pickles_of_something_else_are_refused(tmp_path: Path, content: object, which: int) -> None:
    paths = saved(tmp_path, FaceRecognizer().fit(gallery(3, 2, DLIB)))
    paths[which].write_bytes(pickle.dumps(content))
    with pytest.raises(PickleError, match=r"run: faces train"):
        recognizer_files.load(*paths, DLIB)


def test_nobody_is_called_unknown(tmp_path: Path) -> None:
    """Strangers who were enrolled, by the recipe or an older version."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import LabelEncoder

    people = replace(gallery(3, 4), names=("Ada",) * 4 + ("Bob",) * 4 + ("unknown",) * 4)
    encoder = LabelEncoder()
    classifier = LogisticRegression().fit(people.embeddings, encoder.fit_transform(people.names))
    recipe = RecipeRecognizer(classifier, encoder.classes_)
    for recognizer in (recipe, FaceRecognizer(threshold=0.6).fit(people)):
        matches = recognizer.identify(people.embeddings[::4])
        assert matches.names == ("Ada", "Bob", None)
        assert matches.candidates == ("Ada", "Bob", "unknown")


def test_the_recipes_own_pickles_name_everybody(tmp_path: Path) -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import LabelEncoder

    people = gallery(3, 4)
    encoder = LabelEncoder()
    classifier = LogisticRegression().fit(people.embeddings, encoder.fit_transform(people.names))
    paths = tmp_path / "recognizer.pickle", tmp_path / "le.pickle"
    for path, value in zip(paths, (classifier, encoder), strict=True):
        path.write_bytes(pickle.dumps(value))
    loaded, warnings = recognizer_files.load(*paths, DLIB)
    assert isinstance(loaded, RecipeRecognizer)
    assert len(warnings) == 1
    assert "names every stranger" in warnings[0]
    probes = np.concatenate([person(number, 1, first=50) for number in (2, 0, 1, 900)])
    matches = loaded.identify(probes)
    assert matches.names[:3] == ("Person 002", "Person 000", "Person 001")
    assert matches.names[3] is not None
    assert np.isnan(matches.distance).all()
    assert matches.probability == pytest.approx(classifier.predict_proba(probes).max(axis=1), abs=1e-6)
    assert len(loaded.identify(probes[:0])) == 0


def mirrored(numbers: tuple[int, ...] = (0, 0, 1)) -> Floats:
    """Faces of people, the second of the first person a little farther away."""
    return np.concatenate([person(number, 1, first=50 + k) for k, number in enumerate(numbers)])


@every_classifier
def test_of_the_same_person_twice_in_a_picture_one_is_named(classifier: str) -> None:
    recognizer = FaceRecognizer(classifier=classifier).fit(gallery(5, 2, DLIB))
    probes = mirrored()
    assert recognizer.identify(probes).names == ("Person 000", "Person 000", "Person 001")
    matches = identify_together(recognizer, probes)
    assert sorted(str(name) for name in matches.names[:2]) == ["None", "Person 000"]
    assert matches.names[2] == "Person 001"
    assert matches.candidates == ("Person 000", "Person 000", "Person 001")
    alone = recognizer.identify(probes)
    assert matches.distance == pytest.approx(alone.distance, abs=1e-3)
    assert matches.probability == pytest.approx(alone.probability, abs=1e-3)


@every_classifier
def test_the_first_candidate_is_the_one_that_is_identified(classifier: str, monkeypatch: pytest.MonkeyPatch) -> None:
    recognizer = FaceRecognizer(classifier=classifier).fit(gallery(30, 2, DLIB))
    probes = np.concatenate([person(number, 1, first=50) for number in range(8)])
    found, alone = recognizer.candidates(probes), recognizer.identify(probes)
    assert found.names.shape == (8, NEAREST)
    assert tuple(found.names[:, 0].tolist()) == alone.candidates
    assert found.distance[:, 0] == pytest.approx(alone.distance, abs=1e-3)
    assert all(len(set(row)) == NEAREST for row in found.names.tolist())
    assert found.matches().names == alone.names
    monkeypatch.setattr(recognizers, "BLOCK_SCORES", 120)
    in_parts = recognizer.candidates(probes)
    assert in_parts.names.tolist() == found.names.tolist()
    assert len(recognizer.candidates(probes[:0])) == len(identify_together(recognizer, probes[:0])) == 0


def test_without_conflict_faces_are_named_each_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    recognizer = FaceRecognizer().fit(gallery(5, 2, DLIB))
    monkeypatch.setattr(recognizer, "candidates", None)
    probes = np.concatenate([mirrored((0, 1)), person(900, 2)])
    assert identify_together(recognizer, probes).names == ("Person 000", "Person 001", None, None)


def test_the_recipes_pickle_names_nobody_twice() -> None:
    from sklearn.linear_model import LogisticRegression

    people = gallery(3, 4)
    numbers = [people.people.index(name) for name in people.names]
    recipe = RecipeRecognizer(LogisticRegression(C=100).fit(people.embeddings, numbers), people.people)
    matches = identify_together(recipe, mirrored())
    assert sorted(str(name) for name in matches.names) == ["None", "Person 000", "Person 001"]
    assert np.isnan(matches.distance).all()
    assert len(recipe.candidates(mirrored()[:0])) == 0
