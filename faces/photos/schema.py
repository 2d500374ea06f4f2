"""The tables of a library of photographs.

A photograph is known by its content, so faces and answers stay with it when its file is moved, renamed or copied.
"""

from __future__ import annotations

VERSION = 1
APPLICATION = 0x46414345  # "FACE": SQLite keeps it in the header of the file

SCHEMA = """
CREATE TABLE made_with (fingerprint TEXT NOT NULL, settings TEXT NOT NULL);
CREATE TABLE contents (  -- photographs and films that were looked at, by their content
    sha256 TEXT PRIMARY KEY, kind TEXT NOT NULL, width INTEGER, height INTEGER, taken TEXT, reason TEXT NOT NULL
);
CREATE TABLE files (
    path BLOB PRIMARY KEY, size INTEGER NOT NULL, modified INTEGER NOT NULL, sha256 TEXT, state TEXT NOT NULL,
    reason TEXT NOT NULL
);
CREATE INDEX files_by_content ON files (sha256);
CREATE INDEX files_by_state ON files (state);
CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE groups (  -- a group is one person, known or not
    id INTEGER PRIMARY KEY AUTOINCREMENT, person INTEGER REFERENCES people (id)
);
CREATE TABLE faces (
    id INTEGER PRIMARY KEY AUTOINCREMENT, sha256 TEXT NOT NULL REFERENCES contents (sha256) ON DELETE CASCADE,
    x1 REAL NOT NULL, y1 REAL NOT NULL, x2 REAL NOT NULL, y2 REAL NOT NULL, score REAL NOT NULL, landmarks BLOB,
    embedding BLOB NOT NULL, quality REAL NOT NULL, time REAL, track INTEGER,
    status TEXT NOT NULL, group_id INTEGER REFERENCES groups (id) ON DELETE SET NULL,
    person INTEGER REFERENCES people (id), likeness REAL
);
CREATE INDEX faces_by_content ON faces (sha256);
CREATE INDEX faces_by_group ON faces (group_id);
CREATE INDEX faces_by_person ON faces (person);
CREATE TABLE answers (  -- what people said; nothing is deleted, an answer that was undone has ``undone``
    id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, kind TEXT NOT NULL, person TEXT, source TEXT NOT NULL,
    undone TEXT
);
CREATE TABLE answered (  -- the faces of an answer, by content and box, so that it outlives their rows
    answer INTEGER NOT NULL REFERENCES answers (id) ON DELETE CASCADE, side INTEGER NOT NULL, sha256 TEXT NOT NULL,
    x1 REAL NOT NULL, y1 REAL NOT NULL, x2 REAL NOT NULL, y2 REAL NOT NULL, time REAL,
    face INTEGER REFERENCES faces (id) ON DELETE SET NULL
);
CREATE TABLE regions_read (path BLOB PRIMARY KEY, stamp TEXT NOT NULL);  -- whose metadata were read, and in which state
CREATE TABLE regions_written (  -- names in metadata that are the library's own, and no answers
    path BLOB NOT NULL, person TEXT NOT NULL, PRIMARY KEY (path, person)
);
CREATE INDEX answered_by_answer ON answered (answer);
CREATE INDEX answered_by_content ON answered (sha256);
CREATE INDEX answered_by_face ON answered (face);
"""
