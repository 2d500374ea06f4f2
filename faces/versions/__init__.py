"""Versions of a recognizer: trained, judged, swapped, reloaded, published to MLflow."""
