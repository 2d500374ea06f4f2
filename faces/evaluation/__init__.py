"""Measure accuracy: verification of pairs and open-set identification, with confidence intervals."""
