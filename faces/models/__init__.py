"""Model files: the table, the cache, the downloads, and the engines that run them."""
