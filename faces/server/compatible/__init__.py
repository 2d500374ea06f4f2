"""The interfaces of CompreFace and of DeepStack, for clients that find and name the faces of a picture in one call.

Both serve the people of the page People: a subject, or a user id, is the name of one of them.
"""

from __future__ import annotations

from flask import Flask

from faces.server.compatible import compreface, deepstack
from faces.server.compatible.subjects import EXTENSION, Subjects
from faces.server.people.enrolled_people import EnrolledPeople


def install(app: Flask, people: EnrolledPeople) -> None:
    """Add both interfaces to an application that serves the Face API.

    people: those of the page People.
    """
    app.extensions[EXTENSION] = Subjects(people)
    for routes in (compreface.routes, deepstack.routes):
        app.register_blueprint(routes)
