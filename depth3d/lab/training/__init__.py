"""The workshop: how the bundled network came to be, and how to train or fine-tune one on your own captures."""
