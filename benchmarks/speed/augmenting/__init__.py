"""Three ways of augmenting images: example by example with PIL, and whole batches at once by lit_tricks or kornia."""
