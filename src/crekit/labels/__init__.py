"""What a region is: promoter, enhancer or background, active or poised."""
