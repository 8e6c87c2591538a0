"""Where things lie on the genome: chromosomes, regions, windows. Coordinates are 0-based and half-open."""
