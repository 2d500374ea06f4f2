"""The two evaluations: verification of pairs, and open-set identification."""
