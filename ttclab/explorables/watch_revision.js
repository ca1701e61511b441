/*! Made by "npm run build" in ttclab/explorables/src: change the sources, not this file.
sources sha256:04f4c1e65f5d6310ba33114eb51d654a2c1fc24db1d977023c0d02bb23f75820
code sha256:da03b34cda73ce87600905c823672c4b931042507feffefae6f44908a1e5b98f

d3-array 3.2.5, d3-axis 3.0.1, d3-color 3.1.1, d3-format 3.1.3, d3-interpolate 3.0.2, d3-scale 4.0.3, d3-selection 3.0.1, d3-shape 3.2.1, d3-time 3.1.1, d3-time-format 4.1.1:
Copyright 2010-2026 Mike Bostock

Permission to use, copy, modify, and/or distribute this software for any purpose
with or without fee is hereby granted, provided that the above copyright notice
and this permission notice appear in all copies.

THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES WITH
REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF MERCHANTABILITY AND
FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR ANY SPECIAL, DIRECT,
INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES WHATSOEVER RESULTING FROM LOSS
OF USE, DATA OR PROFITS, WHETHER IN AN ACTION OF CONTRACT, NEGLIGENCE OR OTHER
TORTIOUS ACTION, ARISING OUT OF OR IN CONNECTION WITH THE USE OR PERFORMANCE OF
THIS SOFTWARE.

d3-path 3.1.1:
Copyright 2015-2026 Mike Bostock

Permission to use, copy, modify, and/or distribute this software for any purpose
with or without fee is hereby granted, provided that the above copyright notice
and this permission notice appear in all copies.

THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES WITH
REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF MERCHANTABILITY AND
FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR ANY SPECIAL, DIRECT,
INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES WHATSOEVER RESULTING FROM LOSS
OF USE, DATA OR PROFITS, WHETHER IN AN ACTION OF CONTRACT, NEGLIGENCE OR OTHER
TORTIOUS ACTION, ARISING OUT OF OR IN CONNECTION WITH THE USE OR PERFORMANCE OF
THIS SOFTWARE.
*/
var K=`.ttc {
  --ttc-text: var(--pst-color-text-base, var(--jp-content-font-color1, var(--colab-primary-text-color, CanvasText)));
  --ttc-back: var(--pst-color-background, var(--jp-layout-color0, Canvas));
  --ttc-muted: color-mix(in srgb, var(--ttc-text) 72%, var(--ttc-back));
  --ttc-faint: color-mix(in srgb, var(--ttc-text) 16%, var(--ttc-back));
  --ttc-single: color-mix(in srgb, #767676 75%, var(--ttc-text));
  --ttc-oracle: #009e73;
  --ttc-majority: #e69f00;
  --ttc-orm: #56b4e9;
  --ttc-prm: #0072b2;
  --ttc-revision: #d55e00;
  --ttc-oracle-text: color-mix(in srgb, #009e73 62%, var(--ttc-text));
  box-sizing: border-box;
  margin: 1.25rem 0;
  padding: 1rem 1.1rem 0.9rem;
  border: 1px solid var(--ttc-faint);
  border-radius: 0.6rem;
  color: var(--ttc-text);
  background: var(--ttc-back);
  font-size: 0.95rem;
  line-height: 1.45;
}
.ttc *, .ttc *::before { box-sizing: border-box; }
.ttc [hidden] { display: none !important; }
.ttc p { margin: 0 0 0.7rem; }
.ttc .ttc-title { margin-bottom: 0.4rem; font-size: 1.1rem; font-weight: 650; }
.ttc .ttc-source { margin: 0.7rem 0 0; color: var(--ttc-muted); font-size: 0.8rem; }
.ttc .ttc-live { min-height: 3em; margin: 0.5rem 0 0.4rem; }
.ttc .ttc-live:empty { display: none; }

.ttc fieldset, .ttc .ttc-slider { min-width: 0; margin: 0 0 0.8rem; padding: 0; border: 0; }
.ttc legend, .ttc .ttc-label { float: none; width: auto; margin: 0 0 0.3rem; padding: 0; color: inherit; font-size: 0.85rem; font-weight: 600; }
.ttc fieldset:disabled { opacity: 0.45; }
.ttc fieldset:disabled * { cursor: default; }
.ttc .ttc-options { display: flex; flex-wrap: wrap; gap: 0.3rem; }
.ttc .ttc-option { position: relative; margin: 0; cursor: pointer; }
.ttc .ttc-option input { position: absolute; inset: 0 auto 0 0; width: 0.45rem; height: 100%; margin: 0; opacity: 0; cursor: pointer; }
.ttc .ttc-option span { display: block; padding: 0.25rem 0.6rem; border: 1px solid var(--ttc-muted); border-radius: 1rem; font-size: 0.85rem; }
.ttc .ttc-option input:checked + span { color: var(--ttc-back); background: var(--ttc-text); border-color: var(--ttc-text); font-weight: 600; }
.ttc .ttc-option input:focus-visible + span, .ttc input[type="range"]:focus-visible, .ttc button:focus-visible, .ttc summary:focus-visible {
  outline: 3px solid var(--pst-color-accent, #0072b2);
  outline-offset: 2px;
}
.ttc .ttc-slider { display: block; max-width: 34rem; }
.ttc .ttc-slider .ttc-label { display: block; font-variant-numeric: tabular-nums; }
.ttc input[type="range"] { display: block; width: 100%; height: 1.75rem; margin: 0; accent-color: var(--ttc-oracle-text); cursor: pointer; }
.ttc button { padding: 0.4rem 1rem; border: 0; border-radius: 0.4rem; color: var(--ttc-back); background: var(--ttc-text); font: inherit; font-weight: 600; cursor: pointer; }

.ttc svg { display: block; overflow: visible; touch-action: pan-y; cursor: crosshair; font-family: inherit; }
.ttc svg text { fill: var(--ttc-text); font-size: 12px; font-family: inherit; }
.ttc .ttc-axis text { fill: var(--ttc-muted); font-size: 11.5px; font-variant-numeric: tabular-nums; }
.ttc .ttc-axis line { stroke: var(--ttc-faint); }
.ttc .ttc-axis .domain { display: none; }
.ttc .ttc-band { fill: var(--ttc-oracle); fill-opacity: 0.26; }
.ttc .ttc-line { fill: none; stroke-width: 2.5; stroke-linecap: round; }
.ttc .ttc-line.ttc-theory { stroke-width: 1.4; stroke-dasharray: 5 4; stroke-linecap: butt; }
.ttc .ttc-name, .ttc .ttc-value { paint-order: stroke; stroke: var(--ttc-back); stroke-width: 4px; stroke-linejoin: round; }
.ttc .ttc-value { font-weight: 650; font-variant-numeric: tabular-nums; }
.ttc .ttc-rule { stroke: var(--ttc-text); stroke-width: 1; stroke-opacity: 0.55; }
.ttc .ttc-dot { stroke: var(--ttc-back); stroke-width: 2; }
.ttc .ttc-guess { fill: var(--ttc-back); stroke: var(--ttc-text); stroke-width: 1.6; }
.ttc .ttc-measured { --ttc-ink: var(--ttc-oracle); --ttc-words: var(--ttc-oracle-text); }
.ttc .ttc-theory { --ttc-ink: var(--ttc-text); --ttc-words: var(--ttc-text); }
.ttc .ttc-one { --ttc-ink: var(--ttc-single); --ttc-words: var(--ttc-muted); }
.ttc .ttc-oracle { --ttc-ink: var(--ttc-oracle); --ttc-words: var(--ttc-oracle-text); }
.ttc .ttc-vote { --ttc-ink: var(--ttc-majority); --ttc-words: color-mix(in srgb, var(--ttc-majority) 45%, var(--ttc-text)); }
.ttc[data-judge] { --ttc-chosen: var(--ttc-prm); }
.ttc[data-judge="none"] { --ttc-chosen: var(--ttc-majority); }
.ttc[data-judge="orm"] { --ttc-chosen: var(--ttc-orm); }
.ttc[data-judge="noisy"] { --ttc-chosen: var(--ttc-single); }
.ttc[data-judge="oracle"] { --ttc-chosen: var(--ttc-oracle); }
.ttc[data-judge] .ttc-band { fill: var(--ttc-chosen); }
.ttc .ttc-judge { --ttc-ink: var(--ttc-chosen); --ttc-words: color-mix(in srgb, var(--ttc-chosen) 45%, var(--ttc-text)); }
.ttc .ttc-guessed { --ttc-words: var(--ttc-text); font-weight: 400; }
.ttc .ttc-line { stroke: var(--ttc-ink); }
.ttc .ttc-dot { fill: var(--ttc-ink); }
.ttc svg text.ttc-name, .ttc svg text.ttc-value { fill: var(--ttc-words); }

.ttc .ttc-map svg { cursor: default; }
.ttc .ttc-cell rect { fill: color-mix(in srgb, var(--ttc-revision) var(--ttc-share), var(--ttc-back)); stroke: var(--ttc-faint); }
.ttc .ttc-cell { cursor: pointer; font-variant-numeric: tabular-nums; }
.ttc .ttc-cell.ttc-beyond { cursor: default; opacity: 0.3; }
.ttc .ttc-cell.ttc-chosen text { font-weight: 700; text-decoration: underline; text-underline-offset: 0.2em; }
.ttc .ttc-cell.ttc-chosen .ttc-signs { text-decoration: none; }
.ttc .ttc-cell.ttc-best rect { stroke: var(--ttc-text); stroke-width: 2.5; }
.ttc .ttc-key { margin: 0.3rem 0 0; font-size: 0.85rem; }

.ttc details { margin: 0; }
.ttc summary { width: fit-content; color: var(--ttc-muted); font-size: 0.85rem; cursor: pointer; }
.ttc .ttc-scroll { max-width: 100%; overflow-x: auto; }
.ttc table { width: 100%; margin: 0.4rem 0 0; border-collapse: collapse; font-size: 0.8rem; font-variant-numeric: tabular-nums; }
.ttc caption { caption-side: top; padding: 0 0 0.3rem; color: var(--ttc-muted); text-align: left; }
.ttc th, .ttc td { padding: 0.2rem 0.35rem; border: 0; border-bottom: 1px solid var(--ttc-faint); color: inherit; background: none; text-align: right; vertical-align: bottom; }
.ttc tbody * { white-space: nowrap; }
.ttc [aria-current="true"] > * { font-weight: 700; background: var(--ttc-faint); }

.ttc .ttc-select { display: block; margin: 0 0 0.8rem; }
.ttc .ttc-select .ttc-label { display: block; }
.ttc select { display: block; width: 100%; max-width: 34rem; padding: 0.3rem 0.4rem; border: 1px solid var(--ttc-muted); border-radius: 0.4rem; color: var(--ttc-text); background: var(--ttc-back); font: inherit; font-size: 0.85rem; }
.ttc select:focus-visible { outline: 3px solid var(--pst-color-accent, #0072b2); outline-offset: 2px; }
.ttc .ttc-buttons { display: flex; gap: 0.5rem; margin: 0 0 0.8rem; }
.ttc .ttc-unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.ttc .ttc-compare { display: table; width: 100%; max-width: 34rem; margin: 0 0 0.8rem; table-layout: fixed; font-size: 0.9rem; }
.ttc .ttc-compare caption { color: var(--ttc-text); font-size: 0.9rem; }
.ttc .ttc-compare :is(th, td) { padding: 0.35rem 0.5rem; text-align: left; vertical-align: top; }
.ttc .ttc-compare :is(thead, tbody) :is(th, td):first-child { width: 2.6rem; color: var(--ttc-muted); font-weight: 400; }
.ttc .ttc-compare .ttc-verdict { display: block; font-weight: 400; }
.ttc .ttc-compare mark { padding: 0 0.15em; border-radius: 0.2em; color: inherit; background: color-mix(in srgb, var(--ttc-revision) 26%, var(--ttc-back)); font-weight: 700; text-decoration: underline; text-underline-offset: 0.15em; }
.ttc .ttc-compare .ttc-score { display: flex; align-items: center; gap: 0.4rem; margin-top: 0.15rem; font-size: 0.8rem; }
.ttc .ttc-compare .ttc-bar { flex: 0 1 4rem; height: 0.35rem; border-radius: 0.2rem; background: linear-gradient(to right, var(--ttc-prm) var(--ttc-share), var(--ttc-faint) var(--ttc-share)); }

@media (max-width: 480px) {
  .ttc .ttc-compare { font-size: 0.82rem; }
  .ttc .ttc-compare :is(th, td) { padding: 0.3rem 0.25rem; }
  .ttc .ttc-compare :is(thead, tbody) :is(th, td):first-child { width: 2.1rem; }
  .ttc { padding: 0.8rem 0.75rem; }
  .ttc .ttc-option span { padding: 0.25rem 0.45rem; }
  .ttc table { font-size: 0.72rem; }
  .ttc th, .ttc td { padding: 0.2rem 0.15rem; }
}
@media (prefers-reduced-motion: no-preference) { .ttc .ttc-moves { transition: transform 0.15s ease-out; } }
`;function t(a,l={},...i){let d=document.createElement(a);for(let[m,n]of Object.entries(l))d.setAttribute(m,n);return d.append(...i),d}function Y(a,...l){let i=t("form",{class:"ttc","aria-label":a,autocomplete:"off"});return i.append(t("style",{},K),t("p",{class:"ttc-title"},a),...l),i.addEventListener("submit",d=>d.preventDefault()),i.querySelectorAll("input, select, button, summary, [tabindex]").forEach(d=>d.setAttribute("data-lm-suppress-shortcuts","true")),i}function at(a,l,{input:i,change:d=()=>{}}){let m=t("span"),n=t("input",{type:"range",min:0,max:l.length-1,step:1,"aria-label":a}),p={node:t("label",{class:"ttc-slider"},t("span",{class:"ttc-label"},`${a}: `,m),n),focus:()=>n.focus(),get step(){return n.valueAsNumber},set step(s){n.value=s,m.textContent=l[s],n.setAttribute("aria-valuetext",l[s])}};return n.addEventListener("input",()=>{p.step=p.step,i(p.step)}),n.addEventListener("change",()=>d(p.step)),p}var it={1:"1 easiest",5:"5 hardest"};function Z(a,l){return R("Problems, by fifth of difficulty",a.map(({key:i})=>it[i]??i),l)}function R(a,l,i){let d=l.map(()=>t("input",{type:"radio",name:a}));d.forEach((s,h)=>s.addEventListener("change",()=>i(h)));let m=l.map(s=>t("span",{},s)),n=l.map((s,h)=>t("label",{class:"ttc-option"},d[h],m[h])),p=t("fieldset",{},t("legend",{},a),t("div",{class:"ttc-options"},...n));return{node:p,focus:()=>d.find(({checked:s})=>s)?.focus(),set chosen(s){d[s].checked=!0},set disabled(s){p.disabled=s},rename(s,h){m.forEach((e,v)=>{e.textContent=s[v]}),d.forEach((e,v)=>e.setAttribute("aria-label",h[v]))}}}function J(a,l,i){let d=Array.from({length:101},(p,s)=>`${s}%`),m=at("Your guess",d,{input:()=>{}});m.step=l;let n=t("button",{type:"button"},"Commit, then see");return n.addEventListener("click",()=>i(m.step)),t("div",{class:"ttc-prediction"},t("p",{},a),m.node,n)}function Q(){let a=t("p",{class:"ttc-live","aria-live":"polite","aria-atomic":"true"});return{node:a,say(l){a.textContent=l}}}function U(){let a=t("div",{class:"ttc-scroll",tabindex:0,role:"region","aria-label":"The numbers"}),l=(i,d,m)=>d.map(n=>t(i,m?{scope:m}:{},n));return{node:t("details",{},t("summary",{},"The numbers"),a),show({caption:i,columns:d,rows:m},n){let p=m.map(([s,...h],e)=>t("tr",{"aria-current":e===n},...l("th",[s],"row"),...l("td",h)));a.replaceChildren(t("table",{},t("caption",{},i),t("thead",{},t("tr",{},...l("th",d,"col"))),t("tbody",{},...p)))}}}var w=[["✗","wrong"],["✓","right"]];function st({model:a,el:l}){let{groups:i,kinds:d,tables:m,chains:n,source:p}=a.get("data"),s=n[0].attempts.length-1,h={group:0,chain:Math.max(n.findIndex(({attempts:[r,o]})=>r.right&&!o.right),0),revision:0},e={...h},v=null,N=null,$=Array.from({length:s},(r,o)=>o),B=Z(i,r=>{k(y(r).includes(e.chain)?{group:r}:{group:r,chain:y(r)[0],revision:0}),z()}),j=t("select",{"aria-label":"Chain"});j.addEventListener("change",()=>{k({chain:Number(j.value),revision:0}),z()});let L=R("Revision",$.map(String),r=>{k({revision:r}),z()}),D=t("button",{type:"button"},"‹ Back"),S=t("button",{type:"button"},"Next ›");D.addEventListener("click",()=>P(-1)),S.addEventListener("click",()=>P(1));let q=t("table",{class:"ttc-compare"}),V=Q(),_=U(),tt=t("p",{class:"ttc-source"},"Shown: attempts as the model wrote them, changes marked; under each step whether the solution is right so far (✓ or ✗) and a judge's score, from 0 to 1; the last is that of the attempt. Kinds of chains take turns in the menu, so rare ones are there too often; the sentence says how common each is. The intervals are 95%, over problems. ",`Data: ${p}.`),M=t("div",{hidden:""},B.node,t("label",{class:"ttc-select"},t("span",{class:"ttc-label"},"Chain"),j),L.node,t("div",{class:"ttc-buttons"},D,S),q,_.node,tt),X=J("In the paper a revision turned about 38% of right answers wrong. Here, of the first attempts that are right, how many does the first revision turn wrong?",38,r=>{v=r,W(),S.focus(),z()});M.insertBefore(V.node,_.node),l.replaceChildren(Y("Watch a revision",X,M));function y(r){return n.map((o,c)=>c).filter(o=>!r||n[o].group===i[r].key)}function P(r){let o=e.revision+r;if($.includes(o))k({revision:o});else{let c=y(e.group);k({chain:c.at((c.indexOf(e.chain)+r)%c.length),revision:r>0?0:s-1})}z()}function k(r){if(Object.assign(e,r),M.hidden)return;B.chosen=e.group,N!==e.group&&(j.replaceChildren(...y(e.group).map(c=>t("option",{value:c},`${n[c].question} (${F(c).name})`))),N=e.group),j.value=e.chain;let o=n[e.chain].attempts.map(({right:c})=>w[c]);L.rename($.map(c=>`${c+1} ${o[c][0]} → ${c+2} ${o[c+1][0]}`),$.map(c=>`attempt ${c+1}, ${o[c][1]}, revised to attempt ${c+2}, ${o[c+1][1]}`)),L.chosen=e.revision,et(),V.say(ct()),_.show(m[e.group],e.revision+1)}function W(){X.hidden=!0,M.hidden=!1,k({})}function F(r){return d.find(({key:o})=>o===n[r].kind)}function G(){return n[e.chain].attempts.slice(e.revision,e.revision+2)}function et(){let r=G(),o=Math.max(...r.map(({steps:g})=>g.length)),c=r.map(({right:g,answer:f},b)=>{let[x,A]=w[g],C=t("span",{class:"ttc-verdict"},`${x} ${A}: ${f}`);return t("th",{scope:"col"},`Attempt ${e.revision+b+1}`,C)}),u=Array.from({length:o},(g,f)=>t("tr",{},t("th",{scope:"row"},String(f+1)),...r.map(({steps:b},x)=>rt(b[f],r[1-x].steps[f]))));q.replaceChildren(t("caption",{},n[e.chain].question),t("thead",{},t("tr",{},t("th",{scope:"col"},"Step"),...c)),t("tbody",{},...u))}function rt(r,o){if(!r)return t("td",{},"no such step");let[c,u,g]=r,f=o?o[0].split(" "):[],b=c.split(" ").flatMap((E,T)=>[" ",E===f[T]?E:t("mark",{},E)]).slice(1),[x,A]=w[g],C=t("span",{class:"ttc-bar",style:`--ttc-share: ${100*Number(u)}%`});return t("td",{},t("span",{class:"ttc-unseen"},c===o?.[0]?"":"changed: "),...b,t("div",{class:"ttc-score"},t("span",{class:"ttc-unseen"},`${A} so far, score`),t("span",{"aria-hidden":"true"},x),u,C))}function ct(){let[r,o]=G(),c=Array.from({length:Math.max(r.steps.length,o.steps.length)},(I,nt)=>nt+1).filter(I=>r.steps[I-1]?.[0]!==o.steps[I-1]?.[0]),u=c.length?`changes step${c.length>1?"s":""} ${c.join(", ")}`:"changes nothing",g=r.right===o.right?`the answer stays ${w[o.right][1]}`:`${w[r.right][1]} becomes ${w[o.right][1]}`,[,f,b,x,A,C]=m[e.group].rows[e.revision+1],E=e.group?`In the ${i[e.group].name}`:"Over all problems",T=v!==null&&!e.group&&!e.revision,H=F(e.chain);return`Revision ${e.revision+1} of ${s} ${u}: ${g}. ${E}, ${H.said[e.group]} of chains are ${H.name}, like this one; revision ${e.revision+1} turns ${x} of right answers wrong${T?` (you guessed ${v}%)`:""} and ${A} of wrong ones right, and leaves ${f} (${b}) right. Cost up to here: ${C} a chain.`}function O(){let r=a.get("state"),o={group:i.findIndex(({key:u})=>u===String(r.problems)),chain:n.findIndex(({id:u})=>u===r.chain),revision:$.indexOf(Number(r.revision)-1)},c=Object.fromEntries(Object.entries(o).filter(([,u])=>u>=0));Object.keys(c).length&&(Object.assign(e,h,c),y(e.group).includes(e.chain)||(e.chain=y(e.group)[0]),W())}function z(){a.set("state",{problems:i[e.group].key,chain:n[e.chain].id,revision:e.revision+1}),a.save_changes()}return a.on("change:state",O),O(),()=>a.off("change:state",O)}var ut={render:st};export{ut as default};
