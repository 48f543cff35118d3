"""Telling how far a long call is."""
import contextlib
import sys


@contextlib.contextmanager
def progress(wanted, text):
    """None, or a callable (done, total) that shows how far a call is: a bar where tqdm is installed, else a line.

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
    try:
        from tqdm.auto import tqdm
    except ImportError:
        yield _line(text)
        print(file=sys.stderr)
        return
    with tqdm(desc=text, unit="B", unit_scale=True) as bar:
        def told(done, total):
            bar.total = total
            bar.update(done - bar.n)
        yield told


def _line(text):
    def told(done, total):
        share = done / total if total else 1.0
        print(f"\r{text}: {share:4.0%}", end="", file=sys.stderr, flush=True)
    return told
