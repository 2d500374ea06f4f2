"""Extraction: from a data set to its gallery, by processes of this machine or a Dask cluster."""
