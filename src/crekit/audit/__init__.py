"""What can make a benchmark lie: duplicates, length, composition, places and homology across the split."""
