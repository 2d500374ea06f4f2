"""Liveness of tracked faces: what their pixels and their motion say together."""
