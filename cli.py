"""Run depth3d before it is installed: python cli.py export photo.jpg -o photo.ply."""

from depth3d.cli import main

if __name__ == "__main__":  # workers of a batch load this file again
    main()
