"""Desired-state files: from the paths that were named to one frozen value, with the place of everything in it."""

from reconciler.files.load import load_desired

__all__ = ["load_desired"]
