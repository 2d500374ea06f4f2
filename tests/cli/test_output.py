"""What reaches the terminal: no control characters from the names of files and people; closed streams."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from faces.cli import text
from faces.commands import classify
from faces.image_classifier import Classification
from tests.conftest import environment, open_terminal, terminal_output

CLEAR = "\x1b[2J\x1b]0;owned\x07\x9b31m"
SHOWN = "\\x1b[2J\\x1b]0;owned\\x07\\x9b31m"
posix = pytest.mark.skipif(sys.platform == "win32", reason="terminals and descriptors of POSIX")


def test_a_line_has_no_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    for function in (text.warn, text.complain, text.tell):
        function(f"{CLEAR}\r\nname\t\u202egpj.exe")
    said = capsys.readouterr().err
    assert said.splitlines() == [f"{start}{SHOWN}\\r\\nname\\t\\u202egpj.exe" for start in ("warning: ", "error: ", "")]


def test_a_table_has_none_in_its_cells() -> None:
    assert text.table(["name"], [[f"Ada\n{CLEAR}"]]).splitlines() == ["name", f"Ada\\n{SHOWN}"]


def test_a_classified_file_has_none_in_its_line() -> None:
    for label in ("cats", None):
        line = classify.as_text(Path(f"{CLEAR}\n.jpg"), Classification(label, {"cats": 0.9, "dogs": 0.1}))
        assert line.startswith(f"{SHOWN}\\n.jpg: ")


def python(code: str, **streams: object) -> subprocess.Popen[bytes]:
    program = f"from faces.cli.running import run\ndef main():\n    import sys\n    {code}\n    return 0\nrun(main)"
    return subprocess.Popen([sys.executable, "-c", program], env=environment(), **streams)  # type: ignore[call-overload]


@posix
def test_a_terminal_gets_none_but_a_file_gets_all(tmp_path: Path) -> None:
    code = f"print({CLEAR!r} + 'Zoë'); print({CLEAR!r}, file=sys.stderr)"
    reader, terminal = open_terminal()
    process = python(code, stdout=terminal, stderr=terminal)
    shown = terminal_output(reader, terminal)
    process.wait()
    assert shown.splitlines() == [f"{SHOWN}Zoë", SHOWN]
    with (tmp_path / "file").open("wb") as file:
        python(code, stdout=file, stderr=file).wait()
    assert sorted((tmp_path / "file").read_text("utf-8").splitlines()) == sorted([f"{CLEAR}Zoë", CLEAR])


def test_slow_steps_of_the_models_are_told(tmp_path: Path) -> None:
    code = f"from pathlib import Path; from faces.models import cache; path = Path({str(tmp_path)!r}, 'tiny.onnx')"
    code += "; [cache.cached('tiny.onnx', lambda path: path.write_bytes(b'')) for _ in range(2)]"
    program = f"from faces.cli.running import run\ndef main():\n    {code}\n    return 0\nrun(main)"
    env = environment(FACES_HOME=str(tmp_path))
    result = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True)
    assert result.stdout == ""
    assert result.stderr == f"making {tmp_path / 'tiny.onnx'} from the published model, on first use only ...\n"


@posix
@pytest.mark.parametrize("closed", [(1,), (2,), (0, 1, 2)])
def test_a_closed_stream_is_the_null_device(tmp_path: Path, closed: tuple[int, ...]) -> None:
    """What is printed goes nowhere: above all not into the next file that is opened."""
    path = tmp_path / "file"
    code = (
        f"import os; file = open({str(path)!r}, 'w'); print('result'); print('warning', file=sys.stderr);"
        " os.write(1, b'of a library'); os.write(2, b'of a library'); file.write('data'); file.close()"
    )
    shut = " ".join(f"{number}>&-" for number in closed)
    program = f"from faces.cli.running import run\ndef main():\n    import sys\n    {code}\n    return 0\nrun(main)"
    line = ["sh", "-c", f'exec "$0" -c "$1" {shut}', sys.executable, program]
    result = subprocess.run(line, env=environment(), stdin=subprocess.DEVNULL, capture_output=True, check=False)
    assert result.returncode == 0, result
    assert path.read_text() == "data"
    assert (b"result" in result.stdout) == (1 not in closed)
    assert (b"warning" in result.stderr) == (2 not in closed)
    assert b"warning" not in result.stdout
    assert b"Traceback" not in result.stdout + result.stderr
