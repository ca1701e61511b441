/*! Made by "npm run build" in ttclab/explorables/src: change the sources, not this file.
sources sha256:97f0de9d34c9ebe85c1219655ecd4526b35af450f8e8c032755afa0d9e069562
code sha256:00532c75459fbcb145ef76514d4863b64b27eb9597b03d62cf022b87840652fa

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
  --ttc-beam: #cc79a7;
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
.ttc:is([data-judge="none"], [data-judge="vote"]) { --ttc-chosen: var(--ttc-majority); }
.ttc[data-judge="orm"] { --ttc-chosen: var(--ttc-orm); }
.ttc[data-judge="noisy"] { --ttc-chosen: var(--ttc-single); }
.ttc[data-judge="oracle"] { --ttc-chosen: var(--ttc-oracle); }
.ttc[data-judge] .ttc-band { fill: var(--ttc-chosen); }
.ttc .ttc-judge { --ttc-ink: var(--ttc-chosen); --ttc-words: color-mix(in srgb, var(--ttc-chosen) 45%, var(--ttc-text)); }
.ttc .ttc-s-single, .ttc .ttc-s-large { --ttc-ink: var(--ttc-single); --ttc-words: var(--ttc-muted); }
.ttc .ttc-s-vote { --ttc-ink: var(--ttc-majority); --ttc-words: color-mix(in srgb, var(--ttc-majority) 45%, var(--ttc-text)); }
.ttc .ttc-s-orm { --ttc-ink: var(--ttc-orm); --ttc-words: color-mix(in srgb, var(--ttc-orm) 45%, var(--ttc-text)); }
.ttc :is(.ttc-s-prm, .ttc-s-prm-14x) { --ttc-ink: var(--ttc-prm); --ttc-words: color-mix(in srgb, var(--ttc-prm) 45%, var(--ttc-text)); }
.ttc .ttc-s-beam { --ttc-ink: var(--ttc-beam); --ttc-words: color-mix(in srgb, var(--ttc-beam) 45%, var(--ttc-text)); }
.ttc .ttc-s-revision { --ttc-ink: var(--ttc-revision); --ttc-words: color-mix(in srgb, var(--ttc-revision) 45%, var(--ttc-text)); }
.ttc .ttc-s-adaptive { --ttc-ink: var(--ttc-text); --ttc-words: var(--ttc-text); }
.ttc .ttc-s-oracle { --ttc-ink: var(--ttc-oracle); --ttc-words: var(--ttc-oracle-text); }
.ttc .ttc-line.ttc-s-large { stroke-dasharray: 6 5; stroke-linecap: butt; }
.ttc .ttc-line.ttc-s-prm-14x { stroke-dasharray: 1 5; }
.ttc .ttc-band[class*="ttc-s-"] { fill: var(--ttc-ink); fill-opacity: 0.16; }
.ttc .ttc-large { --ttc-ink: var(--ttc-single); --ttc-words: var(--ttc-muted); }
.ttc .ttc-line.ttc-large { stroke-width: 1.8; stroke-dasharray: 7 5; stroke-linecap: butt; }
.ttc .ttc-best { --ttc-words: var(--ttc-text); }
.ttc .ttc-guessed { --ttc-words: var(--ttc-text); font-weight: 400; }
.ttc .ttc-line { stroke: var(--ttc-ink); }
.ttc .ttc-dot { fill: var(--ttc-ink); }
.ttc svg text.ttc-name, .ttc svg text.ttc-value { fill: var(--ttc-words); }

.ttc .ttc-map svg { cursor: default; }
.ttc .ttc-cell rect { fill: color-mix(in srgb, var(--ttc-revision) var(--ttc-share), var(--ttc-back)); stroke: var(--ttc-faint); }
.ttc .ttc-cell { cursor: pointer; font-variant-numeric: tabular-nums; }
.ttc .ttc-cell.ttc-beyond { cursor: default; }
.ttc .ttc-cell.ttc-beyond rect { fill: none; stroke-dasharray: 3 3; }
.ttc .ttc-cell.ttc-chosen text { font-weight: 700; text-decoration: underline; text-underline-offset: 0.2em; }
.ttc .ttc-cell.ttc-chosen .ttc-signs { text-decoration: none; }
.ttc .ttc-cell.ttc-best rect { stroke: var(--ttc-text); stroke-width: 2.5; }
.ttc .ttc-key { margin: 0.3rem 0 0; font-size: 0.85rem; }

.ttc details { margin: 0; }
.ttc summary { width: fit-content; color: var(--ttc-muted); font-size: 0.85rem; cursor: pointer; }
.ttc .ttc-scroll { max-width: 100%; overflow-x: auto; }
.ttc .ttc-scroll table { display: table; } /* the region scrolls, not the table in it */
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
`;function t(i,s={},...a){let l=document.createElement(i);for(let[d,c]of Object.entries(s))l.setAttribute(d,c);return l.append(...a),l}function Y(i,...s){let a=t("form",{class:"ttc","aria-label":i,autocomplete:"off"});return a.append(t("style",{},K),t("p",{class:"ttc-title"},i),...s),a.addEventListener("submit",l=>l.preventDefault()),a.querySelectorAll("input, select, button, summary, [tabindex]").forEach(l=>l.setAttribute("data-lm-suppress-shortcuts","true")),a}function at(i,s,{input:a,change:l=()=>{}}){let d=t("span"),c=t("input",{type:"range",min:0,max:s.length-1,step:1,"aria-label":i}),m={node:t("label",{class:"ttc-slider"},t("span",{class:"ttc-label"},`${i}: `,d),c),focus:()=>c.focus(),set disabled(p){c.disabled=p},get step(){return c.valueAsNumber},set step(p){c.value=p,d.textContent=s[p],c.setAttribute("aria-valuetext",s[p])}};return c.addEventListener("input",()=>{m.step=m.step,a(m.step)}),c.addEventListener("change",()=>l(m.step)),m}var it={1:"1 easiest",5:"5 hardest"};function Z(i,s){return R("Problems, by fifth of difficulty",i.map(({key:a})=>it[a]??a),s)}function st(i,s,a,l){let d=a.map(()=>t("input",{type:i,name:s}));d.forEach((u,e)=>u.addEventListener("change",()=>l(e)));let c=a.map(u=>t("span",{},u)),m=a.map((u,e)=>t("label",{class:"ttc-option"},d[e],c[e])),p=t("fieldset",{},t("legend",{},s),t("div",{class:"ttc-options"},...m));return{inputs:d,spans:c,node:p}}function R(i,s,a){let{inputs:l,spans:d,node:c}=st("radio",i,s,a);return{node:c,focus:()=>l.find(({checked:m})=>m)?.focus(),set chosen(m){l[m].checked=!0},set disabled(m){c.disabled=m},rename(m,p){d.forEach((u,e)=>{u.textContent=m[e]}),l.forEach((u,e)=>u.setAttribute("aria-label",p[e]))}}}function J(i,s,a){let l=Array.from({length:101},(m,p)=>`${p}%`),d=at("Your guess",l,{input:()=>{}});d.step=s;let c=t("button",{type:"button"},"Commit, then see");return c.addEventListener("click",()=>a(d.step)),t("div",{class:"ttc-prediction"},t("p",{},i),d.node,c)}function Q(){let i=t("p",{class:"ttc-live","aria-live":"polite","aria-atomic":"true"});return{node:i,say(s){i.textContent=s}}}function U(){let i=t("div",{class:"ttc-scroll",tabindex:0,role:"region","aria-label":"The numbers"}),s=(a,l,d)=>l.map(c=>t(a,d?{scope:d}:{},c));return{node:t("details",{},t("summary",{},"The numbers"),i),show({caption:a,columns:l,rows:d},c){let m=d.map(([p,...u],e)=>t("tr",{"aria-current":e===c},...s("th",[p],"row"),...s("td",u)));i.replaceChildren(t("table",{},t("caption",{},a),t("thead",{},t("tr",{},...s("th",l,"col"))),t("tbody",{},...m)))}}}var y=[["✗","wrong"],["✓","right"]];function lt({model:i,el:s}){let{groups:a,kinds:l,tables:d,chains:c,source:m}=i.get("data"),p=c[0].attempts.length-1,u={group:0,chain:Math.max(c.findIndex(({attempts:[r,n]})=>r.right&&!n.right),0),revision:0},e={...u},M=null,N=null,w=Array.from({length:p},(r,n)=>n),B=Z(a,r=>{k(x(r).includes(e.chain)?{group:r}:{group:r,chain:x(r)[0],revision:0}),j()}),$=t("select",{"aria-label":"Chain"});$.addEventListener("change",()=>{k({chain:Number($.value),revision:0}),j()});let L=R("Revision",w.map(String),r=>{k({revision:r}),j()}),D=t("button",{type:"button"},"‹ Back"),_=t("button",{type:"button"},"Next ›");D.addEventListener("click",()=>P(-1)),_.addEventListener("click",()=>P(1));let q=t("table",{class:"ttc-compare"}),V=Q(),S=U(),tt=t("p",{class:"ttc-source"},"Shown: attempts as the model wrote them, changes marked; under each step whether the solution is right so far (✓ or ✗) and a judge's score, from 0 to 1; the last is that of the attempt. Kinds of chains take turns in the menu, so rare ones are there too often; the sentence says how common each is. The intervals are 95%, over problems. ",`Data: ${m}.`),C=t("div",{hidden:""},B.node,t("label",{class:"ttc-select"},t("span",{class:"ttc-label"},"Chain"),$),L.node,t("div",{class:"ttc-buttons"},D,_),q,S.node,tt),X=J("In the paper a revision turned about 38% of right answers wrong. Here, of the first attempts that are right, how many does the first revision turn wrong?",38,r=>{M=r,W(),_.focus(),j()});C.insertBefore(V.node,S.node),s.replaceChildren(Y("Watch a revision",X,C));function x(r){return c.map((n,o)=>o).filter(n=>!r||c[n].group===a[r].key)}function P(r){let n=e.revision+r;if(w.includes(n))k({revision:n});else{let o=x(e.group);k({chain:o.at((o.indexOf(e.chain)+r)%o.length),revision:r>0?0:p-1})}j()}function k(r){if(Object.assign(e,r),C.hidden)return;B.chosen=e.group,N!==e.group&&($.replaceChildren(...x(e.group).map(o=>t("option",{value:o},`${c[o].question} (${F(o).name})`))),N=e.group),$.value=e.chain;let n=c[e.chain].attempts.map(({right:o})=>y[o]);L.rename(w.map(o=>`${o+1} ${n[o][0]} → ${o+2} ${n[o+1][0]}`),w.map(o=>`attempt ${o+1}, ${n[o][1]}, revised to attempt ${o+2}, ${n[o+1][1]}`)),L.chosen=e.revision,et(),V.say(ct()),S.show(d[e.group],e.revision+1)}function W(){X.hidden=!0,C.hidden=!1,k({})}function F(r){return l.find(({key:n})=>n===c[r].kind)}function G(){return c[e.chain].attempts.slice(e.revision,e.revision+2)}function et(){let r=G(),n=Math.max(...r.map(({steps:v})=>v.length)),o=r.map(({right:v,answer:f},g)=>{let[b,z]=y[v],E=t("span",{class:"ttc-verdict"},`${b} ${z}: ${f}`);return t("th",{scope:"col"},`Attempt ${e.revision+g+1}`,E)}),h=Array.from({length:n},(v,f)=>t("tr",{},t("th",{scope:"row"},String(f+1)),...r.map(({steps:g},b)=>rt(g[f],r[1-b].steps[f]))));q.replaceChildren(t("caption",{},c[e.chain].question),t("thead",{},t("tr",{},t("th",{scope:"col"},"Step"),...o)),t("tbody",{},...h))}function rt(r,n){if(!r)return t("td",{},"no such step");let[o,h,v]=r,f=n?n[0].split(" "):[],g=o.split(" ").flatMap((A,T)=>[" ",A===f[T]?A:t("mark",{},A)]).slice(1),[b,z]=y[v],E=t("span",{class:"ttc-bar",style:`--ttc-share: ${100*Number(h)}%`});return t("td",{},t("span",{class:"ttc-unseen"},o===n?.[0]?"":"changed: "),...g,t("div",{class:"ttc-score"},t("span",{class:"ttc-unseen"},`${z} so far, score`),t("span",{"aria-hidden":"true"},b),h,E))}function ct(){let[r,n]=G(),o=Array.from({length:Math.max(r.steps.length,n.steps.length)},(I,ot)=>ot+1).filter(I=>r.steps[I-1]?.[0]!==n.steps[I-1]?.[0]),h=o.length?`changes step${o.length>1?"s":""} ${o.join(", ")}`:"changes nothing",v=r.right===n.right?`the answer stays ${y[n.right][1]}`:`${y[r.right][1]} becomes ${y[n.right][1]}`,[,f,g,b,z,E]=d[e.group].rows[e.revision+1],A=e.group?`In the ${a[e.group].name}`:"Over all problems",T=M!==null&&!e.group&&!e.revision,H=F(e.chain);return`Revision ${e.revision+1} of ${p} ${h}: ${v}. ${A}, ${H.said[e.group]} of chains are ${H.name}, like this one; revision ${e.revision+1} turns ${b} of right answers wrong${T?` (you guessed ${M}%)`:""} and ${z} of wrong ones right, and leaves ${f} (${g}) right. Cost up to here: ${E} a chain.`}function O(){let r=i.get("state"),n={group:a.findIndex(({key:h})=>h===String(r.problems)),chain:c.findIndex(({id:h})=>h===r.chain),revision:w.indexOf(Number(r.revision)-1)},o=Object.fromEntries(Object.entries(n).filter(([,h])=>h>=0));Object.keys(o).length&&(Object.assign(e,u,o),x(e.group).includes(e.chain)||(e.chain=x(e.group)[0]),W())}function j(){i.set("state",{problems:a[e.group].key,chain:c[e.chain].id,revision:e.revision+1}),i.save_changes()}return i.on("change:state",O),O(),()=>i.off("change:state",O)}var ht={render:lt};export{ht as default};
