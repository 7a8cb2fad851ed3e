import { Markup } from './markup.js';

/**
 * Colours are variables, so that charts, tables and text follow the light or dark mode and are printed in light mode.
 */
export const STYLE = new Markup(`
:root { color-scheme: light dark; --paper: #fff; --ink: #1a1c20; --faint: #5a5f69; --rule: #d5d8de; --panel: #f4f5f7;
  --heat: #86b6e8; --bad: #a3161a; --bad-panel: #fdeceb; --note-panel: #fff6dc;
  --c0: #1b6ac9; --c1: #b3470b; --c2: #23784b; --c3: #8a3fa8; --c4: #9a6700; --c5: #b02a5b; }
@media screen and (prefers-color-scheme: dark) { :root { --paper: #15171b; --ink: #e8eaee; --faint: #a7adb8;
  --rule: #3a3f48; --panel: #1e2127; --heat: #285a91; --bad: #ff9c93; --bad-panel: #3b1b1b; --note-panel: #352d12;
  --c0: #6cb0ff; --c1: #ff9a5c; --c2: #66cf98; --c3: #d69bf0; --c4: #e3b341; --c5: #ff8fb6; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 62rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: .5rem 0; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .6rem; border-bottom: 1px solid var(--rule); }
h3 { font-size: 1rem; margin: 1.2rem 0 .4rem; }
a { color: var(--c0); } a:focus-visible, summary:focus-visible, .scroll:focus-visible, audio:focus-visible {
  outline: 3px solid var(--c0); outline-offset: 2px; }
.verdict { margin: .6rem 0 1rem; } .lead { font-size: 1.2rem; line-height: 1.4; font-weight: 600; margin: .4rem 0; }
nav ul { display: flex; flex-wrap: wrap; gap: .2rem 1rem; padding: 0; list-style: none; }
.bad, .note { padding: .6rem .9rem; border-left: 5px solid var(--bad); background: var(--bad-panel); }
.bad p, .note p { margin: .2rem 0; } .bad strong { color: var(--bad); }
.note { border-color: var(--c4); background: var(--note-panel); }
.small { color: var(--faint); font-size: .88rem; }
.scroll { overflow-x: auto; max-width: 100%; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: .4rem 0; }
caption { text-align: left; color: var(--faint); font-size: .88rem; padding-bottom: .2rem;
  position: sticky; left: 0; max-width: calc(100vw - 2rem); }
th, td { padding: .25rem .6rem; text-align: right; border-bottom: 1px solid var(--rule); white-space: nowrap; }
th:first-child, td.text { text-align: left; } td.text { white-space: normal; overflow-wrap: anywhere; }
thead th { border-bottom: 2px solid var(--rule); white-space: normal; max-width: 9rem; overflow-wrap: break-word;
  vertical-align: bottom; }
tbody th { font-weight: 600; white-space: normal; max-width: 12rem; overflow-wrap: break-word; }
td.heat { background: color-mix(in srgb, var(--heat) calc(var(--share) * 100%), transparent); text-align: center;
  border: 1px solid var(--paper); print-color-adjust: exact; -webkit-print-color-adjust: exact; }
.matrices { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 29rem), 1fr)); gap: 0 1.5rem; }
.matrices table { font-size: .85rem; } .matrices th, .matrices td { padding: .25rem .4rem; }
figure { margin: .8rem 0; } figcaption { color: var(--faint); font-size: .88rem; }
svg { display: block; min-width: 34rem; width: 100%; height: auto; }
.clips { display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: 1rem; padding: 0;
  list-style: none; }
.clips li { background: var(--panel); padding: .6rem; break-inside: avoid; overflow-wrap: anywhere; }
.clips img { width: 100%; aspect-ratio: 3 / 2; image-rendering: pixelated; display: block; background: #000; }
.clips audio { width: 100%; } .clips p { margin: .3rem 0; }
pre { overflow-x: auto; background: var(--panel); padding: .6rem; font-size: .82rem; }
dl { display: grid; grid-template-columns: minmax(8rem, auto) 1fr; gap: .1rem 1rem; }
dt { color: var(--faint); overflow-wrap: anywhere; } dd { margin: 0; overflow-wrap: anywhere; }
@media print { body { max-width: none; padding: 0; } nav, audio { display: none; } .scroll { overflow: visible; }
  section, table, figure { break-inside: auto; } figure, tr, h2, h3 { break-inside: avoid; } svg { min-width: 0; } }
`);
