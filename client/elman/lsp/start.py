"""What makes the start short. pygls stands on 554 classes of lsprotocol's, and to build them takes longer than all else."""

import gc
from functools import partial


def import_protocol() -> None:
    """Import those classes without comparison, repr and slots, which nothing here uses and most of the time would go to.

    What is imported stays, so the collector is off meanwhile, and does not look at it later. Raises ImportError.
    """
    import attrs

    define = attrs.define
    attrs.define = partial(define, eq=False, repr=False, slots=False)
    gc.disable()
    try:
        import pygls.lsp.server  # noqa: F401  # pyright: ignore[reportUnusedImport]
    finally:
        attrs.define = define
        keep()


def keep() -> None:
    """Have the collector pass over all that is there now, since most of it stays, and it would take tens of milliseconds."""
    gc.freeze()
    gc.enable()
