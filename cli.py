"""Run depth3d before it is installed: python cli.py export photo.jpg -o photo.ply."""

from depth3d.cli import main

main()
