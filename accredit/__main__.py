"""`python -m accredit`: the same as `accredit`, for where the script is not on the path."""

from accredit.cli.start import main

if __name__ == "__main__":
    main()
