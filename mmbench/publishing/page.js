"use strict";
// The page: its address brings back how tables and pictures are shown, which are views of tables.js and pictures.js.
// Where no script runs, the page shows the same tables and figures. After its "#" an address names every table and
// gallery that is not as it was made, each followed by how it is shown, and the page scrolls to the last one:
//   table=segmentation-rooms-laptop&sort=mIoU&order=descending&filter=oracle
//   pictures=pictures-rooms-laptop-to-depth&image=2&translation=rgb+→+depth&method=Oracle&seed=0&pixel=12,40
const TOUCHED = 200; // milliseconds until the address follows: browsers refuse to change it hundreds of times at once
const views = new Map(); // kind and name -> view: its figure and link, state() as pairs, show(Map of them)
let latest = ""; // the view that was touched last
let waiting = 0;

const fragment = (keys) => {
  const pairs = keys.flatMap((key) => [key.split(/=(.*)/s, 2), ...views.get(key).state()]);
  return `#${new URLSearchParams(pairs)}`;
};

function follow() {
  const others = [...views.keys()].filter((key) => key !== latest && views.get(key).state().length);
  history.replaceState(null, "", fragment([...others, latest]));
  const link = views.get(latest).link;
  if (link) link.href = fragment([latest]);
}

function touched(key) {
  latest = key;
  clearTimeout(waiting);
  waiting = setTimeout(follow, TOUCHED);
}

function asked(hash) {
  const found = new Map();
  let state = new Map();
  for (const [name, value] of new URLSearchParams(hash.slice(1))) {
    if (name === "table" || name === "pictures") found.set(`${name}=${value}`, (state = new Map()));
    else state.set(name, value);
  }
  return found;
}

function restore() {
  const wanted = asked(location.hash);
  if (!wanted.size) return; // an anchor, or nothing: what is shown stays
  for (const [key, view] of views) view.show(wanted.get(key) ?? new Map());
  const last = [...wanted.keys()].findLast((key) => views.has(key));
  if (!last) return;
  latest = last;
  const { figure, link } = views.get(last);
  if (link) link.href = fragment([last]);
  figure.scrollIntoView();
}

function add(key, figure, make, tools) {
  if (tools) tools.hidden = false;
  const view = { figure, link: tools?.querySelector(".link"), ...make(() => touched(key)) };
  views.set(key, view);
  if (view.link) view.link.href = fragment([key]);
}

const { images, galleries } = JSON.parse(document.getElementById("pictures").textContent);
for (const figure of document.querySelectorAll("figure")) {
  const [name, gallery] = [figure.id.replace("item-", ""), galleries[figure.id]];
  if (figure.querySelector("table")) {
    add(`table=${name}`, figure, (touch) => sorts(figure, touch), figure.querySelector(".tools"));
  } else if (gallery?.examples.length) {
    add(`pictures=${name}`, figure, (touch) => looks(figure, gallery, images, touch), figure.querySelector(".gallery"));
  }
}
addEventListener("hashchange", restore);
addEventListener("load", restore); // only then do images have their heights, and the page its length
