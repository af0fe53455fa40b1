"use strict";
// Tables are sorted within their groups of rows, missing values last, and filtered by words.

const collator = new Intl.Collator("en", { numeric: true });

// A table's view; what is made of it is told by calling touched().
function sorts(figure, touched) {
  const headers = [...figure.querySelectorAll("thead th")];
  const titles = headers.map((header) => header.textContent.trim());
  const filter = figure.querySelector("input");
  const count = figure.querySelector("output");
  const groups = [...figure.querySelectorAll("tbody")].map((body) => {
    const heading = body.querySelector(".group")?.parentElement;
    return { body, heading, rows: [...body.rows].filter((row) => row !== heading) };
  });
  let column = -1;
  let order = "";

  const isNumeric = (index) => headers[index].classList.contains("right");

  function value(row, index) {
    const text = (row.cells[index]?.firstChild?.textContent ?? "").trim(); // without the interval that stands below it
    return isNumeric(index) ? parseFloat(text.replaceAll(",", "")) : text;
  }

  const isMissing = (one) => one === "-" || one === "" || Number.isNaN(one);

  function compare(a, b) {
    const [one, other] = [value(a, column), value(b, column)];
    const apart = isMissing(one) - isMissing(other);
    if (apart || isMissing(one)) return apart;
    const difference = isNumeric(column) ? one - other : collator.compare(one, other);
    return order === "descending" ? -difference : difference;
  }

  function sort(index, direction) {
    [column, order] = [index, direction];
    headers.forEach((header, number) => {
      if (number === column) header.setAttribute("aria-sort", order);
      else header.removeAttribute("aria-sort");
    });
    for (const { body, rows } of groups) body.append(...(column < 0 ? rows : [...rows].sort(compare)));
  }

  function sift() {
    if (!filter) return;
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    let [shown, all] = [0, 0];
    for (const { heading, rows } of groups) {
      const above = heading?.textContent ?? "";
      for (const row of rows) {
        const text = `${above} ${row.textContent}`.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
        shown += !row.hidden;
      }
      all += rows.length;
      if (heading) heading.hidden = rows.every((row) => row.hidden);
    }
    count.textContent = words.length ? `${shown} of ${all} rows` : "";
  }

  headers.forEach((header, index) => {
    const button = document.createElement("button");
    button.type = "button";
    button.title = "Sort by this column";
    button.append(...header.childNodes);
    header.append(button);
    button.addEventListener("click", () => {
      const [first, second] = isNumeric(index) ? ["descending", "ascending"] : ["ascending", "descending"];
      if (column !== index) sort(index, first);
      else if (order === first) sort(index, second);
      else sort(-1, "");
      touched();
    });
  });
  filter?.addEventListener("input", () => {
    sift();
    touched();
  });

  return {
    state: () => [
      ...(column < 0 ? [] : [["sort", titles[column]], ["order", order]]),
      ...(filter?.value ? [["filter", filter.value]] : []),
    ],
    show(state) {
      if (filter) filter.value = state.get("filter") ?? "";
      sift();
      sort(titles.indexOf(state.get("sort")), state.get("order") === "descending" ? "descending" : "ascending");
    },
  };
}
