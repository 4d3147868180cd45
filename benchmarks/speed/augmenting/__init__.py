"""Two ways of augmenting images: example by example with PIL, and whole batches at once."""
