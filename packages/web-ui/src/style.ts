/** Colours are variables, so that the whole page follows the light or dark mode. */
export const STYLE = `
:root { color-scheme: light dark; --paper: #fff; --ink: #1a1c20; --faint: #565b65; --rule: #d5d8de; --panel: #f4f5f7;
  --link: #14599f; --done: #23784b; --active: #b3470b; --failed: #a3161a; --waiting: #c3c8d1; --heat: #86b6e8;
  --on: #fff; }
@media (prefers-color-scheme: dark) { :root { --paper: #15171b; --ink: #e8eaee; --faint: #a7adb8; --rule: #3a3f48;
  --panel: #1e2127; --link: #7cb8ff; --done: #4fb880; --active: #ff9a5c; --failed: #ff8f86; --waiting: #4a505b;
  --heat: #285a91; --on: #10131a; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 0 1rem 3rem; max-width: 76rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; }
header { display: flex; flex-wrap: wrap; gap: .2rem 1rem; align-items: center; padding: .6rem 0;
  border-bottom: 1px solid var(--rule); }
header p { flex: 1; margin: 0; color: var(--faint); font-size: .88rem; }
.home { font-weight: 700; font-size: 1.15rem; text-decoration: none; color: var(--ink); }
.skip { position: absolute; left: -99rem; } .skip:focus { left: 1rem; top: 1rem; background: var(--paper); z-index: 1; }
main { outline: none; }
h1 { font-size: 1.4rem; line-height: 1.25; margin: 1rem 0 .3rem; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 1.8rem 0 .5rem; border-bottom: 1px solid var(--rule); }
h3 { font-size: 1rem; margin: 1rem 0 .3rem; overflow-wrap: anywhere; }
a { color: var(--link); }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.faint { color: var(--faint); font-size: .88rem; }
.scroll { overflow-x: auto; max-width: 100%; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: .3rem 0; width: 100%; }
caption { text-align: left; color: var(--faint); font-size: .88rem; }
th, td { padding: .3rem .6rem; text-align: left; border-bottom: 1px solid var(--rule); vertical-align: top; }
th { font-weight: 600; } td.number, th.number { text-align: right; }
td.name, th.name { overflow-wrap: anywhere; min-width: 9rem; } td.wrap { overflow-wrap: anywhere; } .runs th.name { min-width: 12rem; }
.runs td.when { min-width: 7rem; } .runs td.score { min-width: 9rem; }
th button { all: unset; cursor: pointer; font: inherit; font-weight: 600; }
th button::after { content: "\\00a0↕"; color: var(--faint); font-weight: 400; } th button:focus-visible { outline: 3px solid var(--link); }
th[aria-sort=ascending] button::after { content: "\\00a0↑"; color: inherit; }
th[aria-sort=descending] button::after { content: "\\00a0↓"; color: inherit; }
td.heat { background: color-mix(in srgb, var(--heat) calc(var(--share) * 100%), transparent); text-align: center; }
progress { width: 8rem; max-width: 100%; accent-color: var(--done); }
.state { font-weight: 600; white-space: nowrap; } .state::before { content: "● "; }
.state[data-state=complete] { color: var(--done); } .state[data-state=running] { color: var(--active); }
.state[data-state=incomplete], .state[data-state=cancelled], .state[data-state=failed] { color: var(--failed); }
.state[data-state=stopped], .state[data-state=pruned] { color: var(--faint); }
.actions { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: center; margin: .6rem 0; }
button, input { font: inherit; color: inherit; background: var(--panel); border: 1px solid var(--faint);
  border-radius: .3rem; padding: .3rem .8rem; }
button { cursor: pointer; } button.danger { border-color: var(--failed); color: var(--failed); }
button:disabled { opacity: .6; cursor: default; }
.legend .cell { vertical-align: middle; } .legend { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; padding: 0; list-style: none; font-size: .88rem; }
.trial { margin: 0 -.4rem; padding: .1rem .4rem .4rem; content-visibility: auto; contain-intrinsic-size: auto 6rem; }
.cells { display: flex; flex-wrap: wrap; gap: .35rem .6rem; }
.repeat { display: inline-flex; gap: 2px; }
.cell { display: inline-block; flex: none; width: 1.5rem; height: 1.5rem; padding: 0; border: 1px solid var(--waiting);
  border-radius: .2rem; background: transparent; font: .75rem/1.35rem system-ui, sans-serif; color: var(--on);
  text-align: center; }
.many .cell { width: .9rem; height: .9rem; font-size: .6rem; line-height: .75rem; }
.cell[data-state="1"] { border-color: var(--active);
  background: linear-gradient(to top, var(--active) calc(var(--share, 0) * 100%), transparent 0); }
.cell[data-state="2"] { background: var(--done); border-color: var(--done); }
.cell[data-state="2"]::before { content: "✓"; }
.cell[data-state="3"] { background: var(--failed); border-color: var(--failed); }
.cell[data-state="3"]::before { content: "×"; }
@media (pointer: coarse) { .cell, .many .cell { width: 1.7rem; height: 1.7rem; line-height: 1.5rem; font-size: .8rem; } }
dialog { width: min(56rem, calc(100vw - 1rem)); max-height: calc(100vh - 2rem); overflow: auto; color: var(--ink);
  background: var(--paper); border: 1px solid var(--faint); border-radius: .5rem; padding: 1rem; }
dialog::backdrop { background: rgb(0 0 0 / .5); }
dialog.small { width: min(30rem, calc(100vw - 1rem)); }
.close { float: right; } dialog h2 { margin-top: 0; }
pre { overflow: auto; max-height: 20rem; background: var(--panel); padding: .6rem; font-size: .82rem; white-space: pre-wrap;
  overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: minmax(6rem, auto) 1fr; gap: .1rem 1rem; }
dt { color: var(--faint); } dd { margin: 0; overflow-wrap: anywhere; }
svg { display: block; width: 100%; height: auto; max-width: 40rem; }
svg text { fill: var(--faint); font: 9px system-ui, sans-serif; } svg .title { fill: var(--ink); }
svg .axis { stroke: var(--faint); } svg .grid { stroke: var(--rule); }
svg .line { fill: none; stroke-width: 2; } svg .a { stroke: var(--link); } svg .b { stroke: var(--active); stroke-dasharray: 5 3; }
svg .solid { stroke-dasharray: none; } svg .best { stroke-width: 3; } svg .other { stroke: var(--faint); stroke-width: 1; opacity: .4; }
svg .dot { fill: var(--link); stroke: var(--link); } svg .hollow { fill: none; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 28rem), 1fr)); gap: 0 1.5rem; }
.charts h3 { grid-column: 1 / -1; } .charts figure { min-width: 0; }
svg.wide text { font-size: 9px; paint-order: stroke; stroke: var(--paper); stroke-width: 3px; }
.bars { list-style: none; padding: 0; margin: .3rem 0; max-width: 40rem; }
.bars li { display: grid; grid-template-columns: minmax(6rem, 10rem) 1fr 7rem; gap: .6rem; align-items: center; overflow-wrap: anywhere; }
meter { width: 100%; }
.verdict strong { font-size: 1.1rem; }
.problem { padding: .5rem .9rem; border-left: 5px solid var(--failed); background: var(--panel); overflow-wrap: anywhere; }
.problem p { margin: .2rem 0; } .problem + .problem { margin-top: .5rem; } .hint { display: block; margin-top: .3rem; }
figure { margin: .5rem 0 1rem; }
@media (max-width: 40rem) {
  svg text { font-size: 14px; } svg.wide text { font-size: 12px; }
  .stack, .stack tbody, .stack tr, .stack th, .stack td { display: block; }
  .stack thead tr { display: flex; flex-wrap: wrap; gap: .1rem .9rem; } .stack thead tr::before { content: "Sort by"; color: var(--faint); }
  .stack thead th { padding: .1rem 0; border: 0; min-width: 0; } .stack thead th:not(:has(button)) { display: none; }
  .stack tbody td.name { min-width: 0; }
  .stack tr { padding: .5rem 0; border-bottom: 1px solid var(--rule); }
  .stack tbody th, .stack tbody td { position: relative; min-width: 0; padding: .1rem 0; border: 0; }
  .stack tbody td { padding-left: 9.5rem; min-height: 1.7rem; font-size: 1rem; }
  .stack tbody td::before { content: attr(data-label); position: absolute; left: 0; width: 9.2rem; color: var(--faint);
    font-size: .88rem; }
  .stack tbody td:empty { display: none; }
}
form { display: grid; gap: .6rem; max-width: 24rem; margin: 2rem 0; }
`;
