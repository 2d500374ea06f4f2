"""Draw people who do not exist: portraits, group pictures, films."""
