"""What models look for: attributions, motifs, filters, and the contributions of motif features."""
