"use strict";
// Pictures: what is chosen, and one pixel that is read in all of them.

async function drawn(file) {
  const image = new Image();
  image.src = `data:image/png;base64,${file}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.width, image.height];
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.drawImage(image, 0, 0);
  return { canvas, colours: pen.getImageData(0, 0, image.width, image.height).data };
}

function element(tag, name, ...children) {
  const made = document.createElement(tag);
  if (name) made.className = name;
  made.append(...children);
  return made;
}

// A gallery's view; what is made of it is told by calling touched().
function looks(figure, { examples, meanings }, images, touched) {
  const selects = [...figure.querySelectorAll(".gallery select")];
  const box = figure.querySelector(".panels");
  const status = figure.querySelector("[role=status]");
  let panels = [];
  let pixel = null; // the one that stays; another is read while it is pointed at
  let isTouched = false;
  let round = 0;

  selects.forEach((select, number) => {
    const values = new Set(examples.map(([choices]) => choices[number]));
    select.append(...[...values].map((value) => new Option(value, value)));
    select.addEventListener("change", () => {
      isTouched = true;
      choose(selects.map((one) => one.value), number);
      touched();
    });
  });

  // The example with most of what is wanted, above all what was just chosen: not every method makes every picture.
  function choose(wanted, leading = -1) {
    const score = ([choices]) =>
      choices.reduce((sum, value, number) => sum + (value === wanted[number]) * (number === leading ? 9 : 1), 0);
    const best = examples.reduce((one, other) => (score(other) > score(one) ? other : one));
    selects.forEach((select, number) => (select.value = best[0][number]));
    draw(best[1]);
  }

  async function draw(parts) {
    const mine = ++round;
    const made = await Promise.all(parts.map(([, image]) => drawn(images[image])));
    if (mine !== round) return; // something else was chosen meanwhile
    panels = parts.map(([caption, , name], number) => {
      const { canvas, colours } = made[number];
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", caption);
      const [mark, value] = [element("div", "mark"), element("strong", "")];
      const frame = element("div", "frame", canvas, mark);
      return { caption, canvas, colours, mark, value, meaning: meanings[name] ?? {},
        whole: element("div", "panel", frame, element("span", "", caption), value) };
    });
    box.replaceChildren(...panels.map((panel) => panel.whole));
    read(pixel);
  }

  function read(place) {
    for (const { canvas, colours, mark, value, meaning } of panels) {
      mark.hidden = !place;
      value.textContent = "";
      if (!place) continue;
      const [x, y] = [Math.min(place[0], canvas.width - 1), Math.min(place[1], canvas.height - 1)];
      const [width, height] = [100 / canvas.width, 100 / canvas.height];
      Object.assign(mark.style, { left: `${x * width}%`, top: `${y * height}%`, width: `${width}%`, height: `${height}%` });
      const [r, g, b] = colours.subarray(4 * (y * canvas.width + x));
      const code = ((r << 16) | (g << 8) | b).toString(16).padStart(6, "0");
      value.textContent = meaning[code] ?? `R ${r}, G ${g}, B ${b}`;
    }
  }

  function keep(place) {
    [pixel, isTouched] = [place, true];
    read(pixel);
    touched();
  }

  function under(event) {
    const canvas = event.target.closest("canvas");
    if (!canvas) return null;
    const { left, top, width, height } = canvas.getBoundingClientRect();
    const x = Math.floor(((event.clientX - left) / width) * canvas.width);
    const y = Math.floor(((event.clientY - top) / height) * canvas.height);
    return [Math.max(x, 0), Math.max(y, 0)];
  }

  box.addEventListener("pointermove", (event) => read(under(event) ?? pixel));
  box.addEventListener("pointerleave", () => read(pixel));
  box.addEventListener("click", (event) => keep(under(event) ?? pixel));
  box.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!step || !panels.length || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const sides = [panels[0].canvas.width, panels[0].canvas.height];
    const from = pixel ?? sides.map((side) => side >> 1);
    const far = event.shiftKey ? 10 : 1;
    keep(from.map((place, axis) => Math.min(Math.max(place + far * step[axis], 0), sides[axis] - 1)));
    const values = panels.map(({ caption, value }) => `${caption}: ${value.textContent}`);
    status.textContent = `Column ${pixel[0]}, row ${pixel[1]}. ${values.join("; ")}`;
  });

  choose([]);
  return {
    state: () => [
      ...(isTouched ? selects.map((select) => [select.name, select.value]) : []),
      ...(isTouched && pixel ? [["pixel", pixel.join(",")]] : []),
    ],
    show(state) {
      isTouched = state.size > 0;
      const place = /^(\d+),(\d+)$/.exec(state.get("pixel") ?? "");
      pixel = place && [Number(place[1]), Number(place[2])];
      choose(selects.map((select) => state.get(select.name)));
    },
  };
}
