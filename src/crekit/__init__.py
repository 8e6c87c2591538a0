"""crekit: find enhancers and promoters, active or poised, from DNA sequence and histone-mark signal."""

__version__ = "0.1.0"
