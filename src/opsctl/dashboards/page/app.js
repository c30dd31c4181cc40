// Draws the panels of the books from what the server asks Prometheus. Text is always set as text, never as markup.
"use strict";

const $ = (id) => document.getElementById(id);
const COLOURS = ["#2f6fed", "#e07b39", "#2a9d6f", "#b04fc4", "#d1495b", "#7a8b3c", "#1b9aaa", "#8d6bd1", "#c29b28", "#5c6f82"];
const SEVERITY = { critical: "--critical", warning: "--warning", info: "--info", none: "--soft" };
let boards = [], current = "", charts = new Map(), timer = 0, seen = new Set();

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const make = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") element.textContent = value; else if (value !== null) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
};

async function ask(path, parameters = {}) {
  const answer = await fetch(`${path}?${new URLSearchParams(parameters)}`, { cache: "no-store" });
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.why || `HTTP ${answer.status}`);
  return body;
}

function written(value, unit) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  const size = Math.abs(value);
  switch (unit) {
    case "percentunit": return `${trimmed(value * 100)} %`;
    case "s": return size === 0 ? "0 s" : size < 0.001 ? `${trimmed(value * 1e6)} µs` : size < 1 ? `${trimmed(value * 1000)} ms`
      : size < 120 ? `${trimmed(value)} s` : size < 7200 ? `${trimmed(value / 60)} min` : size < 172800 ? `${trimmed(value / 3600)} h` : `${trimmed(value / 86400)} d`;
    case "bytes": { const step = size < 1024 ? 0 : Math.min(4, Math.floor(Math.log2(size) / 10)); return `${trimmed(value / 1024 ** step)} ${["B", "KiB", "MiB", "GiB", "TiB"][step]}`; }
    case "reqps": return `${trimmed(value)} req/s`;
    case "cps": return `${trimmed(value)} /s`;
    case "currencyUSD": return `$${trimmed(value)}`;
    default: return size >= 10000 ? Math.round(value).toLocaleString("en") : trimmed(value);
  }
}
function trimmed(value) {
  const size = Math.abs(value);
  if (size > 0 && size < 0.01) return String(Number(value.toPrecision(2))); // a probability of 0.0004 is not 0
  return String(Number(value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3)));
}

function showBoard(name) {
  const board = boards.find((each) => each.name === name) || boards[0];
  if (!board) return;
  current = board.name;
  for (const link of $("boards").children) {
    if (link.dataset.board === current) link.setAttribute("aria-current", "page"); else link.removeAttribute("aria-current");
  }
  charts.forEach((chart) => chart.destroy());
  charts.clear(); seen.clear();
  document.title = `${board.title} · opsctl`;
  const main = $("board");
  main.replaceChildren(make("p", { class: "about", text: board.description }));
  for (const row of board.rows) {
    const grid = make("div", { class: "row" });
    main.append(make("h2", { text: row.title }), grid);
    for (const panel of row.panels) grid.append(panelCard(panel));
  }
  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      const key = entry.target.dataset.panel;
      if (!entry.isIntersecting) seen.delete(key); else if (!seen.has(key)) { seen.add(key); draw(key); }
    }
  }, { rootMargin: "200px" });
  main.querySelectorAll(".panel").forEach((card) => watcher.observe(card));
}

function panelCard(panel) {
  const links = panel.alerts.slice(0, 1).map((alert) => make("a", { class: "runbook", href: `#runbook/${alert.rule}`, title: `Runbook of ${alert.name}: ${alert.runbook}`, text: "runbook" }));
  links.forEach((link, index) => link.addEventListener("click", (event) => { event.preventDefault(); location.hash = `runbook/${panel.alerts[index].rule}`; }));
  const card = make("section", { class: "panel", "data-panel": panel.key, id: `panel-${panel.key}`, "aria-label": panel.title },
    make("header", {}, make("h3", { text: panel.title }), ...links),
    make("p", { class: "why", text: panel.description }),
    make("div", { class: "body" }, make("p", { class: "empty", text: "…" })));
  card.style.gridColumn = `span ${panel.width}`;
  return card;
}

const findPanel = (key) => boards.find((each) => each.name === current)?.rows.flatMap((row) => row.panels).find((each) => each.key === key);

async function draw(key) {
  const panel = findPanel(key), card = $(`panel-${key}`);
  if (!panel || !card) return;
  const body = card.querySelector(".body"), board = current;
  let answer;
  try {
    answer = await ask("/api/panel", { board, panel: key, range: $("range").value, job: $("job").value, instance: $("instance").value });
  } catch (error) {
    forget(key);
    body.replaceChildren(make("p", { class: "empty", text: `Prometheus gives no answer: ${error.message}` }));
    return;
  }
  if (board !== current) return;
  const series = answer.series.filter((each) => each.points.length);
  if (!series.length) {
    forget(key);
    body.replaceChildren(make("p", { class: "empty", text: "Nothing was measured in this time. A service without requests, or one that was just started, shows nothing here." }));
    return;
  }
  ({ stat: drawStat, gauge: drawStat, bar_gauge: drawBars, table: drawTable, heatmap: drawHeat, state_timeline: drawStates }[panel.kind] || drawLines)(panel, body, series, answer);
}

function forget(key) { charts.get(key)?.destroy(); charts.delete(key); }
const last = (each) => each.points[each.points.length - 1][1];
const height = (panel) => Math.max(90, panel.height * 24 - 40);

function drawLines(panel, body, series, answer) {
  const times = [...new Set(series.flatMap((each) => each.points.map((point) => point[0])))].sort((a, b) => a - b);
  const columns = series.map((each) => { const known = new Map(each.points); return times.map((time) => known.get(time) ?? null); });
  const data = [times, ...columns], ink = css("--soft"), line = css("--line");
  forget(panel.key);
  const values = columns.flat().filter((value) => value !== null);
  const lines = panel.thresholds.filter((each) => each.value !== null);
  const low = panel.min ?? Math.min(...values, ...lines.map((each) => each.value));
  const top = Math.max(...values, panel.max ?? -Infinity);
  // A threshold far above everything would flatten the line that people came to see; it is told in words then.
  const near = lines.filter((each) => each.value <= Math.max(top * 4, top + Math.abs(low)) || panel.max !== null);
  const high = Math.max(top, ...near.map((each) => each.value));
  const room = (high - low) * 0.08 || Math.abs(high) * 0.1 || 1;
  const axis = { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 }, font: "11px system-ui, sans-serif" };
  body.replaceChildren();
  const chart = new uPlot({
    width: body.clientWidth || 300, height: height(panel), cursor: { y: false, points: { size: 6 } }, legend: { show: false },
    scales: { x: { min: answer.start, max: answer.end }, y: { range: [low, high + room] } },
    axes: [{ ...axis, values: (_, ticks) => ticks.map((tick) => new Date(tick * 1000).toISOString().slice(11, 16)) },
           { ...axis, size: 64, values: (_, ticks) => ticks.map((tick) => written(tick, panel.unit)) }],
    series: [{}, ...series.map((each, index) => ({ label: each.legend, stroke: COLOURS[index % COLOURS.length], width: 1.6, points: { show: times.length < 3 } }))],
    hooks: { draw: [(plot) => drawThresholds(plot, near)] , setCursor: [(plot) => follow(plot)] },
  }, data, body);
  charts.set(panel.key, chart);
  const legend = make("div", { class: "legend" });
  series.forEach((each, index) => legend.append(legendEntry(each.legend, COLOURS[index % COLOURS.length], written(last(each), panel.unit))));
  for (const each of lines) legend.append(legendEntry(`fires ${each.comparison === "<" ? "below" : "above"}`, css(SEVERITY[each.severity] || "--soft"), written(each.value, panel.unit), "threshold"));
  body.append(legend);
  const entries = [...legend.querySelectorAll("span:not(.threshold) b")];
  function follow(plot) {
    const index = plot.cursor.idx;
    entries.forEach((entry, place) => { entry.textContent = written(index === null || index === undefined ? last(series[place]) : columns[place][index], panel.unit); });
  }
}

function legendEntry(name, colour, value, kind = null) {
  const mark = make("i"); mark.style.background = colour;
  return make("span", { class: kind }, mark, name, make("b", { text: value }));
}

function drawThresholds(plot, lines) {
  const context = plot.ctx;
  context.save();
  context.setLineDash([6, 4]); context.lineWidth = 1.5;
  for (const each of lines) {
    const y = plot.valToPos(each.value, "y", true);
    context.strokeStyle = css(SEVERITY[each.severity] || "--soft");
    context.beginPath(); context.moveTo(plot.bbox.left, y); context.lineTo(plot.bbox.left + plot.bbox.width, y); context.stroke();
  }
  context.restore();
}

function drawStat(panel, body, series) {
  forget(panel.key);
  const parts = series.slice(0, 6).flatMap((each) => [coloured(make("div", { class: "big", text: written(last(each), panel.unit) }), panel, last(each)), ...(series.length > 1 ? [make("div", { class: "why", text: each.legend })] : [])]);
  body.replaceChildren(...parts);
}

function coloured(element, panel, value) {
  const crossed = panel.thresholds.find((each) => each.value !== null && (each.comparison === "<" ? value < each.value : value > each.value));
  if (crossed) element.style.color = css(SEVERITY[crossed.severity] || "--soft");
  return element;
}

function drawBars(panel, body, series) {
  forget(panel.key);
  const most = Math.max(...series.map(last), panel.max ?? 0) || 1;
  const grid = make("div", { class: "bars" });
  for (const each of [...series].sort((a, b) => last(b) - last(a))) {
    const meter = make("meter", { min: 0, max: most, value: Math.max(0, last(each)), "aria-label": each.legend });
    grid.append(make("div", { text: each.legend }), meter, make("b", { text: written(last(each), panel.unit) }));
  }
  body.replaceChildren(make("div", { class: "scroll" }, grid));
}

function drawTable(panel, body, series) {
  forget(panel.key);
  // Of times, what is due first; of all else, what belongs together.
  const order = panel.unit === "s" ? (a, b) => last(a) - last(b) : (a, b) => a.legend.localeCompare(b.legend);
  const rows = [...series].sort(order).map((each) => make("tr", {}, make("td", { text: each.legend }), make("td", { text: written(last(each), panel.unit) })));
  const table = crossTable(panel, series) || make("table", {}, make("tbody", {}, ...rows));
  body.replaceChildren(make("div", { class: "scroll" }, table));
}

// Where legends are `row: column`, and every row has every column, they are drawn so; the column of small values stands left.
function crossTable(panel, series) {
  const cells = new Map(series.map((each) => [each.legend, last(each)]));
  const parts = series.map((each) => each.legend.split(": "));
  const names = (place) => [...new Set(parts.map((each) => each[place]))].sort();
  const rows = names(0), columns = names(1), total = (column) => rows.reduce((sum, row) => sum + cells.get(`${row}: ${column}`), 0);
  if (parts.some((each) => each.length !== 2) || columns.length < 2 || rows.length * columns.length !== cells.size) return null;
  columns.sort((a, b) => Number((total(a) - total(b)).toFixed(9)));
  const heads = ["", ...columns].map((name) => make("th", { scope: "col", text: name }));
  const lines = rows.map((row) => make("tr", {}, make("td", { text: row }), ...columns.map((column) => make("td", { text: written(cells.get(`${row}: ${column}`), panel.unit) }))));
  return make("table", {}, make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...lines));
}

function ownCanvas(panel, body, tall) {
  forget(panel.key);
  const canvas = make("canvas", { class: "own", role: "img", "aria-label": panel.title }), scale = window.devicePixelRatio || 1, width = body.clientWidth || 300;
  canvas.width = width * scale; canvas.height = tall * scale; canvas.style.height = `${tall}px`;
  body.replaceChildren(canvas);
  const context = canvas.getContext("2d"); context.scale(scale, scale); context.font = "11px system-ui, sans-serif";
  return [context, width];
}

function drawStates(panel, body, series, answer) {
  const shown = series.slice(0, 40), tall = shown.length * 22 + 22;
  const [context, width] = ownCanvas(panel, body, tall), left = Math.min(190, width * 0.38), span = answer.end - answer.start;
  const firing = panel.key === "firing";
  const colour = (value) => firing ? (value >= 2 ? css("--critical") : css("--warning")) : panel.key === "breakers" ? (value > 0 ? css("--critical") : css("--good")) : value >= 1 ? css("--good") : css("--critical");
  shown.forEach((each, row) => {
    const y = row * 22 + 4;
    context.fillStyle = css("--ink"); context.textBaseline = "middle"; context.textAlign = "right";
    context.fillText(each.legend.slice(0, 30), left - 8, y + 8, left - 12);
    context.fillStyle = css("--line"); context.fillRect(left, y, width - left, 16);
    each.points.forEach((point) => {
      const x = left + (point[0] - answer.start) / span * (width - left);
      context.fillStyle = colour(point[1]); context.fillRect(x, y, Math.max(1, answer.step / span * (width - left) + 0.6), 16);
    });
  });
  clockMarks(context, answer, left, width, tall);
}

function drawHeat(panel, body, series, answer) {
  const bounds = series.map((each) => ({ bound: each.legend === "+Inf" ? Infinity : Number(each.legend), points: new Map(each.points) })).filter((each) => Number.isFinite(each.bound)).sort((a, b) => a.bound - b.bound);
  const times = [...new Set(series.flatMap((each) => each.points.map((point) => point[0])))].sort((a, b) => a - b);
  const tall = height(panel), [context, width] = ownCanvas(panel, body, tall), left = 46, rows = bounds.length || 1, cell = (tall - 22) / rows;
  const counts = bounds.map((each, index) => times.map((time) => Math.max(0, (each.points.get(time) ?? 0) - (index ? bounds[index - 1].points.get(time) ?? 0 : 0))));
  const most = Math.max(1e-9, ...counts.flat()), span = answer.end - answer.start;
  bounds.forEach((each, row) => {
    const y = tall - 22 - (row + 1) * cell;
    context.fillStyle = css("--soft"); context.textAlign = "right"; context.textBaseline = "middle"; context.fillText(trimmed(each.bound), left - 6, y + cell / 2);
    times.forEach((time, column) => {
      const share = counts[row][column] / most;
      if (!share) return;
      context.fillStyle = css("--accent"); context.globalAlpha = 0.12 + 0.88 * Math.sqrt(share);
      context.fillRect(left + (time - answer.start) / span * (width - left), y, Math.max(1, answer.step / span * (width - left) + 0.5), cell - 1);
      context.globalAlpha = 1;
    });
  });
  clockMarks(context, answer, left, width, tall);
}

function clockMarks(context, answer, left, width, tall) {
  context.fillStyle = css("--soft"); context.textAlign = "center"; context.textBaseline = "alphabetic";
  const marks = width > 600 ? 5 : 3;
  for (let mark = 0; mark <= marks; mark += 1) {
    const time = answer.start + (answer.end - answer.start) * mark / marks, x = left + (width - left) * mark / marks;
    context.textAlign = mark === 0 ? "left" : mark === marks ? "right" : "center";
    context.fillText(new Date(time * 1000).toISOString().slice(11, 16), x, tall - 4);
  }
}

async function showAlerts() {
  let active = [];
  try { active = (await ask("/api/alerts")).alerts; } catch (error) {
    $("alerts").replaceChildren(make("span", { class: "badge critical", text: `Prometheus does not answer: ${error.message}` }));
    return;
  }
  const shown = active.filter((each) => each.severity !== "none");
  const badges = shown.map((each) => make("a", { class: `badge ${each.severity} ${each.state}`, href: `#runbook/${each.name}`, title: each.summary, text: `${each.state === "firing" ? "●" : "○"} ${each.name}` }));
  $("alerts").replaceChildren(...(badges.length ? badges : [make("span", { class: "badge quiet", text: "✓ no alert" })]));
  const firing = new Set(shown.filter((each) => each.state === "firing").map((each) => each.name));
  const board = boards.find((each) => each.name === current);
  for (const panel of board ? board.rows.flatMap((row) => row.panels) : []) {
    $(`panel-${panel.key}`)?.classList.toggle("firing", panel.alerts.some((alert) => firing.has(alert.name)));
  }
}

async function showChoices() {
  try {
    const found = await ask("/api/values");
    for (const name of ["job", "instance"]) {
      const kept = $(name).value;
      $(name).replaceChildren(make("option", { value: "", text: "all" }), ...found[name].map((value) => make("option", { value, text: value })));
      $(name).value = kept;
    }
  } catch { /* the alerts' badge already says that nobody answers */ }
}

async function showRunbook(rule) {
  const main = $("board");
  let text = "";
  try { text = (await ask("/api/runbook", { rule })).text; } catch (error) { text = `There is no runbook of ${rule}: ${error.message}`; }
  current = "";
  for (const link of $("boards").children) link.removeAttribute("aria-current");
  charts.forEach((chart) => chart.destroy()); charts.clear();
  const page = make("article", { class: "panel" });
  const pre = make("pre", { text }); pre.style.whiteSpace = "pre-wrap"; pre.style.font = "inherit";
  page.append(pre);
  main.replaceChildren(make("h2", { text: `Runbook: ${rule}` }), page);
}

function route() {
  const [name, detail] = decodeURIComponent(location.hash.slice(1)).split("/");
  if (name === "runbook" && detail) { showRunbook(detail); return; }
  showBoard(name);
  if (detail) $(`panel-${detail}`)?.scrollIntoView({ block: "center" });
  showAlerts();
}

function refresh() { [...seen].forEach(draw); showAlerts(); }
function schedule() { clearInterval(timer); if ($("live").checked) timer = setInterval(() => { if (!document.hidden) refresh(); }, 10000); }

async function begin() {
  const found = await ask("/api/boards");
  boards = found.boards;
  $("source").textContent = found.prometheus;
  $("boards").replaceChildren(...boards.map((board) => make("a", { href: `#${board.name}`, "data-board": board.name, text: board.title })));
  await showChoices();
  for (const id of ["range", "job", "instance"]) $(id).addEventListener("change", refresh);
  $("live").addEventListener("change", schedule);
  $("controls").addEventListener("submit", (event) => event.preventDefault());
  window.addEventListener("hashchange", route);
  let resizing = 0;
  window.addEventListener("resize", () => { clearTimeout(resizing); resizing = setTimeout(refresh, 200); });
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", refresh);
  route(); schedule();
}
begin().catch((error) => { $("board").replaceChildren(make("p", { class: "empty", text: `The page cannot begin: ${error.message}` })); });
