"""The forms of a table of results: lines of text, a sheet, a picture of bars."""
