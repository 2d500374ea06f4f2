"""Figures of an evaluation: results, curves, tables, operating points."""
