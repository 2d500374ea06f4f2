"""Distil the built-in embedder into OpenFace's network nn4.small2."""
