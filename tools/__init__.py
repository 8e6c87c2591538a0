"""The executables, one file each, and the options that they share."""
