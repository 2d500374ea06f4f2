"""Versions of a recognizer: kept, judged, swapped, reloaded, tracked in MLflow."""
