"""The figures of an evaluation: results, error curves, tables, operating points."""
