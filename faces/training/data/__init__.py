"""Data to train on: labels, splits, near duplicates, crops."""
