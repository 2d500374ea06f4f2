"""Measure how well a collection of photographs is grouped and named: the figures of docs/photos.md."""
