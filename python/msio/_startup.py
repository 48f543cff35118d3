"""What MSIO_PATCH=on does when Python starts: a hook that patches python-casacore when a program imports it."""
from .patching import patch_casacore

patch_casacore()
