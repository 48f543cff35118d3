"""Telling how far a long call is."""
import contextlib
import sys


@contextlib.contextmanager
def progress(wanted, text):
    """Gives None, or a callable (done, total) that shows how far a call is.

        with progress(wanted, "reading DATA") as told:
            _msio.read(..., progress=told)

    What it shows is a bar where tqdm is installed, else a line on standard error that is written over. Both end at
    100 % when the block ends well, since a call's last steps may go untold, and stay where they were when it does not.

    Parameters
    ----------
    wanted : bool
        Whether anything is to be shown.
    text : str
        What is being done.
    """
    if not wanted:
        yield None
        return
    with _shown(text) as told:
        yield told


def _shown(text):
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return _line(text)
    return _bar(tqdm, text)


@contextlib.contextmanager
def _bar(tqdm, text):
    with tqdm(desc=text, unit="B", unit_scale=True) as bar:
        def told(done, total):
            bar.total = total
            bar.update(done - bar.n)
        yield told
        if bar.total is not None:
            told(bar.total, bar.total)


@contextlib.contextmanager
def _line(text):
    shown = None

    def told(done, total):
        nonlocal shown
        percent = int(100 * done / total) if total else 100
        if percent != shown:
            shown = percent
            print(f"\r{text}: {percent:3d} %", end="", file=sys.stderr, flush=True)
    try:
        yield told
        told(1, 1)
    finally:
        if shown is not None:
            print(file=sys.stderr)
