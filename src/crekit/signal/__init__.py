"""Reads and bigWig files in, binned tracks out."""
