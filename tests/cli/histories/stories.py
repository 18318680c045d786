"""Real histories, told by date: what happened to an institution, and what a registrar would answer on each day.

Facts: U.S. Department of Education, Database of Accredited Postsecondary Institutions and Programs, download of
November 2020 (as reported by the agencies); never an institution's present standing.

`YES` is *accredited then, and as far as was reported still*; `THEN` is *accredited then, and lost later*; `UNSURE` is
*the record is not exact enough*. The words of a reason say why; those that every answer of an imported history gives
(that it was recorded later; as reported by November 2020) are left out.
"""

from typing import Final, NamedTuple

YES: Final = "trusted_with_advisory"
THEN: Final = "trusted_historical"
NO: Final = "not_trusted"
UNSURE: Final = "indeterminate"

ALWAYS: Final = ("accredited", "recorded_later", "condition", "issuance_date_self_asserted")
"""Reasons that every answer gives; not repeated below."""


class Answer(NamedTuple):
    """What is to be answered on a day; `why` are the codes of the reasons besides `ALWAYS`."""

    on: str
    verdict: str
    why: tuple[str, ...] = ()


class Story(NamedTuple):
    """One institution.

    Attributes:
        happened: in a sentence.
        program, agency: that is asked about; the institution as a whole, and any agency, if empty.
    """

    name: str
    happened: str
    answers: tuple[Answer, ...]
    program: str = "1"
    agency: str = ""


def _days(*answers: tuple[str, ...]) -> tuple[Answer, ...]:
    return tuple(Answer(on, verdict, tuple(why)) for on, verdict, *why in answers)


STORIES: Final[dict[str, Story]] = {
    "215044": Story(
        "Peloton College",
        "Lost its accreditation, had that stayed a month later, was reaffirmed, then changed its accreditor.",
        _days(
            ("2008-12-31", NO, "not_yet_valid"),
            ("2009-07-01", UNSURE, "start_approximate"),
            ("2010-01-01", YES),
            ("2018-04-11", YES),
            ("2018-04-12", THEN, "later_expired", "status_candidate"),  # lost with one agency, candidate of the next
            ("2018-05-10", YES, "stayed"),
            ("2018-08-09", YES),
            ("2018-09-16", YES),
        ),
    ),
    "215044 by ACICS": Story(
        "Peloton College",
        "The same, before the agency that withdrew and reaffirmed.",
        _days(
            ("2018-04-11", YES),
            ("2018-04-12", NO, "status_withdrawn"),
            ("2018-05-09", NO, "status_withdrawn"),
            ("2018-05-10", YES, "stayed"),
            ("2018-08-08", YES, "stayed"),
            ("2018-08-09", YES),
        ),
        agency="16",
    ),
    "216001": Story(
        "NRI Institute of Health Sciences",
        "A candidate, then nothing for seven weeks, then accredited; a denial that is not listed was stayed, and"
        " overturned on appeal.",
        _days(
            ("2010-02-15", NO, "not_yet_valid"),
            ("2010-02-16", THEN, "later_expired", "status_candidate"),
            ("2011-09-13", NO, "status_expired"),
            ("2011-11-01", NO, "status_expired"),
            ("2011-11-02", YES),
            ("2018-02-18", YES),
            ("2018-02-19", YES, "stayed"),
            ("2018-07-17", YES, "stayed"),
            ("2018-07-18", YES),
            ("2018-11-06", YES),
        ),
    ),
    "107196": Story(
        "Thomas Jefferson School of Law",
        "Left one accreditor in 2006 and was with another since about 1996; denied twice in 2019, and the record ends"
        " with the second.",
        _days(
            ("1976-06-29", NO, "not_yet_valid"),
            ("1976-06-30", THEN, "later_expired"),
            ("1996-06-01", THEN, "later_expired"),
            ("2006-08-31", THEN, "later_denied"),
            ("2017-11-03", THEN, "later_denied", "status_probation"),
            ("2019-05-16", THEN, "later_denied", "status_probation"),
            ("2019-11-20", THEN, "later_denied", "status_probation"),
            ("2019-11-21", NO, "status_denied"),
        ),
    ),
    "103547": Story(
        "Coleman University",
        "Accredited since about 1967; another agency denied its candidacy in 2018.",
        _days(
            ("1966-12-31", NO, "not_yet_valid"),
            ("1967-01-01", UNSURE, "start_approximate"),
            ("1967-12-31", UNSURE, "start_approximate"),
            ("1968-01-01", YES),
            ("2018-06-29", YES),
        ),
    ),
    "103547 by WASC": Story(
        "Coleman University",
        "The same, before the agency that denied it while its record stands open: the action counts.",
        _days(
            ("2013-06-19", UNSURE, "start_approximate"),
            ("2014-01-01", THEN, "later_denied", "status_candidate"),
            ("2018-06-28", THEN, "later_denied", "status_candidate"),
            ("2018-06-29", NO, "status_denied"),
        ),
        agency="10",
    ),
    "102483": Story(
        "American Beauty College",
        "On probation three times and once under monitoring; one sanction is removed by the name of another.",
        _days(
            ("1976-12-31", NO, "not_yet_valid"),
            ("1977-01-01", YES),
            ("2017-09-20", YES, "status_probation"),
            ("2018-04-19", YES),
            ("2018-09-19", YES, "status_probation"),
            ("2018-10-29", YES),
            ("2019-05-02", YES),
            ("2019-05-03", YES, "status_conditional"),
            ("2019-10-09", YES),
            ("2019-12-12", YES, "status_probation"),
        ),
    ),
    "239132": Story(
        "Medical Prep Institute",
        "Denied in 2018, and accredited until its appeal failed in 2019.",
        _days(
            ("2015-08-02", NO, "not_yet_valid"),
            ("2015-08-03", THEN, "later_denied"),
            ("2018-08-14", THEN, "later_denied"),
            ("2019-04-11", THEN, "later_denied"),
            ("2019-04-12", NO, "status_denied"),
        ),
    ),
    "210234": Story(
        "Advanced Computing Institute",
        "A candidate, accredited from the day that ended, denied after an appeal.",
        _days(
            ("2009-02-08", NO, "not_yet_valid"),
            ("2009-02-09", THEN, "later_expired", "status_candidate"),
            ("2010-11-02", THEN, "later_expired", "status_candidate"),
            ("2010-11-03", THEN, "later_denied"),
            ("2018-02-17", THEN, "later_denied"),
            ("2018-02-18", NO, "status_denied"),
        ),
    ),
    "162627": Story(
        "Colegio Tecnologico y Comercial de Puerto Rico",
        "Let its accreditation lapse, applied elsewhere, and was denied without ever having been a candidate.",
        _days(
            ("1990-06-01", UNSURE, "start_approximate"),
            ("1991-01-01", THEN, "later_expired"),
            ("2017-12-30", THEN, "later_expired"),
            ("2017-12-31", NO, "status_expired"),
            ("2018-04-30", NO, "status_expired"),
            ("2018-05-01", NO, "status_denied"),
        ),
    ),
    "147226": Story(
        "College of St Joseph",
        "Renewed in 2016, denied in 2018.",
        _days(
            ("1972-11-30", NO, "not_yet_valid"),
            ("1972-12-01", THEN, "later_denied"),
            ("2016-03-03", THEN, "later_denied"),
            ("2018-11-14", THEN, "later_denied"),
            ("2018-11-15", NO, "status_denied"),
        ),
    ),
    "233550": Story(
        "Saint Joseph's School of Nursing",
        "A denial was affirmed on appeal, and its record stands open: the action counts.",
        _days(
            ("2013-12-14", NO, "not_yet_valid"),
            ("2013-12-15", THEN, "later_denied"),
            ("2016-09-05", THEN, "later_denied"),
            ("2016-09-06", NO, "status_denied"),
        ),
    ),
    "147998": Story(
        "Fortis College - Norfolk",
        "Warned, cleared, renewed and warned on one day, asked to show cause, cleared, then withdrew by itself.",
        _days(
            ("1986-06-01", UNSURE, "start_approximate"),
            ("1987-01-01", THEN, "later_withdrawn_voluntary"),
            ("2018-12-14", THEN, "later_withdrawn_voluntary", "status_warning"),
            ("2019-08-22", THEN, "later_withdrawn_voluntary"),
            ("2019-12-12", THEN, "later_withdrawn_voluntary", "status_warning"),
            ("2020-05-20", THEN, "later_withdrawn_voluntary", "status_show_cause"),
            ("2020-07-07", THEN, "later_withdrawn_voluntary"),
            ("2020-08-26", NO, "status_withdrawn_voluntary"),
        ),
    ),
    "104841": Story(
        "Los Angeles City College",
        "One programme was on probation and closed; asked of its agency.",
        _days(
            ("1973-12-31", NO, "not_yet_valid"),
            ("1974-01-01", THEN, "later_closed"),
            ("2014-04-24", THEN, "later_closed", "status_probation"),
            ("2017-06-29", THEN, "later_closed", "status_probation"),
            ("2017-06-30", NO, "status_closed"),
        ),
        program="123",
        agency="27",
    ),
    "104841 as a whole": Story(
        "Los Angeles City College",
        "The closure of one programme does not touch the college.",
        _days(("1951-12-31", NO, "not_yet_valid"), ("1952-01-01", YES), ("2017-06-30", YES), ("2018-01-26", YES)),
    ),
    "101806": Story(
        "Black River Technical College",
        "On probation for two years.",
        _days(
            ("1997-01-01", YES),
            ("2017-02-22", YES),
            ("2017-02-23", YES, "status_probation"),
            ("2019-02-27", YES, "status_probation"),
            ("2019-02-28", YES),
        ),
    ),
    "192086": Story(
        "INSTE Bible College",
        "Let its accreditation lapse.",
        _days(
            ("2008-01-11", NO, "not_yet_valid"),
            ("2008-01-12", THEN, "later_expired"),
            ("2018-03-30", THEN, "later_expired"),
            ("2018-03-31", NO, "status_expired"),
        ),
    ),
    "138646": Story(
        "Keystone Technical Institute",
        "Closed from one day to the next; its accreditation was denied on that day.",
        _days(
            ("1983-09-24", NO, "not_yet_valid"),
            ("1983-09-25", THEN, "later_denied"),
            ("2017-07-04", THEN, "later_denied"),
            ("2017-07-05", NO, "status_denied"),
        ),
    ),
    "147077": Story(
        "Burlington College",
        "Denied in April 2016; its degrees of before stand.",
        _days(
            ("1982-02-28", NO, "not_yet_valid"),
            ("1982-03-01", THEN, "later_denied"),
            ("2016-04-15", THEN, "later_denied"),
            ("2016-04-16", NO, "status_denied"),
        ),
    ),
    "158404": Story(
        "U.S. Aviation Training Solutions",
        "A denial was affirmed on appeal; that is all that is listed of it.",
        _days(
            ("1994-09-25", THEN, "later_denied"),
            ("2018-07-18", THEN, "later_denied"),
            ("2018-07-19", NO, "status_denied"),
        ),
    ),
    "188641": Story(
        "Career Academy of Texas",
        "A candidate since about 2005, denied in 2008 and never accredited.",
        _days(
            ("2004-12-31", NO, "not_yet_valid"),
            ("2005-12-31", UNSURE, "start_approximate"),
            ("2006-01-01", THEN, "later_denied", "status_candidate"),
            ("2008-09-15", NO, "status_denied"),
        ),
    ),
    "236018": Story(
        "American Language Academy Miami",
        "Accredited since about 2014; a denial was affirmed on appeal.",
        _days(
            ("2014-03-01", UNSURE, "start_approximate"),
            ("2015-01-01", THEN, "later_denied"),
            ("2017-04-08", THEN, "later_denied"),
            ("2017-04-09", NO, "status_denied"),
        ),
    ),
    "238360": Story(
        "Glen Oaks College",
        "Accredited in 2016, denied in 2020.",
        _days(
            ("2016-06-12", NO, "not_yet_valid"),
            ("2016-06-13", THEN, "later_denied"),
            ("2020-02-03", THEN, "later_denied"),
            ("2020-02-04", NO, "status_denied"),
        ),
    ),
    "184959": Story(
        "National Court Reporters Association",
        "Asked to show cause, then denied.",
        _days(
            ("1982-07-01", UNSURE, "start_approximate"),
            ("1983-01-01", THEN, "later_denied"),
            ("2019-04-30", THEN, "later_denied", "status_show_cause"),
            ("2019-08-22", THEN, "later_denied", "status_show_cause"),
            ("2019-08-23", NO, "status_denied"),
        ),
    ),
    "238263": Story(
        "Florida College of Health Science",
        "Warned, then denied.",
        _days(
            ("2016-02-08", THEN, "later_denied"),
            ("2018-02-06", THEN, "later_denied", "status_warning"),
            ("2018-08-14", NO, "status_denied"),
        ),
    ),
    "242422": Story(
        "Philadelphia Barber School",
        "A candidate, asked to show cause, denied after an appeal.",
        _days(
            ("2017-08-03", THEN, "later_denied", "status_candidate"),
            ("2018-04-24", THEN, "later_denied", "status_show_cause"),
            ("2018-07-13", NO, "status_denied"),
        ),
    ),
    "111638": Story(
        "Paine College",
        "On probation, then a candidate of another agency, which is what remains after the first denied it.",
        _days(
            ("1944-01-01", THEN, "later_denied"),
            ("2016-09-19", THEN, "later_denied", "status_probation"),
            ("2018-10-30", YES, "status_candidate"),
            ("2020-05-29", YES, "status_candidate"),
        ),
    ),
    "115232": Story(
        "Knox Beauty College",
        "Two overlapping spells of one agency: one is denied after an appeal, the other stands, on probation.",
        _days(
            ("1986-01-01", THEN, "later_denied"),
            ("2018-07-17", YES),
            ("2019-09-16", YES),
            ("2020-03-12", YES, "status_probation"),
        ),
    ),
    "138831": Story(
        "The Art Institute of Pittsburgh",
        "Changed its accreditor in about 2008, was on probation, asked to show cause, and closed.",
        _days(
            ("2000-06-01", UNSURE, "start_approximate"),
            ("2001-01-01", THEN, "later_expired"),
            ("2008-09-30", THEN, "later_expired"),
            ("2008-10-01", UNSURE, "start_approximate"),
            ("2009-01-01", THEN, "later_closed"),
            ("2018-02-15", THEN, "later_closed", "status_probation"),
            ("2018-07-18", THEN, "later_closed", "status_show_cause"),
            ("2019-04-18", NO, "status_closed"),
        ),
    ),
    "169840": Story(
        "Apex School of Theology",
        "Candidate, accredited, asked to show cause; denied, which was affirmed on the same day.",
        _days(
            ("2000-09-20", THEN, "later_expired", "status_candidate"),
            ("2004-11-08", THEN, "later_denied"),
            ("2019-04-16", THEN, "later_denied", "status_show_cause"),
            ("2020-03-25", NO, "status_denied"),
        ),
    ),
    "221944": Story(
        "Argosy University",
        "Changed its accreditor in 2011 from one day to the next, sold in 2018, asked to show cause twice, denied.",
        _days(
            ("2009-06-25", THEN, "later_expired"),
            ("2011-09-29", THEN, "later_expired"),
            ("2011-09-30", THEN, "later_denied"),
            ("2018-06-29", THEN, "later_denied"),
            ("2019-01-18", THEN, "later_denied", "status_show_cause"),
            ("2019-03-13", THEN, "later_denied", "status_show_cause"),
            ("2019-03-14", NO, "status_denied"),
        ),
    ),
    "229203": Story(
        "BCI",
        "A candidate twice, with nothing in between; denied after an appeal.",
        _days(
            ("2012-06-01", UNSURE, "start_approximate"),
            ("2013-01-01", THEN, "later_expired", "status_candidate"),
            ("2014-09-11", NO, "status_expired"),
            ("2015-04-29", NO, "status_expired"),
            ("2015-04-30", THEN, "later_denied", "status_candidate"),
            ("2018-02-19", NO, "status_denied"),
        ),
    ),
    "218557": Story(
        "Arizona Summit Law School",
        "Closed in 2020, says one action in August and two in October, when its record ends.",
        _days(
            ("2007-06-01", UNSURE, "start_approximate"),
            ("2017-11-02", THEN, "later_closed", "status_probation"),
            ("2020-10-19", THEN, "later_closed", "status_probation"),
            ("2020-10-20", NO, "status_closed"),
        ),
    ),
    "102942": Story(
        "California State University - Fresno",
        "Its school of music ceased to count in August 2014, when what its agency is recognised for changed.",
        _days(
            ("1970-06-01", UNSURE, "start_approximate"),
            ("1971-01-01", THEN, "later_withdrawn"),
            ("2014-07-31", THEN, "later_withdrawn"),
            ("2014-08-01", NO, "status_withdrawn"),
        ),
        program="166",
        agency="34",
    ),
    "102942 nursing": Story(
        "California State University - Fresno",
        "One programme had two spells: denied in May 2019, accredited anew in September.",
        _days(
            ("2006-04-08", THEN, "later_denied"),
            ("2019-05-22", THEN, "later_denied"),
            ("2019-05-23", NO, "status_denied"),
            ("2019-09-08", NO, "status_denied"),
            ("2019-09-09", YES),
        ),
        program="164",
        agency="61",
    ),
}
"""DAPIP id (and a word, where an institution is asked about twice) -> story."""
