"use strict";
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
for (const group of all(".switch")) {
  const target = document.getElementById(group.dataset.for);
  for (const button of all("button", group))
    button.addEventListener("click", () => {
      target.dataset.show = button.dataset.show;
      for (const other of all("button", group)) other.setAttribute("aria-pressed", other === button);
    });
}
for (const button of all("button[aria-controls]"))
  button.addEventListener("click", () => {
    const row = document.getElementById(button.getAttribute("aria-controls"));
    row.hidden = !row.hidden;
    button.setAttribute("aria-expanded", !row.hidden);
  });
const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0, roundingMode: "halfEven" });
const make = (tag, text, attributes = {}) => {
  const element = Object.assign(document.createElement(tag), { textContent: text });
  for (const [name, it] of Object.entries(attributes)) element.setAttribute(name, it);
  return element;
};
for (const table of all("table[data-parts]")) {
  const labels = table.closest("[data-labels]").dataset.labels.split("|").map((pair) => pair.split("="));
  const parts = table.dataset.parts.split("|").map((pair) => pair.split("="));
  parts.sort(([, a], [, b]) => Math.abs(b) - Math.abs(a));
  const low = Math.min(0, ...parts.map(([, it]) => it)), width = Math.max(0, ...parts.map(([, it]) => it)) - low || 1;
  const body = table.createTBody();
  for (const [key, text] of parts) {
    const place = key.replace("*", ""), row = body.insertRow(), it = Number(text);
    const [name, label] = labels[place] ?? [place, place];
    const head = make("th", label, { scope: "row" }), bar = make("td", "", { class: "f" });
    if (key !== place) head.append(" ", make("small", "shocked"));
    const written = whole.format(it).replace("-", "−");
    const style = `left:${(100 * (Math.min(it, 0) - low)) / width}%;width:${(100 * Math.abs(it)) / width}%`;
    bar.append(make("i", "", { class: it < 0 ? "dn" : "", style }));
    row.append(head, bar, make("td", ""));
    row.lastChild.append(make("data", written === "−0" ? "0" : written, { value: text, "data-k": `impact:${name}` }));
  }
}
const value = (row, column) => {
  const cell = row.cells[column], data = cell.querySelector("data");
  if (data) return Number(data.value);
  const text = cell.dataset.sort ?? cell.textContent.trim();
  return text === "–" ? null : text.toLocaleLowerCase();
};
const compare = (a, b) => typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
for (const table of all("table.sortable")) {
  const body = table.tBodies[0], label = document.getElementById(`${table.id}-now`);
  const input = document.getElementById(`${table.id}-find`), size = Number(table.dataset.rows || 0);
  const steps = all(`[data-step="${table.id}"]`);
  let page = 0;
  const show = () => {
    const wanted = (input?.value ?? "").trim().toLocaleLowerCase();
    const found = [...body.rows].filter((row) => row.cells[0].textContent.toLocaleLowerCase().includes(wanted));
    const last = size ? Math.max(Math.ceil(found.length / size) - 1, 0) : 0;
    page = Math.min(Math.max(page, 0), last);
    const shown = new Set(size ? found.slice(page * size, (page + 1) * size) : found);
    for (const row of body.rows) row.hidden = !shown.has(row);
    if (label) label.textContent = found.length ? `${page * size + 1}–${page * size + shown.size} of ${found.length}` : "none";
    for (const step of steps) step.disabled = step.value === "-1" ? page === 0 : page === last;
  };
  for (const [column, head] of [...table.tHead.rows[0].cells].entries())
    head.querySelector("button")?.addEventListener("click", () => {
      const first = head.dataset.first ?? "descending";
      const now = head.ariaSort ? (head.ariaSort === "ascending" ? "descending" : "ascending") : first;
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", now);
      const rows = [...body.rows].map((row) => [value(row, column), row]);
      rows.sort(([a], [b]) => a === null ? (b === null ? 0 : 1) : b === null ? -1 : (now === "ascending" ? 1 : -1) * compare(a, b));
      body.append(...rows.map(([, row]) => row));
      page = 0;
      show();
    });
  input?.addEventListener("input", () => { page = 0; show(); });
  for (const step of steps) step.addEventListener("click", () => { page += Number(step.value); show(); });
  if (input || size) show();
}
const field = (cell) => {
  const data = cell.querySelectorAll("data"), copy = cell.cloneNode(true);
  if (data.length === 1) return data[0].value;
  for (const mark of all(".bar, svg, button[aria-controls]", copy)) mark.remove();
  const text = copy.textContent.replace(/\s+/g, " ").trim();
  return text === "–" ? "" : text;
};
const quoted = (text) => {
  const safe = /^[=+@\t-]/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text;
  return /[",\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
};
for (const table of all("main section table")) {
  if (!table.tHead || table.closest("tr")) continue;
  const keep = [...table.tHead.rows[0].cells].map((cell) => cell.tagName === "TH" || cell.textContent.trim() !== "");
  const button = make("button", "CSV", { type: "button", class: "csv", "aria-label": "Download this table as CSV" });
  button.addEventListener("click", () => {
    const rows = [...table.tHead.rows, ...[...table.tBodies].flatMap((body) => [...body.rows])];
    const lines = rows.filter((row) => !row.querySelector("table") && row.cells.length === keep.length)
      .map((row) => [...row.cells].filter((_, at) => keep[at]).map((cell) => quoted(field(cell))).join(","));
    const { portfolio = "all", session = "" } = table.closest("main").dataset;
    const part = table.closest("section").id || table.id || "table";
    const href = URL.createObjectURL(new Blob(["\ufeff", lines.join("\r\n"), "\r\n"], { type: "text/csv" }));
    make("a", "", { href, download: `${session}-${portfolio.replace(/[^\w-]+/g, "-")}-${part}.csv` }).click();
    setTimeout(() => URL.revokeObjectURL(href), 1000);
  });
  (table.closest(".scroll") ?? table).after(button);
}
addEventListener("beforeprint", () => { for (const row of all("table.sortable tbody tr")) row.hidden = false; });
addEventListener("beforeprint", () => all("details").forEach((fold) => (fold.open = true)));
