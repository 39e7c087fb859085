#!/usr/bin/env python3
"""fold_table.py: makes fold_table.h from Python's unicodedata.

    python3 src/order/fold_table.py > src/order/fold_table.h

Letters of the Latin, Greek and Cyrillic blocks are folded by rule: compatibility
decomposition, case folding, marks dropped, and the few letters that Unicode does
not decompose (ø, ł …) by the list below. Everything else keeps its code point.
"""
import unicodedata

BLOCKS = [(0x00A0, 0x024F), (0x0250, 0x02AF), (0x0370, 0x052F),
          (0x1D00, 0x1DBF), (0x1E00, 0x1FFF), (0x2C60, 0x2C7F),
          (0xA640, 0xA69F), (0xA720, 0xA7FF), (0xFB00, 0xFB06)]
# letters with a stroke, hook or bar through them, and ligatures
BASE = {'ø': 'o', 'ł': 'l', 'đ': 'd', 'ħ': 'h', 'ŧ': 't', 'ı': 'i', 'æ': 'ae',
        'œ': 'oe', 'ð': 'd', 'þ': 'th', 'ŋ': 'n', 'ĸ': 'k', 'ƒ': 'f', 'ɨ': 'i',
        'ƶ': 'z', 'ɖ': 'd', 'ɓ': 'b', 'ƀ': 'b', 'ɗ': 'd', 'ɠ': 'g', 'ǥ': 'g',
        'ƙ': 'k', 'ƚ': 'l', 'ɲ': 'n', 'ƞ': 'n', 'ƥ': 'p', 'ƭ': 't', 'ʈ': 't',
        'ƴ': 'y', 'ɏ': 'y', 'ɉ': 'j', 'ɍ': 'r', 'ʉ': 'u', 'ȼ': 'c', 'ⱥ': 'a',
        'ⱦ': 't', 'ꝁ': 'k', 'ꞓ': 'c', 'ς': 'σ', 'ґ': 'г', 'ѓ': 'г', 'ғ': 'г',
        'қ': 'к', 'ҝ': 'к', 'ҡ': 'к', 'ң': 'н', 'ҥ': 'н', 'ҫ': 'с', 'ҭ': 'т',
        'ұ': 'ү', 'ҳ': 'х', 'ҷ': 'ч', 'ҙ': 'з', 'җ': 'ж'}


def is_word(c):
    return unicodedata.category(c)[0] in 'LN'


def bare(text):
    return ''.join(x for x in unicodedata.normalize('NFKD', text)
                   if is_word(x))


def fold(c):
    if not is_word(c) or '\u2044' in unicodedata.normalize('NFKD', c):
        return c    # no letter, or a fraction
    return ''.join(BASE.get(x, x) for x in bare(bare(c).casefold())) or c


def wrapped(items, indent='\t'):
    line, out = indent, []
    for item in items:
        if len(line.expandtabs(8)) + len(item) + 1 > 80:
            out.append(line.rstrip())
            line = indent
        line += item + ' '
    out.append(line.rstrip())
    return '\n'.join(out)


def word_ranges():
    """Letters and numbers outside ASCII. What has no character yet goes with
    what is before it, which makes few and long ranges."""
    ranges, start = [], None
    for point in range(0x80, 0x110000):
        category = unicodedata.category(chr(point))
        inside = (start is not None if category == 'Cn'
                  else category[0] in 'LN')
        if inside and start is None:
            start = point
        elif not inside and start is not None:
            ranges.append((start, point - 1))
            start = None
    return ranges


def mark_ranges():
    """Marks, and what is invisible inside words: soft hyphens and joiners."""
    ranges = []
    for point in range(0x80, 0x110000):
        if (unicodedata.category(chr(point))[0] != 'M'
                and point not in (0xAD, 0x200C, 0x200D, 0x2060)):
            continue
        if ranges and ranges[-1][1] == point - 1:
            ranges[-1][1] = point
        else:
            ranges.append([point, point])
    return ranges


def half_width_kana():
    return [ord(unicodedata.normalize('NFKC', chr(point)))
            for point in range(0xFF66, 0xFF9E)]


def main():
    longer = {}
    print('/*\n * fold_table.h: made by fold_table.py from Unicode '
          f'{unicodedata.unidata_version}; do not edit.\n */')
    print('static const struct fold_block {\n\tuint16_t first, last;\n'
          '\tconst uint16_t *to;\n} fold_blocks[] = {')
    for first, last in BLOCKS:
        values = []
        for point in range(first, last + 1):
            text = fold(chr(point))
            if len(text) > 1:
                longer[point] = text
            values.append(f'0x{ord(text[0]):x},')
        print(f'\t{{ 0x{first:04x}, 0x{last:04x}, (const uint16_t[]){{')
        print(wrapped(values, '\t\t'))
        print('\t} },')
    print('};\n\n/* What comes behind the first letter where one becomes several. */')
    print('static const struct fold_rest {\n\tuint16_t from;\n'
          '\tuint16_t to[2];\n} fold_rests[] = {')
    print(wrapped(['{ 0x%04x, { %s } },' % (
        point, ', '.join(f'0x{ord(c):x}' for c in text[1:]))
        for point, text in sorted(longer.items())]))
    print('};\n\nstruct range {\n\tuint32_t first, last;\n};')
    for name, ranges in (('words', word_ranges()), ('marks', mark_ranges())):
        print(f'\nstatic const struct range {name}[] = {{')
        print(wrapped(['{ 0x%x, 0x%x },' % (a, b) for a, b in ranges]))
        print('};')
    print('\n/* U+FF66 to U+FF9D in full width. */')
    print('static const uint16_t full_width_kana[] = {')
    print(wrapped([f'0x{x:x},' for x in half_width_kana()]))
    print('};')
    assert all(len(text) <= 3 for text in longer.values()), longer


main()
