"""Regions and keywords as digiKam, Lightroom, Windows and Picasa write them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from faces.errors import FacesError
from faces.photos.regions.reading import read_labels
from faces.photos.regions.region import Frame, Region, turned, turned_back
from tests.photos.regions import exiftool
from tests.photos.regions.exiftool import area, mwg, needs_exiftool
from tests.photos.regions.pictures import HEIGHT, WIDTH, picture, rounded

ADA = f"Name=Ada,Type=Face,{area(0.25, 0.5, 0.1, 0.2)}"
ADA_BOX = (0.2, 0.4, 0.3, 0.6)


def found(path: Path) -> list[tuple[str, tuple[float, ...]]]:
    return [(region.name, rounded(region.box)) for region in read_labels(path).regions]


def sidecar(path: Path, *properties: str) -> Path:
    """Write a sidecar with RDF of the given properties."""
    spaces = {
        "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
        "r": "http://www.metadataworkinggroup.com/schemas/regions/",
        "a": "http://ns.adobe.com/xmp/sType/Area#",
        "d": "http://ns.adobe.com/xap/1.0/sType/Dimensions#",
    }
    declared = " ".join(f'xmlns:{prefix}="{space}"' for prefix, space in spaces.items())
    target = path.with_name(f"{path.name}.xmp")
    target.write_text(
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF {declared}><rdf:Description rdf:about="">'
        f"{''.join(properties)}</rdf:Description></rdf:RDF></x:xmpmeta>"
    )
    return target


def lightroom(*faces: str, size: str = 'd:w="80" d:h="60" d:unit="pixel"') -> str:
    """Return regions in the spelling of Lightroom: fields are attributes."""
    items = "".join(f"<rdf:li>{face}</rdf:li>" for face in faces)
    return (
        f'<r:Regions rdf:parseType="Resource"><r:AppliedToDimensions {size}/><r:RegionList><rdf:Bag>{items}</rdf:Bag>'
        "</r:RegionList></r:Regions>"
    )


def lightroom_face(name: str, x: str, y: str, w: str, h: str, more: str = "") -> str:
    return (
        f'<rdf:Description r:Rotation="0.0" r:Name="{name}" r:Type="Face">'
        f'<r:Area a:h="{h}" a:w="{w}" a:x="{x}" a:y="{y}" {more}/></rdf:Description>'
    )


@needs_exiftool
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
def test_digikam_writes_mwg_regions_and_a_tree_of_tags(tmp_path: Path, suffix: str) -> None:
    path = picture(tmp_path / f"a{suffix}")
    tags = ("-XMP-digikam:TagsList=People/Ada", "-XMP-digikam:TagsList=Places/Graz", "-XMP-dc:Subject=Bob")
    if suffix == ".webp" and exiftool.run("-ver").strip() < "12.6":  # the first that writes them
        subprocess.run(["exiftool", "-o", f"{path}.xmp", mwg(WIDTH, HEIGHT, ADA), *tags], check=True)
    else:
        exiftool.run(mwg(WIDTH, HEIGHT, ADA, f"Type=Pet,{area(0.7, 0.5, 0.1, 0.2)}"), *tags, path)
    labels = read_labels(path)
    assert found(path) == [("Ada", ADA_BOX)]
    assert (labels.people, set(labels.keywords), labels.notes) == (("Ada",), {"Graz", "Bob"}, ())
    assert labels.names(["bob"]) == {"Ada", "bob"}


def test_lightroom_writes_attributes(tmp_path: Path) -> None:
    path = picture(tmp_path / "a.jpg")
    sidecar(path, lightroom(lightroom_face("Ada &amp; Co", "0.25", "0.5", "0.1", "0.2")))
    assert found(path) == [("Ada & Co", ADA_BOX)]


@needs_exiftool
def test_windows_writes_the_left_top_corner(tmp_path: Path) -> None:
    path = picture(tmp_path / "a.jpg")
    regions = (
        "{Regions=[{PersonDisplayName=Ada,Rectangle=0.2|, 0.4|, 0.1|, 0.2},{Rectangle=0|,7|, 0|,4|, 0|,1|, 0|,2}]}"
    )
    exiftool.run(f"-XMP-MP:RegionInfoMP={regions}", path)
    assert found(path) == [("Ada", ADA_BOX), ("", (0.7, 0.4, 0.8, 0.6))]


def test_picasa_writes_a_file_for_the_folder(tmp_path: Path) -> None:
    path = picture(tmp_path / "a b.jpg")
    faces = "rect64(3333666640009999),8e62398ebda8c1a5;rect64(b3336666cccc9999),ffffffffffffffff"
    faces += ";rect64(b3336666cccc9999),77"
    contacts = "[Contacts2]\n8e62398ebda8c1a5=Ada;;\n"
    (tmp_path / ".picasa.ini").write_text(f"[Picasa]\nname=Graz 100%\n{contacts}[a b.jpg]\nstar=yes\nfaces={faces}\n")
    labels = read_labels(path)
    assert [(region.name, rounded(region.box)) for region in labels.regions] == [
        ("Ada", (0.2, 0.4, 0.25, 0.6)),
        ("", (0.7, 0.4, 0.8, 0.6)),
    ]
    assert labels.notes == (
        ".picasa.ini: 1 of the people in its faces have no name there; Picasa keeps it in contacts.xml",
    )


@pytest.mark.parametrize("orientation", range(1, 9))
def test_boxes_turn_with_the_picture(orientation: int) -> None:
    box = (0.1, 0.2, 0.3, 0.6)
    assert rounded(turned_back(turned(box, orientation), orientation)) == box
    frame = Frame(80, 60, orientation)
    assert frame.displayed == ((60, 80) if orientation > 4 else (80, 60))
    assert frame.orientation_for(800, 600) == orientation


@needs_exiftool
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_regions_survive_a_rotation_flag(tmp_path: Path, orientation: int) -> None:
    path = picture(tmp_path / "a.jpg")
    exiftool.run(mwg(WIDTH, HEIGHT, ADA), path)
    exiftool.run(f"-Orientation#={orientation}", path)
    assert found(path) == [("Ada", rounded(turned(ADA_BOX, orientation)))]


def test_regions_of_the_displayed_picture_stay(tmp_path: Path) -> None:
    path = picture(tmp_path / "a.jpg", orientation=6)
    face = lightroom_face("Ada", "0.25", "0.5", "0.1", "0.2")
    sidecar(path, lightroom(face, size='d:w="60" d:h="80" d:unit="pixel"'))
    assert found(path) == [("Ada", ADA_BOX)]


@pytest.mark.parametrize(
    ("face", "reason"),
    [
        (("2", "0.5", "0.1", "0.2"), "'Ada' lies outside of the picture"),
        (("0.5", "0.5", "0", "0.2"), "'Ada' has no size"),
        (("nan", "0.5", "0.1", "0.2"), "'Ada' has no numbers as its place"),
        (("x", "0.5", "0.1", "0.2"), "'Ada' has no numbers as its place"),
        (("0.5", "0.5", "", ""), "'Ada' is a circle or a point, not a box"),
    ],
)
def test_a_region_without_a_place_is_told_and_its_name_stays(
    tmp_path: Path, face: tuple[str, str, str, str], reason: str
) -> None:
    path = picture(tmp_path / "a.jpg")
    sidecar(path, lightroom(lightroom_face("Ada", *face), lightroom_face("Bob", "0.25", "0.5", "0.1", "0.2")))
    labels = read_labels(path)
    assert [region.name for region in labels.regions] == ["Bob"]
    assert labels.people == ("Ada",)
    assert labels.notes == (f"MWG regions of a.jpg.xmp: {reason}; its place is not used",)


def test_a_region_that_sticks_out_is_cut(tmp_path: Path) -> None:
    path = picture(tmp_path / "a.jpg")
    sidecar(path, lightroom(lightroom_face("Ada", "0", "0.5", "0.2", "0.2")))
    assert found(path) == [("Ada", (0, 0.4, 0.1, 0.6))]


def test_pixels_are_shares_of_the_size_that_the_regions_are_for(tmp_path: Path) -> None:
    path = picture(tmp_path / "a.jpg")
    face = lightroom_face("Ada", "200", "300", "80", "120", 'a:unit="pixel"')
    sidecar(path, lightroom(face, size='d:w="800" d:h="600" d:unit="pixel"'))
    assert found(path) == [("Ada", ADA_BOX)]


def test_regions_of_a_picture_that_was_cropped_since_are_told(tmp_path: Path) -> None:
    path = picture(tmp_path / "a.jpg")
    face = lightroom_face("Ada", "0.5", "0.5", "0.1", "0.2")
    sidecar(path, lightroom(face, size='d:w="100" d:h="60" d:unit="pixel"'))
    labels = read_labels(path)
    assert (labels.regions, labels.people) == ((), ("Ada",))
    assert labels.notes == (
        "MWG regions of a.jpg.xmp: made for a picture of 100 x 60, but it has 80 x 60; only their names are used",
    )


BOMB = '<!ENTITY e0 "ha">' + "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10}">' for i in range(1, 10))
NO_TYPE = "damaged XMP (it declares a document type, which no photo program writes)"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "damaged XMP (no element found, line 1)"),
        (b"<x", "damaged XMP (unclosed token, line 1)"),
        (b"<x/>", "damaged XMP (it holds no RDF)"),
        (b"\xff\xfe<", "damaged XMP (no UTF-16)"),
        (b"<a>" * 200 + b"</a>" * 200, "damaged XMP (more than 100000 elements, or nested too deeply)"),
        (
            f"<!DOCTYPE x [{BOMB}]><x>&e9;</x>".encode(),
            NO_TYPE,
        ),
        (
            b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>',
            NO_TYPE,
        ),
    ],
    ids=["empty", "cut off", "no RDF", "no text", "deep", "billion laughs", "external entity"],
)
def test_damaged_xmp_is_told(tmp_path: Path, content: bytes, reason: str) -> None:
    path = picture(tmp_path / "a.jpg")
    path.with_name("a.jpg.xmp").write_bytes(content)
    labels = read_labels(path)
    assert (labels.regions, labels.notes) == ((), (f"a.jpg.xmp: {reason}; not used",))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32-be"])
def test_all_encodings_of_xmp_are_read(tmp_path: Path, encoding: str) -> None:
    path = picture(tmp_path / "a.jpg")
    target = sidecar(path, lightroom(lightroom_face("Zoë 李", "0.25", "0.5", "0.1", "0.2")))
    target.write_bytes(target.read_text().encode(encoding))
    assert found(path) == [("Zoë 李", ADA_BOX)]


def test_a_face_that_two_places_mark_counts_once_and_a_clash_of_names_is_told(tmp_path: Path) -> None:
    path = picture(tmp_path / "a.jpg")
    sidecar(path, lightroom(lightroom_face("Ada", "0.25", "0.5", "0.1", "0.2")))
    names = "[Contacts2]\n8e=Augusta;;\n"
    (tmp_path / ".picasa.ini").write_text(f"{names}[a.jpg]\nfaces=rect64(333366664CCC9999),8e\n")
    labels = read_labels(path)
    assert labels.regions == (Region("Ada", labels.regions[0].box, "MWG regions of a.jpg.xmp"),)
    assert labels.notes == (
        "Picasa's regions of .picasa.ini: a face is 'Augusta', but 'Ada' in MWG regions of a.jpg.xmp, which counts",
    )


def test_a_name_counts_before_a_region_without_one(tmp_path: Path) -> None:
    path = picture(tmp_path / "a.jpg")
    sidecar(path, lightroom(lightroom_face("", "0.25", "0.5", "0.1", "0.2")))
    names = "[Contacts2]\n8e=Ada;;\n"
    (tmp_path / ".picasa.ini").write_text(f"{names}[a.jpg]\nfaces=rect64(333366664CCC9999),8e\n")
    labels = read_labels(path)
    assert ([region.name for region in labels.regions], labels.notes) == (["Ada"], ())


@needs_exiftool
def test_regions_in_the_extension_of_a_long_packet_are_read(tmp_path: Path) -> None:
    path = picture(tmp_path / "a.jpg")
    many = [f"Name=Person {number},Type=Face,{area(0.25, 0.5, 0.1, 0.2)}" for number in range(300)]
    exiftool.run("-api", "Compact=", mwg(WIDTH, HEIGHT, *many), f"-XMP-dc:Description={'long ' * 12000}", path)
    assert path.read_bytes().count(b"http://ns.adobe.com/xmp/extension/\0") >= 1
    assert len(read_labels(path).regions) == 300


@pytest.mark.slow
@needs_exiftool
@pytest.mark.skipif(shutil.which("heif-enc") is None, reason="needs heif-enc")
def test_a_heic_of_twelve_megapixels_is_read(tmp_path: Path) -> None:
    png = picture(tmp_path / "a.png", size=(4032, 3024))
    heic = tmp_path / "a.heic"
    subprocess.run(["heif-enc", "-q", "30", "-p", "preset=ultrafast", png, "-o", heic], check=True, capture_output=True)
    exiftool.run(mwg(4032, 3024, ADA), heic)
    assert found(heic) == [("Ada", ADA_BOX)]


def test_what_is_no_photograph_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8\xff")
    for name in ("a.jpg", "none.jpg"):
        with pytest.raises(FacesError, match=name):
            read_labels(tmp_path / name)
