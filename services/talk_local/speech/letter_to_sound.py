"""Sounds for words that no dictionary has, from their letters: names, new words, words of other languages.

A small set of context rules in the manner of the public-domain rules of the Naval Research Laboratory (Elovitz and
others, NRL Report 7948, 1976), then a stress heuristic. Sounds are in misaki's alphabet. Good enough to be understood.
"""

from __future__ import annotations

import re

# Each line: what stands before, [the letters], what follows, = the sounds. # stands for one or more vowels,
# ^ for one consonant, * for consonants or none, $ for the end or beginning of the word, + for a front vowel (e, i, y).
# The first line that fits is taken, so that the special ones stand first.
_RULES = """
$[ae]=i
[augh]$=ɔ
[au]=ɔ
[aw]=ɔ
[air]=ɛɹ
[are]$=ɛɹ
[ai]=A
[ay]=A
[able]$=əbᵊl
[age]$=ɪʤ
^[al]$=ᵊl
[alk]=ɔk
[all]=ɔl
[ar]=ɑɹ
[aa]=ɑ
[ah]=ɑ
[a]^$=æ
[a]^e$=A
[a]^es$=A
[a]^ing=A
[a]^i#=A
[a]tion=A
[a]$=ə
[a]=æ
[bb]=b
m[b]$=
[b]=b
[cch]=k
[ch]r=k
[ch]=ʧ
s[c]+=
[cc]+=ks
[ck]=k
[cia]=ʃə
[cio]=ʃə
[c]+=s
[cc]=k
[c]=k
[dge]=ʤ
[dg]+=ʤ
[dd]=d
[d]=d
[eau]=O
[ear]=ɪɹ
[ea]=i
[eer]=ɪɹ
[ee]=i
[eigh]=A
[eu]=ju
[ew]=u
[ey]$=i
[ei]=A
[er]$=əɹ
[ers]$=əɹz
[er]^=ɜɹ
[er]#=ɛɹ
$*[e]$=i
sh[es]$=ᵻz
ch[es]$=ᵻz
s[es]$=ᵻz
x[es]$=ᵻz
z[es]$=ᵻz
[es]$=z
t[ed]$=ᵻd
d[ed]$=ᵻd
[ed]$=d
[e]$=
[e]^e$=i
[e]=ɛ
[ff]=f
[f]=f
[gh]$=
[gh]t=
$[gh]=ɡ
[gh]=ɡ
$[gn]=n
[gn]$=n
[gg]=ɡ
[gu]+=ɡ
[g]+=ʤ
[g]=ɡ
$[h]#=h
[h]#=h
[h]=
[ier]$=iəɹ
[ie]$=i
[igh]=I
[ign]$=In
[ild]$=Ild
[ind]$=Ind
[ir]^=ɜɹ
[ir]$=ɪɹ
[ism]$=ɪzəm
[ie]=i
[i]^e$=I
[i]^es$=I
[i]^ed$=I
[i]^ing$=I
[ia]=iə
[io]=iO
[iu]=iə
[i]$=i
$*[i]#=I
[i]=ɪ
[j]=ʤ
$[kn]=n
[kk]=k
[kh]=k
[k]=k
^[le]$=ᵊl
[ll]=l
[l]=l
[mm]=m
[m]=m
[nn]=n
[ng]$=ŋ
[ng]s$=ŋ
[n]g=ŋ
[n]k=ŋ
[n]=n
[oar]=ɔɹ
[oa]=O
[oe]$=O
[oi]=Y
[oy]=Y
[ook]=ʊk
[oor]=ʊɹ
[oo]=u
[orr]=ɔɹ
[or]=ɔɹ
[ough]=ʌf
[ould]=ʊd
[our]$=əɹ
[ous]$=əs
[ou]=W
[ow]$=O
[ow]=W
[old]=Old
[o]^e$=O
[o]^es$=O
[o]^ed$=O
[o]^ing$=O
[on]$=ən
[o]$=O
[o]^i#=O
[o]^a$=O
[o]^o$=O
[o]=ɑ
[ph]=f
$[pn]=n
$[ps]=s
[pp]=p
[p]=p
[que]$=k
[qu]=kw
[q]=k
[rrh]=ɹ
[rh]=ɹ
[rr]=ɹ
[r]=ɹ
[sch]=sk
[sh]=ʃ
[ssion]=ʃən
^[sion]=ʃən
[sion]=ʒən
[sure]=ʒəɹ
[ss]=s
#[s]e$=z
#[s]#=z
#[s]$=z
b[s]$=z
d[s]$=z
g[s]$=z
l[s]$=z
m[s]$=z
n[s]$=z
r[s]$=z
v[s]$=z
w[s]$=z
y[s]$=z
[sc]+=s
[s]=s
[tch]=ʧ
[tion]=ʃən
[tia]=ʃə
[tio]=ʃə
[ture]=ʧəɹ
[th]=θ
[tt]=t
[t]=t
[uy]=I
[ur]^=ɜɹ
[ur]$=ɜɹ
$[un]=ʌn
[ue]$=u
[ui]=u
[u]^e$=u
[u]^#=u
[u]$=u
[u]=ʌ
[vv]=v
[v]=v
$[wr]=ɹ
[wh]=w
[w]#=w
[w]=
$[x]=z
[x]=ks
$[y]#=j
$*[y]$=I
[y]$=i
#[y]=j
[y]^e$=I
[y]=ɪ
[zz]=z
[z]=z
"""
_CLASSES = {"#": "[aeiouy]+", "^": "[bcdfghjklmnpqrstvwxz]", "*": "[bcdfghjklmnpqrstvwxz]*", "+": "[eiy]"}
_VOWEL = re.compile(r"[AIWYOæɑɔəɛɜɪʊʌiuᵊᵻ]")
_LONG = frozenset("AIWYOɑɔiuɜ")
# Endings before which the stress stands on the last syllable but one of the whole.
_PULLS_STRESS = re.compile(r"(?:tion|sion|cian|ic|ics|ical|ity|ify|ial|ian|ious)s?$")


def _compiled(line: str) -> tuple[str, re.Pattern[str], re.Pattern[str], str]:
    context, sounds = line.split("=")
    before, letters, after = re.fullmatch(r"(.*)\[(.+)\](.*)", context).groups()  # type: ignore[union-attr]
    return letters, re.compile(_expanded(before, "^") + r"\Z"), re.compile(_expanded(after, r"\Z")), sounds


def _expanded(context: str, edge: str) -> str:
    return "".join(edge if c == "$" else _CLASSES.get(c, c) for c in context)


_TABLE: dict[str, list[tuple[str, re.Pattern[str], re.Pattern[str], str]]] = {}
for _line in _RULES.split():
    _entry = _compiled(_line)
    _TABLE.setdefault(_entry[0][0], []).append(_entry)


def pronounceable(word: str) -> bool:
    """Whether English would read the word rather than name its letters: vowels, and no wall of consonants."""
    return (
        len(word) > 2
        and re.search("[aeiouy]", word) is not None
        and not re.search(r"[^aeiouy]{5}|[bcdfgjkmpqtvwxz]{4}|(.)\1\1|q(?!u)\w?\Z|^[^aeiouy]{4}", word)
    )


def sounds(word: str) -> str:
    """The sounds of a word in small letters, with stress."""
    out, at = [], 0
    while at < len(word):
        letters, said = _first_fit(word, at)
        out.append(said)
        at += letters
    return _stressed("".join(out), word)


def _first_fit(word: str, at: int) -> tuple[int, str]:
    for letters, before, after, said in _TABLE.get(word[at], ()):
        if word.startswith(letters, at) and before.search(word[:at]) and after.match(word[at + len(letters) :]):
            return len(letters), said
    return 1, ""


def _stressed(said: str, word: str) -> str:
    """Marks the vowel that carries the stress and weakens open ones far from it."""
    vowels = [match.start() for match in _VOWEL.finditer(said)]
    if not vowels:
        return said
    at = vowels[_stressed_syllable(said, vowels, word)]
    return said[:at] + "ˈ" + said[at:]


def _stressed_syllable(said: str, vowels: list[int], word: str) -> int:
    count = len(vowels)
    if count == 1:
        return 0
    if _PULLS_STRESS.search(word):
        return max(0, count - (3 if word.endswith(("ity", "ify", "ical")) else 2))
    if count == 2:
        return 1 if said[vowels[0]] in "əᵊᵻ" else 0
    penult, last = vowels[-2], vowels[-1]
    heavy = said[penult] in _LONG or len(_VOWEL.sub("", said[penult:last])) >= 2
    return count - 2 if heavy and said[penult] not in "əᵊᵻ" else count - 3
