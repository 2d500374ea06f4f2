"""Attributes of a face: age, gender, glasses, emotion, head pose, liveness."""
