"""Work against the clock: what depth3d does beside what other libraries do, in one run on one machine."""
