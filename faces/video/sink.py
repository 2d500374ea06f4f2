"""Write a video file that is valid from its first second on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from types import TracebackType
from typing import IO, TYPE_CHECKING

from faces.errors import FacesError, reason_of
from faces.files import temporary
from faces.files.writing import check_writable, put_in_place
from faces.types import Image
from faces.video.encoder import CONTAINERS, VideoEncoder, duration

if TYPE_CHECKING:
    import av

QUEUED_PICTURES = 4  # between the caller and the encoder: enough to even out the two, few enough to hold
SHORTEST_KEPT = 1.0  # s: a shorter incomplete video is deleted


class VideoSink:
    """A video file without sound, which gets its name only once it is complete.

    path: .mp4, .m4v, .mov, .mkv or .avi.
    rate: frames per second.
    live: whether it is of a camera or stream: then it is kept if the block is interrupted or fails, and long pauses, as
        of a stream that dropped, are shortened. Otherwise its times are those of the frames.

    The codec is H.264 if FFmpeg has libx264, else MPEG-4, which .avi always has. The size is the first frame's, made
    even by repeating the last row or column; frames of another size are scaled into it. Encoding runs in a thread.

    As a context manager, the sink keeps the video when the block ends normally, and deletes it when the block is
    interrupted or fails, unless it is ``live``. A video of a second or more is also kept after an error with a
    one-line message (FacesError, BrokenPipeError). A video whose process was killed gets a name that no other file has
    from the next run in its folder (``files.temporary``).
    Raises FacesError if it cannot be written; when a disk is full, the video so far is kept.
    """

    def __init__(self, path: Path, rate: float, live: bool = False) -> None:
        self.path = path
        self._rate = rate
        self._live = live
        self._file: IO[bytes] | None = None  # holds the lock on the incomplete video
        self._partial = path
        # Not a Queue(QUEUED_PICTURES): Ctrl-C in the middle of its put can leave the thread asleep for good.
        self._pictures: SimpleQueue[tuple[Image, float] | None] = SimpleQueue()
        self._free_places: SimpleQueue[None] = SimpleQueue()  # a token for each picture that may wait
        for _ in range(QUEUED_PICTURES):
            self._free_places.put(None)
        self._thread: Thread | None = None
        self._failure: Exception | None = None
        if path.suffix.lower() not in CONTAINERS:
            raise FacesError(f"{path}: cannot write this kind of video; use {', '.join(CONTAINERS)}")
        check_writable(path)

    def write(self, image: Image, time: float) -> None:
        """Append a picture, and wait for the encoder if necessary.

        image: must not change afterwards.
        time: s, as ``Frame.time``.
        """
        if self._thread is None:
            try:
                self._file = temporary.create(self.path, keep=True)
            except OSError as error:
                raise self._write_error(error) from error
            self._partial = Path(self._file.name)
            self._thread = Thread(target=self._run, name="video sink", daemon=True)
            self._thread.start()
        self._free_places.get()
        self._pictures.put((image, time))
        if self._failure is not None:
            raise self._failure

    def __enter__(self) -> VideoSink:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._thread is None or self._file is None:
            return
        keep = kind is None or self._live
        expected_error = kind is not None and issubclass(kind, (FacesError, BrokenPipeError))
        try:
            self._pictures.put(None)
            self._thread.join()
            if self._failure is None and (keep or (expected_error and duration(self._partial) >= SHORTEST_KEPT)):
                put_in_place(self._file, self.path)
        except OSError as failure:
            self._failure = self._write_error(failure)
        except KeyboardInterrupt:  # a second Ctrl-C: a video to keep gets its name from the next run
            if not keep:
                self._partial.unlink(missing_ok=True)
            raise
        with suppress(OSError):
            self._file.close()
            self._partial.unlink(missing_ok=True)
        if self._failure is not None and self._failure is not error:
            raise self._failure

    def _run(self) -> None:
        """Encode all pictures up to None, in the thread; after a failure, discard the rest."""
        import av

        pictures = self._queued_pictures()
        try:
            self._encode(pictures)
        except Exception as error:
            self._failure = self._salvage(error) if isinstance(error, (OSError, av.FFmpegError)) else error
            for _ in pictures:
                pass

    def _queued_pictures(self) -> Iterator[tuple[Image, float]]:
        for picture in iter(self._pictures.get, None):
            yield picture
            self._free_places.put(None)

    def _encode(self, pictures: Iterator[tuple[Image, float]]) -> None:
        encoder = VideoEncoder(self._partial, self._rate, shorten_pauses=self._live)
        try:
            for image, time in pictures:
                encoder.add(image, time)
            encoder.finish()
        except BaseException:
            encoder.abort()
            raise

    def _salvage(self, error: OSError | av.FFmpegError) -> FacesError:
        """Keep the video so far if it is long enough; return the error, whose message says so."""
        seconds = duration(self._partial)
        if seconds < SHORTEST_KEPT or self._file is None:
            return self._write_error(error)
        with suppress(OSError):
            put_in_place(self._file, self.path)
        return self._write_error(error, f"; the first {seconds:.1f} s are in it")

    def _write_error(self, error: OSError | av.FFmpegError, more: str = "") -> FacesError:
        return FacesError(f"cannot write {self.path}: {reason_of(error)}{more}")
