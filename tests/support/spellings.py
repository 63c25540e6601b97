"""Written times, epochs and numbers of real exports: the one table that both readers are held to."""

from __future__ import annotations

from dataclasses import dataclass

NOON = "2023-01-13T12:23:21"
DAY = "2023-01-13T00:00:00"
MINUTE = "2023-01-13T12:23:00"
AFTER = "2023-01-13T15:23:21"


@dataclass(frozen=True)
class Time:
    """Cells of one spelling, and the moment that the first tells; ``zoned``: whether it
    says its offset, so that the moment is UTC.
    """

    cells: tuple[str, ...]
    moment: str
    zoned: bool = False


def _t(moment: str, *cells: str, zoned: bool = False) -> Time:
    return Time(cells, moment, zoned)


# The name says who writes so.
TIMES: dict[str, Time] = {
    # ISO 8601 and what resembles it: no pattern is needed
    "ISO": _t(NOON, "2023-01-13T12:23:21"),
    "ISO with a blank": _t(NOON, "2023-01-13 12:23:21", "2023-01-13 12:23"),
    "ISO day": _t(DAY, "2023-01-13"),
    "ISO to the minute": _t(MINUTE, "2023-01-13T12:23"),
    "ISO in UTC": _t(NOON, "2023-01-13T12:23:21Z", zoned=True),
    "ISO in UTC to the minute": _t(MINUTE, "2023-01-13T12:23Z", zoned=True),
    "ISO in UTC, milliseconds": _t(f"{NOON}.438000", "2023-01-13T12:23:21.438Z", zoned=True),
    "Postgres": _t(NOON, "2023-01-13 14:23:21+02", "2023-01-13 14:23:21.5+02", zoned=True),
    "Postgres, half an hour": _t(NOON, "2023-01-13 17:53:21+05:30", zoned=True),
    "Rails, Shopify": _t(NOON, "2023-01-13 14:23:21 +0200", zoned=True),
    "Rails in UTC": _t(NOON, "2023-01-13 12:23:21 UTC", zoned=True),
    "BigQuery": _t(f"{NOON}.438000", "2023-01-13 12:23:21.438 UTC", zoned=True),
    "an offset without a colon": _t(NOON, "2023-01-13T14:23:21+0200", zoned=True),
    "GMT": _t(NOON, "2023-01-13 12:23:21 GMT", zoned=True),
    "GMT and hours": _t(NOON, "2023-01-13 14:23:21 GMT+2", zoned=True),
    "EST": _t("2023-01-13T17:23:21", "2023-01-13 12:23:21 EST", zoned=True),
    "EDT": _t("2023-01-13T16:23:21", "2023-01-13 12:23:21 EDT", zoned=True),
    "CEST": _t("2023-01-13T10:23:21", "2023-01-13 12:23:21 CEST", zoned=True),
    "a zone by its name": _t("2023-01-13T17:23:21", "2023-01-13 12:23:21 America/New_York", zoned=True),
    "Java's zoned times": _t("2023-01-13T11:23:21", "2023-01-13T12:23:21+01:00[Europe/Berlin]", zoned=True),
    "Python's log": _t(f"{NOON}.123000", "2023-01-13 12:23:21,123"),
    "Go": _t(NOON, "2023-01-13 12:23:21 +0000 UTC", "2023-01-13 12:23:21.438912345 +0000 UTC", zoned=True),
    "Go elsewhere": _t(NOON, "2023-01-13 14:23:21 +0200 CEST", zoned=True),
    "a west offset with a minus sign": _t("2023-01-13T17:23:21", "2023-01-13 12:23:21\u221205:00", zoned=True),
    # months as numbers
    "German": _t(NOON, "13.01.2023 12:23:21"),
    "German day": _t(DAY, "13.01.2023"),
    "German, in short": _t(DAY, "13.1.23"),
    "German with Uhr": _t(MINUTE, "13.01.2023 12:23 Uhr"),
    "German, in the browser": _t(NOON, "13.1.2023, 12:23:21"),
    "German with its zone": _t("2023-01-13T11:23:21", "13.01.2023 12:23:21 MEZ", zoned=True),
    "British": _t(MINUTE, "13/01/2023 12:23"),
    "American, in the browser": _t(AFTER, "1/13/2023, 3:23:21 PM"),
    "American, in a newer browser": _t(AFTER, "1/13/2023, 3:23:21\u202fPM"),
    "Excel": _t("2023-01-13T15:23:00", "1/13/23 3:23 PM", "1/13/23 12:05 AM"),
    "midnight by twelve hours": _t("2023-01-13T00:05:00", "1/13/2023 12:05 AM"),
    "small am and pm": _t("2023-01-13T15:23:00", "01/13/2023 3:23 p.m.", "01/13/2023 3:23 a.m."),
    "am and pm without a blank": _t("2023-01-13T15:23:00", "01/13/2023 03:23pm"),
    "Dutch": _t(NOON, "13-01-2023 12:23:21"),
    "Japanese": _t(NOON, "2023/01/13 12:23:21"),
    "Japanese signs": _t(DAY, "2023年1月13日"),
    "Korean": _t(DAY, "2023. 1. 13."),
    "year first, short": _t(DAY, "23-01-13"),
    "slashes and an offset": _t(NOON, "2023/01/13 14:23:21 +0200", zoned=True),
    "American with EST": _t("2023-01-13T17:23:21", "01/13/2023 12:23:21 EST", zoned=True),
    "the clock first": _t(NOON, "12:23:21 13.01.2023"),
    "DB2": _t(f"{NOON}.123456", "2023-01-13-12.23.21.123456"),
    "milliseconds after a colon": _t(f"{NOON}.123000", "2023-01-13 12:23:21:123"),
    "names of files": _t(NOON, "2023-01-13_12-23-21"),
    # without signs between
    "ISO's basic form": _t(NOON, "20230113T122321Z", zoned=True),
    "ISO's basic form, local": _t(NOON, "20230113T122321"),
    "ISO's basic form, milliseconds": _t(f"{NOON}.438000", "20230113T122321.438Z", zoned=True),
    "fourteen digits": _t(NOON, "20230113122321"),
    "eight digits": _t(DAY, "20230113"),
    "digits and a blank": _t(NOON, "20230113 122321"),
    # months by name
    "Oracle": _t(f"{AFTER}.000000", "13-JAN-23 03.23.21.000000 PM"),
    "Oracle's day": _t(DAY, "13-JAN-2023"),
    "SAS": _t(DAY, "13Jan2023"),
    "Excel's day": _t(DAY, "13-Jan-23"),
    "RFC 1123": _t(NOON, "Fri, 13 Jan 2023 12:23:21 GMT", zoned=True),
    "RFC 2822": _t(NOON, "Fri, 13 Jan 2023 07:23:21 -0500", zoned=True),
    "Twitter": _t(NOON, "Fri Jan 13 12:23:21 +0000 2023", zoned=True),
    "C": _t(NOON, "Fri Jan 13 12:23:21 2023"),
    "Unix date": _t(NOON, "Fri Jan 13 12:23:21 UTC 2023", zoned=True),
    "JavaScript": _t(NOON, "Fri Jan 13 2023 14:23:21 GMT+0200 (Eastern European Standard Time)", zoned=True),
    "Apache": _t(NOON, "13/Jan/2023:12:23:21 +0000", zoned=True),
    "American in words": _t("2023-01-13T15:23:00", "January 13, 2023 at 3:23 PM"),
    "American with the weekday": _t("2023-01-13T15:23:00", "Friday, January 13, 2023 3:23 PM"),
    "ordinals": _t("2023-01-02T00:00:00", "January 2nd, 2023", "January 3rd, 2023", "January 4th, 2023"),
    "Amazon": _t(DAY, "13 January 2023"),
    "German in words": _t("2023-03-13T12:23:00", "13. März 2023 12:23", "1. Mai 2023 9:05"),
    "German in short words": _t("2023-12-13T00:00:00", "13. Dez. 2023", "13. Okt. 2023"),
    "French": _t("2023-02-13T12:23:00", "13 févr. 2023 à 12h23"),
    "French in words": _t("2023-08-13T00:00:00", "13 août 2023", "13 décembre 2023"),
    "Spanish": _t(DAY, "13 de enero de 2023", "13 de diciembre de 2023"),
    "Portuguese": _t("2023-02-13T00:00:00", "13 de fevereiro de 2023"),
    "Italian": _t("2023-05-13T00:00:00", "13 mag 2023", "13 gen 2023"),
    "Dutch in words": _t("2023-03-13T00:00:00", "13 mrt 2023", "13 mei 2023"),
    "Polish": _t("2023-10-13T00:00:00", "13 października 2023"),
    "Turkish": _t("2023-08-13T12:23:00", "13 Ağustos 2023 12:23"),
    "Russian": _t(DAY, "13 января 2023 г."),
}

# no times for either reader: abbreviations of several meanings, days that no calendar has, clocks alone
NO_TIMES = (
    "2023-01-13 12:23:21 BST",
    "2023-01-13 12:23:21 IST",
    "2023-02-30",
    "2023-02-30 12:23:21",
    "2023-13-01",
    "2023-01-13 25:23:21",
    "2023-01-13 12:63",
    "2023-01-13 12:23:21 PM",
    "12:23:21",
    "2023-01",
    "2023-W02-5",
    "13.01.2023",
    "20230113",
    "2023-01-13T",
    "1673612601",
    "soon",
)

# type → cells and the first one's moment
EPOCHS: dict[str, Time] = {
    "epoch_seconds": _t("2023-01-13T12:23:21", "1673612601", zoned=True),
    "epoch_seconds of time.time()": _t("2023-01-13T12:23:21.438000", "1673612601.438", "1673612601", zoned=True),
    "epoch_seconds as pandas writes them": _t("2023-01-13T12:23:21", "1673612601.0", zoned=True),
    "epoch_seconds in scientific notation": _t("2023-01-13T12:23:21", "1.673612601E9", zoned=True),
    "epoch_millis": _t("2023-01-13T12:23:21.438000", "1673612601438", zoned=True),
    "epoch_millis with decimals": _t("2023-01-13T12:23:21.438250", "1673612601438.25", zoned=True),
    "epoch_micros": _t("2023-01-13T12:23:21.438123", "1673612601438123", zoned=True),
    "epoch_nanos": _t("2023-01-13T12:23:21.438123", "1673612601438123456", zoned=True),
}


@dataclass(frozen=True)
class Number:
    """A cell, its number, and the mark before its decimals."""

    cell: str
    number: str
    decimal: str = "."


NUMBERS = (
    Number("12.5", "12.50"),
    Number("-12.5", "-12.50"),
    Number("1234.5", "1234.50"),
    Number("$1,234.50", "1234.50"),
    Number("-$1,234.50", "-1234.50"),
    Number("$-3.25", "-3.25"),
    Number("($3.25)", "-3.25"),
    Number("3.25-", "-3.25"),
    Number("USD 1,234.50", "1234.50"),
    Number("1,234.50 USD", "1234.50"),
    Number("£12.50", "12.50"),
    Number("¥1,234", "1234.00"),
    Number("₹1,23,456.50", "123456.50"),
    Number("CHF 1'234.50", "1234.50"),
    Number("12.-", "12.00"),
    Number("1 234.50", "1234.50"),
    Number("\u22123.25", "-3.25"),
    Number("A$12.50", "12.50"),
    Number("1,234,567.25", "1234567.25"),
    Number(".5", "0.50"),
    Number("1.234,50 €", "1234.50", ","),
    Number("12,50 €", "12.50", ","),
    Number("€ 12,50", "12.50", ","),
    Number("1 234,50", "1234.50", ","),
    Number("1\u00a0234,50\u00a0€", "1234.50", ","),
    Number("1\u202f234,50", "1234.50", ","),
    Number("R$ 1.234,50", "1234.50", ","),
    Number("-3,25", "-3.25", ","),
    Number("3,25-", "-3.25", ","),
    Number("EUR 3,25", "3.25", ","),
    Number("1.234.567,25", "1234567.25", ","),
    Number("12,50 zł", "12.50", ","),
    Number("1 234,50 Kč", "1234.50", ","),
    Number("99,00 kr", "99.00", ","),
    Number("12,-", "12.00", ","),
    Number("1'234,50", "1234.50", ","),
    Number("12,50 руб.", "12.50", ","),
    Number("12", "12.00", ","),
)
NO_NUMBERS = ("12 kg", "abc", "12.50.1", "1,2,3", "", "€", "12%", "5x", "NaN", "Infinity", "1,23")
