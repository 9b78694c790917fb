"""Batch: many photos with one Options, on this machine's cores or on a cluster; may be stopped and taken up again.

    folders, globs, URLs -> photos -> engine (processes here, or Ray) -> files
                               |                    |
                               +--- not yet done <--+--> one manifest, a row per photo

Nothing is imported here, so that a worker can limit its threads before anything loads numpy.
"""
