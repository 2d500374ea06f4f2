"""How good models and recognizers are: verification of pairs, open-set identification, and how sure that is."""
