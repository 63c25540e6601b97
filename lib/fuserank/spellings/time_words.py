"""Names that times are told by: months in the languages of many shops, and
abbreviations of zones that mean one offset alone.
"""

from __future__ import annotations

_MONTHS = (
    (
        "jan january januar jänner januari janv janvier ene enero gen gennaio janeiro styczeń stycznia sty январь"
        " января янв oca ocak leden ledna ianuarie tammikuu"
    ),
    (
        "feb february februar feber februari févr fevr février fevrier febrero febbraio fev fevereiro luty lutego lut"
        " февраль февраля фев февр şub şubat subat únor února helmikuu"
    ),
    (
        "mar march märz maerz mär mrz mrt maart mars marts marzo março marco marzec marca март марта мар mart březen"
        " března maaliskuu"
    ),
    "apr april avr avril abr abril aprile kwiecień kwietnia kwi апрель апреля апр nis nisan duben dubna huhtikuu",
    "may mai mei maj mayo mag maggio maio maja май мая mayıs mayis květen května toukokuu",
    "jun june juni juin junio giu giugno junho czerwiec czerwca cze июнь июня июн haz haziran červen června kesäkuu",
    (
        "jul july juli juil juillet julio lug luglio julho lipiec lipca lip июль июля июл tem temmuz červenec července"
        " heinäkuu"
    ),
    (
        "aug august augusti augustus août aout ago agosto sierpień sierpnia sie август августа авг ağu ağustos agustos"
        " srpen srpna elokuu"
    ),
    (
        "sep sept september septembre septiembre setiembre settembre set setembro wrzesień września wrz сентябрь"
        " сентября сен сент eyl eylül eylul září syyskuu"
    ),
    (
        "oct october okt oktober octobre octubre ott ottobre out outubro październik października paź октябрь октября"
        " окт eki ekim říjen října lokakuu"
    ),
    (
        "nov november novembre noviembre novembro listopad listopada lis ноябрь ноября ноя нояб kas kasım kasim"
        " listopadu marraskuu"
    ),
    (
        "dec december dez dezember déc décembre decembre dic diciembre dicembre dezembro grudzień grudnia gru декабрь"
        " декабря дек ara aralık aralik prosinec prosince joulukuu"
    ),
)
# January first; in small letters, without a full stop
MONTHS: tuple[tuple[str, ...], ...] = tuple(tuple(names.split()) for names in _MONTHS)
# RFC 822's and others that mean one offset wherever they are used. IST, BST and the like have several meanings.
OFFSETS: dict[str, tuple[str, ...]] = {
    "+00:00": ("z", "utc", "gmt", "ut", "uct", "wet"),
    "+01:00": ("cet", "mez", "west"),
    "+02:00": ("cest", "mesz", "eet"),
    "+03:00": ("eest", "msk", "trt"),
    "+08:00": ("awst", "hkt", "sgt", "pht"),
    "+09:00": ("jst", "kst"),
    "+10:00": ("aest",),
    "+11:00": ("aedt",),
    "+12:00": ("nzst",),
    "+13:00": ("nzdt",),
    "-03:00": ("brt", "adt"),
    "-04:00": ("edt",),
    "-05:00": ("est", "cdt"),
    "-06:00": ("cst", "mdt"),
    "-07:00": ("mst", "pdt"),
    "-08:00": ("pst", "akdt"),
    "-09:00": ("akst",),
    "-10:00": ("hst",),
}
