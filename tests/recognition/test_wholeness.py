"""A recognizer whose parts do not fit together is refused when it is read, not when somebody comes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faces.errors import FacesError, PickleError
from faces.files import pickles
from faces.recognition import recognizer_files
from faces.recognition.recognizers import FaceRecognizer
from tests.recognition.test_recognizers import SFACE, gallery

Change = Callable[[Any], dict[str, Any]]

CHANGES: dict[str, Change] = {
    "no threshold": lambda r: {"threshold_": None},
    "a threshold that is none": lambda r: {"threshold_": replace(r.threshold_, distance=None)},
    "a threshold that is no number": lambda r: {"threshold_": replace(r.threshold_, distance=float("nan"))},
    "a text as threshold": lambda r: {"threshold_": replace(r.threshold_, distance="1.2")},
    "no rate": lambda r: {"fpir": None},
    "a name less": lambda r: {"names_": r.names_[1:]},
    "names that are no texts": lambda r: {"names_": np.arange(len(r.names_))},
    "no names": lambda r: {"names_": None},
    "no people": lambda r: {"people_": None},
    "a photograph less": lambda r: {"people_": replace(r.people_, embeddings=r.people_.embeddings[1:])},
    "shorter embeddings": lambda r: {"people_": replace(r.people_, embeddings=r.people_.embeddings[:, 1:])},
    "embeddings that are not finite": lambda r: {
        "people_": replace(r.people_, embeddings=r.people_.embeddings * np.nan)
    },
    "other starts": lambda r: {"people_": replace(r.people_, starts=r.people_.starts + 1)},
    "starts beyond the end": lambda r: {"people_": replace(r.people_, starts=r.people_.starts * 1000)},
    "nobody's photographs": lambda r: {"people_": replace(r.people_, counts=r.people_.counts * 0)},
    "a centre less": lambda r: {"people_": replace(r.people_, centres=r.people_.centres[1:])},
    "no factors": lambda r: {"people_": replace(r.people_, closer=None)},
    "no scorer": lambda r: {"scorer_": None},
    "another thing as scorer": lambda r: {"scorer_": r.threshold_},
    "a plane less": lambda r: {"scorer_": replace(r.scorer_, weights=r.scorer_.weights[1:])},
    "an offset less": lambda r: {"scorer_": replace(r.scorer_, offsets=r.scorer_.offsets[1:])},
    "an empty crowd": lambda r: {"crowd_": 5},
    "another sample": lambda r: {"crowd_": replace(r.crowd_, sample=r.crowd_.sample[:, 1:])},
    "no persons": lambda r: {"crowd_": replace(r.crowd_, persons=None)},
    "no impostors": lambda r: {"crowd_": replace(r.crowd_, impostors=None)},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_parts_that_do_not_fit(tmp_path: Path, change: Change) -> None:
    recognizer, le = tmp_path / "recognizer.pickle", tmp_path / "le.pickle"
    own = FaceRecognizer(classifier="svc").fit(gallery(5, models=SFACE))
    recognizer_files.save(own, recognizer, le)
    recognizer_files.load(recognizer, le, SFACE)
    vars(own).update(change(own))
    pickles.dump(recognizer, own)
    with pytest.raises(FacesError, match=r"do not fit together \(\w+\); run: faces train|do not belong together"):
        recognizer_files.load(recognizer, le, SFACE)


@pytest.mark.parametrize("classes", [None, 5, [1, 2], [["a"]], np.arange(3), {"a": "b"}])
def test_a_label_encoder_without_names(tmp_path: Path, classes: object) -> None:
    own = FaceRecognizer().fit(gallery(5, models=SFACE))
    recognizer_files.save(own, tmp_path / "recognizer.pickle", tmp_path / "le.pickle")
    state: dict[str, object] = {"classes_": classes}
    pickles.dump_as(tmp_path / "le.pickle", *recognizer_files.LABEL_ENCODER, state)
    with pytest.raises(PickleError, match="not a label encoder"):
        recognizer_files.load(tmp_path / "recognizer.pickle", tmp_path / "le.pickle", SFACE)


def test_the_recipes_classifier_without_its_parts(tmp_path: Path) -> None:
    from sklearn.linear_model import LogisticRegression

    own = gallery(5)
    classifier = LogisticRegression().fit(own.embeddings, np.repeat(np.arange(5), 3))
    recognizer_files.save(FaceRecognizer().fit(gallery(5, models=SFACE)), tmp_path / "r.pickle", tmp_path / "le.pickle")
    classifier.coef_ = classifier.coef_[:, 1:]
    pickles.dump(tmp_path / "r.pickle", classifier)
    with pytest.raises(PickleError, match="do not fit together"):
        recognizer_files.load(tmp_path / "r.pickle", tmp_path / "le.pickle", SFACE)
