"""From a data set to a gallery: extraction by one process, several, or a Dask cluster."""
