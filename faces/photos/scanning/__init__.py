"""Scanning: from a folder to the faces of a library."""
