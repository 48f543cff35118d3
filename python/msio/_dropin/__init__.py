"""The drop-in: python-casacore's classes with their reads served by msio (see README.md)."""
