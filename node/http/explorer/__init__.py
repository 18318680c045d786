"""The explorer: pages for people at `/` and under `/explore/`, made by the node and working without scripts.

    frame         what every page has in common: template, words, headers, its tables as CSV and JSON
    phrases       the catalogue of words, `strings/en.toml`, so that others can translate
    pages/        one module for each kind of page; `table` gathers their routes
    listing history facets                names of authorities, an issuer's history, the counts beside filters
    templates/ static/                    Jinja2 templates; one style sheet and the modules of the pages that need any

A page shows the data of the JSON routes and decides nothing itself. The template library escapes text by strangers
(names, reasons, addresses); `<bdi>` isolates its direction; the node never fetches an address in it.
"""
