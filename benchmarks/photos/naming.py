"""Name the people of an unsorted folder, by the answers of a simulated user who knows the truth.

The user is asked the first question of ``questions.questions`` again and again, as a page asks. They look at a group
and name it after the person whom most of its main faces show, or ignore it if that is a stranger. A face that they see
to be somebody else in a group that they name costs an answer of its own, as does a face without a group.
"""

from __future__ import annotations

from collections import Counter

from benchmarks.photos.labelled import STRANGER, Labelled, people_and_strangers, scanned
from faces.cli import text
from faces.metrics.wording import percent
from faces.photos import answers, contents, groups
from faces.photos.questions import WHO, questions
from faces.photos.regrouping import regroup

ANSWERS = (24, 27, 30, 40)


def main() -> int:
    rows = []
    with scanned(people_and_strangers()) as given:
        truth = {
            face.id: given.names[label] if label >= 0 else ""
            for face, label in zip(given.faces, given.truth, strict=True)
        }
        regroup(given.library)
        number = 0
        for most in ANSWERS:
            while number < most and (said := answer(given, truth)):
                number += said
                regroup(given.library)
            rows.append((number, *figures(given, truth), len(questions(given.library))))
    print(text.table(["answers", "people's faces named right", "strangers named", "questions left"], rows))
    return 0


def answer(given: Labelled, truth: dict[int, str]) -> int:
    """Answer the first question; return the number of answers, 0 if there is no question."""
    asked = questions(given.library, 1)
    if not asked:
        return 0
    (question,) = asked
    if question.kind == WHO:
        shown = groups.faces_of(given.library, question.group or 0)
        seen = Counter(truth[face] for face in shown if truth[face])
        name = seen.most_common(1)[0][0] if seen else ""
        if not name or name.startswith(STRANGER):
            answers.ignore(given.library, shown)
            return 1
        others = [face for face in shown if truth[face] not in ("", name)]
        answers.name(given.library, [face for face in shown if face not in others], name)
        if others:
            answers.different(given.library, others, [face for face in shown if face not in others])
        return 1 + len(others)
    face = question.face or 0
    if truth[face] == question.person:
        answers.name(given.library, [face], question.person)
    else:
        answers.not_person(given.library, [face], question.person)
    return 1


def figures(given: Labelled, truth: dict[int, str]) -> tuple[str, str]:
    """Return the share of the people's main faces with the right name, and of the strangers' with any."""
    named = {face.id: face.person for face in contents.faces(given.library)}
    people = [face for face, name in truth.items() if name and not name.startswith(STRANGER)]
    strangers = [face for face, name in truth.items() if name.startswith(STRANGER)]
    right = sum(named[face] == truth[face] for face in people) / len(people)
    return percent(right), percent(sum(named[face] is not None for face in strangers) / len(strangers))
