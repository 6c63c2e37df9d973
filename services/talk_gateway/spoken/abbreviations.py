"""Words that carry a full stop of their own, by what may follow them. Keys are casefolded and have no last stop."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Stand before what they belong to, so they never end a sentence. Written with a capital in scripts that have one:
# 'ms' is milliseconds, 'Ms' a title.
TITLES = _words(
    "mr mrs ms mx dr drs prof rev hon pres gov gen col maj capt cpt cmdr lt sgt cpl adm amb supt insp msgr "
    "mme mlle mgr sra srta srs dña dn ing lic arq abg avda avd av pza plza urb "
    "hr hrn fr frl dipl mag sig dott avv geom rag shri smt kum adv md mohd rs inr usd mt ft skt sto sta "
    "doç sn inż inz mgr sv doc rep sen messrs mssrs"
)

# Never end a sentence, in any case.
ALWAYS = _words(
    "e.g i.e eg ie vs viz cf approx ca resp incl excl esp z.b d.h bzw ggf ggfs evtl inkl exkl zzgl vgl sog bspw "
    "ungef p.ej p.ex c.-à-d т.е напр см проф акад им ул bijv bl.a f.eks t.ex esim tj tzn např "
    "bkz dr drs mr mrs sig sig.ra dott med "
    "डॉ श्री प्रो पं रु स्व डा कु ಡಾ ಶ್ರೀ ರೂ ಪ್ರೊ திரு திருமதி ரூ డా శ్రీ రూ ডা ড মো মি মিঃ ડૉ શ્રી રૂ ഡോ രൂ ਡਾ ଡା"
)

# Belong to a number or a roman numeral behind them; else ordinary words ('No. I will not.').
BEFORE_NUMBER = _words(
    "no nos nr nrs n nº n° núm num p pp pg pgs s fig figs eq eqs sec secs sect ch chap vol vols art arts par para "
    "abs abb tab bd kap ziff pos str pág págs cap стр рис табл гл ст п пп v ver rev op bk apt rm ext tel ph ref "
    "ex c est min max avg bl blz sz r č čís д кв корп оф тел "
    "jan feb mar apr jun jul aug sep sept oct nov dec janv févr avr juil déc ene abr ago okt dez mrz "
    "mon tue tues wed thu thur thurs fri sat sun ft lb lbs oz hrs mins secs yr yrs tab ca a.d b.c"
)

# End a sentence only before a word that plainly opens one ('... in Washington D.C. It rained.').
BEFORE_OPENING_WORD = _words(
    "jan feb mar apr jun jul aug sep sept oct nov dec mon tue tues wed thu thur thurs fri sat sun "
    "st ave blvd rd ln hwy mt dept univ assn sr jr bros esq ph.d m.sc b.sc b.tech m.tech ed.d b.com m.com b.ed m.ed "
    "b.a m.a m.b.a d.phil al г гг chr ud uds vd vds ee"
)

# Of the two lists above, those that are also ordinary words when written small.
ONLY_CAPITALISED = _words("mar jun dec sep mon wed thu fri sat sun jan st ave sr jr s")

# Dotted words that end a sentence as any other word does.
ORDINARY = _words("a.m p.m т.д т.п u.s.w")

# Names that end in a mark of their own.
WITH_EXCLAMATION = _words("yahoo jeopardy joomla yum oklahoma")

COMPANY = _words("inc ltd corp co llc pvt plc")
AFTER_COMPANY = _words("ltd inc corp co llc limited plc pvt")
AFTER_HOUR = _words(
    "monday tuesday wednesday thursday friday saturday sunday mon tue wed thu fri sat sun january february march april "
    "may june july august september october november december est edt cst cdt mst mdt pst pdt et ct mt pt gmt utc bst "
    "ist cet cest eastern central pacific"
)

# 'vitamin C. Then': the letter is a label and no initial of a name.
LABELLED = _words(
    "vitamin vitamins plan option grade part section type point team class group appendix answer letter choice level "
    "question hepatitis war chapter volume act phase book article case scenario side figure table exhibit"
)

OPENING_WORDS = _words(
    "the a an it it's he he's she she's they they're we we're you you're i i'm i've i'll this that that's these those "
    "there there's then but and so if when what what's who where why how my our his her its their your for after "
    "before however although because while since also now yes no do does did is are was were can could would will "
    "please let let's here here's another some many most all one both each "
    "der die das er sie es wir ich und aber dann il elle ils elles nous je él ella ellos yo nosotros "
    "он она оно они это мы вы я но потом затем если когда"
)

# After a stop without a space ('check.It is'), so narrow enough to leave dotted names whole.
GLUED_OPENING_WORDS = _words(
    "it it's the i i'm i'll i've you you're this that that's these those we we're we'll he he's she she's they they're "
    "there there's what what's how why when where let let's here here's but and so if my your please now then thanks "
    "sure sorry okay yes"
)

# Written small and followed by a small word they go on ('pens etc. are sold'), beside those of the lists above.
GO_ON_SMALL = (
    _words(
        "etc al usw usf govt dist ed eds hosp temp misc cont est esp orig wk wks mo mos hr sq cu gal tbsp tsp bzgl intl"
    )
    | TITLES
    | ALWAYS
    | BEFORE_NUMBER
    | BEFORE_OPENING_WORD
    | COMPANY
)

ORDINAL_NOUNS = _words(
    "januar februar märz april mai juni juli august september oktober november dezember jänner okt dez "
    "montag dienstag mittwoch donnerstag freitag samstag sonntag jahrhundert jahrhunderts jh jahrtausend weltkrieg "
    "weltkriegs auflage klasse etage stock stockwerk platz runde liga kapitel teil band semester quartal tag woche "
    "monat bundesliga advent lesung stelle rang lebensjahr geburtstag halbzeit minute spieltag"
)
BEFORE_ORDINAL = _words("der den dem das zum zur vom im")
