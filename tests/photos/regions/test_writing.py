"""Regions written into sidecars and JPEG files, read back by exiftool, and taken back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image as PillowImage

from faces.errors import FacesError
from faces.files import writing as files
from faces.photos.regions import jpeg
from faces.photos.regions.reading import read_labels
from faces.photos.regions.region import Region, turned
from faces.photos.regions.undo import Journal
from faces.photos.regions.writing import EMBED, SIDECAR, Plan, Written
from tests.conftest import ROOT, contents, disk, environment
from tests.photos.regions import exiftool
from tests.photos.regions.exiftool import area, mwg, needs_exiftool
from tests.photos.regions.pictures import HEIGHT, WIDTH, face, picture, rounded
from tests.photos.regions.test_reading import found, lightroom, lightroom_face, sidecar

ADA, BOB = face("Ada", 0.5, 0.25, 0.75, 0.5), face("Bob", 0.1, 0.1, 0.2, 0.3)


def write(path: Path, faces: Sequence[Region], place: str = SIDECAR, replace: bool = False) -> Written:
    return Plan(path, faces, place, replace).write(Journal(path.parent / "undo.sqlite"))


def undo(folder: Path) -> list[tuple[str, str]]:
    return [(undone.path.name, undone.reason) for undone in Journal(folder / "undo.sqlite").undo()]


@needs_exiftool
@pytest.mark.parametrize("place", [SIDECAR, EMBED])
@pytest.mark.parametrize("orientation", [1, 6, 7])
def test_exiftool_reads_what_is_written(tmp_path: Path, place: str, orientation: int) -> None:
    path = picture(tmp_path / "a.jpg", orientation)
    box = rounded(turned((0.2, 0.4, 0.3, 0.6), orientation))
    target = write(path, [face('Zoë "Z" <李> & Co', *box)], place).target
    assert target == (path if place == EMBED else tmp_path / "a.jpg.xmp")
    assert exiftool.read(target, "XMP:all")["RegionInfo"] == {
        "AppliedToDimensions": {"W": WIDTH, "H": HEIGHT, "Unit": "pixel"},
        "RegionList": [
            {
                "Name": 'Zoë "Z" <李> & Co',
                "Type": "Face",
                "Area": {"X": 0.25, "Y": 0.5, "W": 0.1, "H": 0.2, "Unit": "normalized"},
            }
        ],
    }
    assert found(path) == [('Zoë "Z" <李> & Co', box)]


@needs_exiftool
def test_embedding_keeps_the_picture_and_all_other_metadata(tmp_path: Path) -> None:
    path = picture(tmp_path / "a.jpg", 6)
    other = (
        "-XMP-dc:Description=Line one&#xa;line two",
        "-XMP-dc:Subject=holiday",
        "-IPTC:Keywords=Graz",
        "-Comment=hello",
    )
    pet = f"Name=Rex,Type=Pet,{area(0.7, 0.5, 0.1, 0.2)}"
    exiftool.run("-E", *other, mwg(WIDTH, HEIGHT, pet, f"Type=Face,{area(0.3, 0.4, 0.2, 0.2)}"), path)
    before, tags = path.read_bytes(), exiftool.read(path, "all:all")
    decoded = PillowImage.open(path).tobytes()
    write(path, [face("Ada", *turned((0.2, 0.3, 0.4, 0.5), 6)), BOB], EMBED)
    after, now = path.read_bytes(), exiftool.read(path, "all:all")
    assert PillowImage.open(path).tobytes() == decoded
    scan = [data[data.index(b"\xff\xdb") :] for data in (before, after)]
    assert scan[0] == scan[1]
    of_file = {"RegionInfo", *(tag for tag in tags if tag.startswith("File"))}
    assert {tag: value for tag, value in tags.items() if tag not in of_file} == {
        tag: value for tag, value in now.items() if tag not in of_file
    }
    assert [each.get("Name") for each in now["RegionInfo"]["RegionList"]] == ["Rex", "Ada", "Bob"]
    assert undo(tmp_path) == [("a.jpg", "")]
    assert path.read_bytes() == before


def test_a_sidecar_keeps_what_it_holds_byte_for_byte(tmp_path: Path) -> None:
    path = picture(tmp_path / "a.jpg")
    target = sidecar(
        path,
        "<!-- mine --><u:own xmlns:u='urn:own' u:a = 'x&#10;y'/>",
        lightroom(lightroom_face("", "0.625", "0.375", "0.2", "0.2")),
    )
    before = target.read_bytes()
    write(path, [ADA])
    assert target.read_bytes() == before.replace(b'r:Name=""', b'r:Name="Ada"')
    assert undo(tmp_path) == [("a.jpg.xmp", "")]
    assert target.read_bytes() == before


@pytest.mark.parametrize(
    "spelling",
    [
        '<rdf:li rdf:parseType="Resource"><r:Type>Face</r:Type>{}</rdf:li>',
        '<rdf:li><rdf:Description r:Type="Face">{}</rdf:Description></rdf:li>',
        "<rdf:li><rdf:Description>{}</rdf:Description></rdf:li>",
        '<rdf:li rdf:parseType="Resource"><r:Name> </r:Name>{}</rdf:li>',
        '<rdf:li><rdf:Description r:Name="" r:Type="Face">{}</rdf:Description></rdf:li>',
    ],
)
def test_a_region_without_a_name_gets_one_in_every_spelling(tmp_path: Path, spelling: str) -> None:
    path = picture(tmp_path / "a.jpg")
    place = '<r:Area a:x="0.625" a:y="0.375" a:w="0.2" a:h="0.2"/>'
    size = '<r:AppliedToDimensions d:w="80" d:h="60"/>'
    bag = f"<rdf:Bag>{spelling.format(place)}</rdf:Bag>"
    sidecar(path, f'<r:Regions rdf:parseType="Resource">{size}<r:RegionList>{bag}</r:RegionList></r:Regions>')
    write(path, [face('"Ada" & Co')])
    assert found(path) == [('"Ada" & Co', (0.525, 0.275, 0.725, 0.475))]


@pytest.mark.parametrize("rest", ["", "<rdf:Description rdf:about='uuid:1'/>"])
def test_an_empty_packet_gets_regions(tmp_path: Path, rest: str) -> None:
    path = picture(tmp_path / "a.jpg")
    rdf = 'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
    text = f"<rdf:RDF {rdf}>{rest}</rdf:RDF>" if rest else f"<rdf:RDF {rdf} />"
    path.with_name("a.jpg.xmp").write_text(text)
    write(path, [ADA])
    assert found(path) == [("Ada", ADA.box)]


def test_another_name_is_told_and_stays_unless_it_is_to_be_replaced(tmp_path: Path) -> None:
    path = picture(tmp_path / "a.jpg")
    target = sidecar(path, lightroom(lightroom_face("Eve", "0.625", "0.375", "0.25", "0.25")))
    before = contents(tmp_path)
    written = write(path, [ADA])
    note = f"{target}: a face is 'Eve' there, not 'Ada'; --replace writes the new name"
    assert (written.target, written.notes, contents(tmp_path)) == (None, (note,), before)
    write(path, [ADA], replace=True)
    assert found(path) == [("Ada", (0.5, 0.25, 0.75, 0.5))]


def test_writing_again_changes_nothing(tmp_path: Path) -> None:
    path = picture(tmp_path / "a.jpg")
    for place in (SIDECAR, EMBED):
        assert write(path, [ADA, BOB], place).target
        before = contents(tmp_path)
        assert write(path, [ADA, BOB], place) == Written(None, "", ())
        assert contents(tmp_path) == before


def test_a_plan_writes_nothing(tmp_path: Path) -> None:
    path = picture(tmp_path / "a.jpg")
    before = contents(tmp_path)
    assert [Plan(path, [ADA], place).target for place in (SIDECAR, EMBED)] == [tmp_path / "a.jpg.xmp", path]
    assert contents(tmp_path) == before


def test_adobes_sidecar_is_written_if_it_is_of_one_photograph(tmp_path: Path) -> None:
    path = picture(tmp_path / "a.jpg")
    sidecar(path).rename(tmp_path / "a.xmp")
    assert Plan(path, [ADA], SIDECAR).target == tmp_path / "a.xmp"
    (tmp_path / "a.cr2").touch()
    assert Plan(path, [ADA], SIDECAR).target == tmp_path / "a.jpg.xmp"


def test_a_link_to_a_photograph_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    path = picture(tmp_path / "real" / "a.jpg")
    link = tmp_path / "link.jpg"
    link.symlink_to(path)
    assert write(link, [ADA], EMBED).target == path
    assert link.is_symlink()


@pytest.mark.skipif(os.name == "nt", reason="Windows has other rights")
def test_a_new_sidecar_is_for_those_who_may_read_the_photograph(tmp_path: Path) -> None:
    path = picture(tmp_path / "a.jpg")
    path.chmod(0o640)
    assert write(path, [ADA]).target
    assert (tmp_path / "a.jpg.xmp").stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "undo.sqlite").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tif"])
def test_other_formats_get_a_sidecar_and_it_is_told(tmp_path: Path, suffix: str) -> None:
    path = picture(tmp_path / f"a{suffix}")
    written = write(path, [ADA], EMBED)
    assert written.target == tmp_path / f"a{suffix}.xmp"
    assert written.notes == (f"{path}: only JPEG files are written into; a sidecar is used instead",)


def segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(body) + 2).to_bytes(2, "big") + body


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        (
            segment(
                jpeg.APP1, jpeg.XMP + b"<r:RDF xmlns:r='http://www.w3.org/1999/02/22-rdf-syntax-ns#'/>" + b" " * 65000
            ),
            "the metadata would be longer than a JPEG holds (65504 bytes)",
        ),
        (segment(jpeg.APP1, jpeg.XMP + b"<x"), "unclosed token, line 1"),
    ],
    ids=["full", "damaged"],
)
def test_what_cannot_be_embedded_goes_into_a_sidecar(tmp_path: Path, more: bytes, reason: str) -> None:
    path = picture(tmp_path / "a.jpg")
    data = path.read_bytes()
    path.write_bytes(data[:2] + more + data[2:])
    before = path.read_bytes()
    written = write(path, [ADA], EMBED)
    assert written.target == tmp_path / "a.jpg.xmp"
    assert written.notes == (f"{path}: {reason}; a sidecar is used instead",)
    assert path.read_bytes() == before


def several_pictures(path: Path) -> Path:
    """Write a file with two pictures, as phones do for high dynamic range."""
    images = [PillowImage.new("RGB", (WIDTH, HEIGHT), color) for color in ("red", "green")]
    images[0].save(path, "MPO", save_all=True, append_images=images[1:])
    return path


@needs_exiftool
def test_further_pictures_of_a_file_stay(tmp_path: Path) -> None:
    path = several_pictures(tmp_path / "a.jpg")
    before = path.read_bytes()
    second = subprocess.run(["exiftool", "-b", "-MPImage2", path], capture_output=True, check=True).stdout
    assert write(path, [ADA], EMBED).target == path
    now = subprocess.run(["exiftool", "-b", "-MPImage2", path], capture_output=True, check=True).stdout
    assert now == second != b""
    assert exiftool.run("-RegionName", "-Warning", "-s3", path) == "Ada\n"
    lengths = [
        line.split(": ")[1] for line in exiftool.run("-a", "-s", "-G1", "-ee", "-MPImageLength", path).splitlines()
    ]
    assert lengths == [str(len(path.read_bytes()) - len(second)), str(len(second))]
    assert undo(tmp_path) == [("a.jpg", "")]
    assert path.read_bytes() == before


def test_a_packet_behind_the_index_of_further_pictures_is_left(tmp_path: Path) -> None:
    path = several_pictures(tmp_path / "a.jpg")
    data = path.read_bytes()
    index = next(each for each in jpeg.segments(data) if each.body.startswith(jpeg.MORE_PICTURES))
    packet = segment(jpeg.APP1, jpeg.XMP + b"<r:RDF xmlns:r='http://www.w3.org/1999/02/22-rdf-syntax-ns#'/>")
    path.write_bytes(data[: index.end] + packet + data[index.end :])
    note = f"{path}: the file holds further pictures, whose places would change; a sidecar is used instead"
    assert write(path, [ADA], EMBED).notes == (note,)


@pytest.mark.parametrize("content", [b"<x", b"<!DOCTYPE x><x/>"])
def test_a_damaged_sidecar_stays_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = picture(tmp_path / "a.jpg")
    path.with_name("a.jpg.xmp").write_bytes(content)
    with pytest.raises(FacesError, match=r"a\.jpg\.xmp: .*; it stays as it is: mend it, or move it away"):
        write(path, [ADA])
    assert path.with_name("a.jpg.xmp").read_bytes() == content


def test_a_file_that_another_program_writes_meanwhile_stays(tmp_path: Path) -> None:
    path = picture(tmp_path / "a.jpg")
    plan = Plan(path, [ADA], EMBED)
    picture(path, 3)
    before = contents(tmp_path)
    with pytest.raises(FacesError, match="another program has just changed it"):
        plan.write(Journal(tmp_path / "undo.sqlite"))
    assert contents(tmp_path) == before


def test_undo_leaves_what_was_changed_since_and_says_it(tmp_path: Path) -> None:
    one, two = picture(tmp_path / "1.jpg"), picture(tmp_path / "2.jpg")
    write(one, [ADA])
    journal = Journal(tmp_path / "undo.sqlite")
    for path in (one, two):
        Plan(path, [ADA, BOB], EMBED).write(journal)
    one.write_bytes(one.read_bytes() + b"!")
    changed = ("1.jpg", "it was changed since; it stays as it is")
    assert undo(tmp_path) == [("2.jpg", ""), changed]
    assert read_labels(two).regions == ()
    assert undo(tmp_path) == [changed, ("1.jpg.xmp", "")]  # and the run before
    assert not (tmp_path / "1.jpg.xmp").exists()
    one.write_bytes(one.read_bytes()[:-1])
    assert undo(tmp_path) == [("1.jpg", "")]
    assert undo(tmp_path) == []


def test_a_full_disk_leaves_everything_as_it_was(tmp_path: Path) -> None:
    with disk(tmp_path / "disk", "64k") as folder:
        path = picture(folder / "a.jpg")
        target = sidecar(path, lightroom())
        filler = folder / "filler"
        with filler.open("wb", buffering=0) as file, pytest.raises(OSError, match="space"):
            while True:
                file.write(bytes(4096))
        before = contents(folder)
        with pytest.raises(FacesError, match=r"a\.jpg\.xmp: no space left on device"):
            Plan(path, [ADA], SIDECAR).write(Journal(tmp_path / "undo.sqlite"))
        assert contents(folder) == before
        with pytest.raises(FacesError, match=r"cannot use the journal .*full"):
            Plan(path, [ADA], SIDECAR).write(Journal(folder / "undo.sqlite"))
        assert target.read_bytes() == before["a.jpg.xmp"]
        filler.unlink()
        assert undo(tmp_path) == []


KILLED = """
import os, signal, sys
from pathlib import Path
from faces.photos.regions import undo
from tests.photos.regions.test_writing import ADA, EMBED, Journal, Plan
folder, journal, write, count = Path(sys.argv[1]), Journal(Path(sys.argv[1], "undo.sqlite")), undo.write_bytes, 0
def killing(path, data):
    global count
    count += 1
    if count == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    write(path, data)
undo.write_bytes = killing
for number in range(5):
    Plan(folder / f"{number}.jpg", [ADA], EMBED).write(journal)
"""


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
def test_undo_takes_back_what_a_killed_run_has_written(tmp_path: Path) -> None:
    for number in range(5):
        picture(tmp_path / f"{number}.jpg")
    before = contents(tmp_path)
    result = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], cwd=ROOT, env=environment(), check=False)
    assert result.returncode == -signal.SIGKILL
    assert [bool(read_labels(tmp_path / f"{number}.jpg").regions) for number in range(5)] == [True] * 2 + [False] * 3
    assert undo(tmp_path) == [("1.jpg", ""), ("0.jpg", "")]
    assert {name: data for name, data in contents(tmp_path).items() if name in before} == before


def test_a_failure_after_the_journal_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = picture(tmp_path / "a.jpg")
    before = path.read_bytes()

    def failing(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "put_in_place", failing)
    with pytest.raises(FacesError, match="no space left on device"):
        write(path, [ADA], EMBED)
    monkeypatch.undo()
    assert (path.read_bytes(), undo(tmp_path)) == (before, [])
