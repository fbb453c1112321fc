"""How the page looks: light, dark, narrow and on paper."""

__all__ = ['STYLE']

_LIGHT = """
--paper:#fcfcfb; --ink:#1d2127; --soft:#636b76; --rule:#e3e5e8;
--card:#ffffff; --accent:#2f5d9b; --note:#f3f5f9; --up:#1c7a4c;
--down:#b3402f; --heat:#2f5d9b;
--c0:#2b6cb0; --c1:#d9772b; --c2:#2f9476; --c3:#b24a8c; --c4:#7d6bc4;
--c5:#a3912a; --c6:#5d6875; --c7:#b5443a;
"""
_DARK = """
--paper:#15181c; --ink:#e4e7eb; --soft:#9aa3ae; --rule:#2d333b;
--card:#1b1f24; --accent:#8ab4ec; --note:#1f252d; --up:#6cc797;
--down:#ee8f7f; --heat:#5f93d6;
--c0:#6fa8e6; --c1:#efa05f; --c2:#5cc3a2; --c3:#dd85bb; --c4:#a99bea;
--c5:#cfbd57; --c6:#a7b1bd; --c7:#e88074;
"""
_PAGE = """
* { box-sizing:border-box }
body { margin:0; background:var(--paper); color:var(--ink);
  font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",
  "DejaVu Sans",sans-serif }
header, main { max-width:1200px; margin:0 auto; padding:0 24px }
header { padding-top:44px }
h1 { font-size:1.9rem; line-height:1.2; margin:0 0 6px; font-weight:650;
  overflow-wrap:anywhere }
header p { color:var(--soft); margin:0 0 18px; max-width:75ch }
nav { display:flex; flex-wrap:wrap; gap:4px 20px; padding:10px 0;
  border-top:1px solid var(--rule); border-bottom:1px solid var(--rule);
  font-size:.92rem }
a { color:var(--accent); text-decoration:none }
a:hover { text-decoration:underline }
section { margin:44px 0 0 }
main { padding-bottom:80px }
h2 { font-size:1.35rem; margin:0 0 14px; font-weight:650 }
h3 { font-size:1.02rem; margin:26px 0 8px; font-weight:600 }
h4 { font-size:.9rem; margin:0 0 6px; font-weight:600; color:var(--soft) }
p { max-width:75ch; margin:0 0 10px; overflow-wrap:anywhere }
ul { margin:0 0 10px; padding-left:20px; max-width:85ch;
  overflow-wrap:anywhere }
.note { background:var(--note); border-left:3px solid var(--accent);
  padding:10px 16px; border-radius:0 6px 6px 0 }
.skipped { color:var(--soft); font-style:italic }
.small, figcaption { font-size:.84rem; color:var(--soft); margin:6px 0 4px }
details { margin:14px 0 }
summary { cursor:pointer; color:var(--accent); font-size:.95rem;
  padding:4px 0 }
"""
_TABLES = """
.wide { overflow-x:auto; margin:16px 0 8px }
table { border-collapse:collapse; font-size:.85rem;
  font-variant-numeric:tabular-nums; min-width:100% }
th, td { padding:6px 7px; text-align:right; white-space:nowrap;
  border-bottom:1px solid var(--rule) }
thead th { font-weight:600; color:var(--soft); vertical-align:bottom;
  white-space:normal; line-height:1.25 }
thead tr:last-child th { border-bottom:1.5px solid var(--soft) }
.groups th { text-align:center; font-weight:500; font-size:.82rem }
.groups th:first-child { border-bottom-color:transparent }
th:first-child { text-align:left; position:sticky; left:0;
  background:var(--paper) }
tbody th { font-weight:500; min-width:12.5em; white-space:normal }
tbody th:has(.swatch) { padding-left:32px; text-indent:-29px }
.start { border-left:1px solid var(--rule) }
.best { font-weight:700 }
.mark { color:var(--accent); font-size:.7em; vertical-align:.15em }
.up { color:var(--up) }
.down { color:var(--down) }
.shade { background:color-mix(in srgb, var(--heat)
  calc(var(--shade) * 38%), transparent) }
"""
_CHARTS = """
.gallery { display:grid; gap:18px 22px; margin:12px 0 6px;
  grid-template-columns:repeat(auto-fit,
  minmax(min(var(--panel),100%),1fr)) }
figure { margin:0; background:var(--card); border:1px solid var(--rule);
  border-radius:8px; padding:12px 12px 8px; min-width:0;
  max-width:max(560px,var(--panel)) }
figure svg, figure img { display:block; width:100%; height:auto }
figure img { border-radius:4px; max-height:430px; object-fit:contain;
  object-position:left top }
.legend { list-style:none; padding:0; margin:10px 0; display:flex;
  flex-wrap:wrap; gap:4px 20px; font-size:.86rem; max-width:none }
.legend i { display:inline-block; width:12px; height:12px; margin-right:6px;
  border-radius:3px; vertical-align:-1px }
.swatch { width:22px; height:10px; margin-right:7px; vertical-align:1px }
svg text { font-size:11px; fill:var(--soft); font-family:inherit }
svg .name { font-size:12.5px; fill:var(--ink); paint-order:stroke;
  stroke:var(--card); stroke-width:4px }
svg .value { fill:var(--soft); font-size:11.5px }
svg .grid, svg .track { stroke:var(--rule); stroke-width:1 }
svg .zero, svg .reference { stroke:var(--soft); stroke-width:1.2;
  stroke-dasharray:3 3 }
svg .line { fill:none; stroke:var(--c); stroke-width:1.7;
  stroke-linejoin:round }
svg .faint { stroke-width:1; opacity:.2 }
svg .dot { fill:var(--c); fill-opacity:.55 }
svg .mean, svg .bar { fill:var(--c) }
svg .heat { fill:var(--heat) }
svg .frame { fill:none; stroke:var(--rule) }
svg .in { fill:var(--paper) }
svg .out { fill:var(--ink) }
.s0 { --c:var(--c0) } .s1 { --c:var(--c1) } .s2 { --c:var(--c2) }
.s3 { --c:var(--c3) } .s4 { --c:var(--c4) } .s5 { --c:var(--c5) }
.s6 { --c:var(--c6) } .s7 { --c:var(--c7) }
svg .line.d1 { stroke-dasharray:5 3 }
svg .line.d2 { stroke-dasharray:1.5 3 }
svg .bar.d1 { fill-opacity:.6 }
svg .bar.d2 { fill-opacity:.35 }
"""
_NARROW = """
header, main { padding-left:16px; padding-right:16px }
header { padding-top:26px }
h1 { font-size:1.5rem }
th, td { padding:5px 8px }
tbody th { min-width:8em; max-width:11em }
"""
_PRINT = """
body { font-size:11pt; background:#fff }
nav { display:none }
header, main { max-width:none; padding:0 }
figure, tr, .note { break-inside:avoid }
h2, h3, h4 { break-after:avoid }
.wide { overflow:visible }
.gallery { grid-template-columns:repeat(auto-fit,
  minmax(calc(var(--panel) * .62),1fr)) }
figure img { max-height:240px }
table { font-size:7.5pt }
th, td { padding:2px 4px }
details::details-content { content-visibility:visible; block-size:auto }
"""

#: The style sheet.
STYLE = (f':root {{ color-scheme:light dark; {_LIGHT} }}\n'
         f'@media (prefers-color-scheme:dark) {{ :root {{ {_DARK} }} }}\n'
         f'{_PAGE}{_TABLES}{_CHARTS}'
         f'@media (max-width:640px) {{ {_NARROW} }}\n'
         f'@media print {{ :root {{ {_LIGHT} --paper:#fff }} {_PRINT} }}\n')
