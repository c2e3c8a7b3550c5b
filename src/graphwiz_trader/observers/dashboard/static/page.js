// Shows what the observer says about the trader. A message is the whole state, so only the newest one matters:
// it is drawn at the next frame the browser paints, and what came in between is let go.

import { drawChart } from "./chart.js";
import { LiveTable, setText } from "./tables.js";

const SILENT_AFTER_MS = 2000;
const RETRY_MS = 1500;
const OBSERVER_SILENT_AFTER_MS = 4000;
const at = (id) => document.getElementById(id);

const tables = {
  books: new LiveTable(at("books"),
    ["Venue", "Symbol", "Trust", ">Bid size", ">Bid", ">Ask", ">Ask size", ">Spread bps", ">Age ms", ">Updates/s"], "no books yet"),
  positions: new LiveTable(at("positions"), ["Venue", "Symbol", ">Size", ">Average", ">Realised", ">Unrealised"], "no positions"),
  latency: new LiveTable(at("latency"), ["", ">p50", ">p90", ">p99", ">p99.9", ">Max"], "not measured yet"),
  strategies: new LiveTable(at("strategies"), ["Strategy", ">Trades", ">PnL", ">Wins"], "no strategies"),
  opportunities: new LiveTable(at("opportunities"),
    ["Time", "Symbol", "Buy on", ">at", "Sell on", ">at", ">Size", ">Net bps"], "none seen yet"),
  orders: new LiveTable(at("orders"),
    ["Time", "Venue", "Symbol", "Side", ">Price", ">Size", ">Filled", "State", "Id"], "none sent yet"),
  fills: new LiveTable(at("fills"),
    ["Time", "Venue", "Symbol", "Side", ">Price", ">Size", ">Fee", "Strategy"], "none yet"),
  events: new LiveTable(at("events"), ["Time", "What", "~Detail"], "nothing unusual"),
};

const TRUST_TONES = { live: "good", syncing: "warn", stale: "warn", crossed: "bad", broken: "bad" };
const ORDER_TONES = { filled: "good", unknown: "warn", rejected: "bad", open: "", sent: "" };
const side = (name) => ({ text: name, tone: name === "buy" ? "good" : "bad" });

// ---- text. Figures are cut or grouped as text; nothing is computed with them.

function clock(timeMs) {
  return new Date(timeMs).toLocaleTimeString([], { hour12: false });
}

function cut(text, decimals) {
  const dot = text.indexOf(".");
  return dot < 0 ? text : text.slice(0, dot + 1 + decimals);
}

function size(text) {
  return text?.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

function money(text) {
  if (text === null || text === undefined) return { text: "–", tone: "dim" };
  const tone = isZero(text) ? "" : text.startsWith("-") ? "bad" : "good";
  return { text: (tone === "good" ? "+" : "") + cut(text, 4), tone, title: text };
}

function duration(nanoseconds) {
  if (nanoseconds === null || nanoseconds === undefined) return "–";
  for (const [unit, size] of [["s", 1e9], ["ms", 1e6], ["µs", 1e3]]) {
    if (nanoseconds >= size) {
      const value = nanoseconds / size;
      return `${value >= 100 ? value.toFixed(0) : value.toFixed(1)} ${unit}`;
    }
  }
  return `${nanoseconds} ns`;
}

function elapsed(fromMs, toMs) {
  const seconds = Math.max(0, Math.floor((toMs - fromMs) / 1000));
  const two = (number) => String(number).padStart(2, "0");
  return `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}

const isZero = (text) => !/[1-9]/.test(text);
const count = (number) => number.toLocaleString("en");

// ---- drawing

function draw(message) {
  const { state } = message;
  drawFigures(state);
  tables.books.show(state.books.map((book) => [
    book.exchange, book.symbol, { text: book.trust, tone: TRUST_TONES[book.trust] ?? "", title: book.reason },
    { text: size(book.bid_size), tone: "dim" }, { text: book.bid, tone: "good" },
    { text: book.ask, tone: "bad" }, { text: size(book.ask_size), tone: "dim" },
    book.spread_bps?.toFixed(3), book.age_ms?.toFixed(0), book.updates_per_s.toFixed(0),
  ]));
  setText(at("venues"), state.venues.map(venueText).join(" · "));
  at("venues").title = state.venues.flatMap((venue) => venue.lines.map((line) => lineText(venue, line))).join("\n");
  tables.positions.show(state.positions.map(({ exchange, symbol, position }) => [
    exchange, symbol, position.size, isZero(position.size) || position.average_price === null ? null : cut(position.average_price, 4),
    money(position.realised), money(position.unrealised),
  ]));
  drawLatency(state.latency, state.mode);
  tables.strategies.show(state.strategies.map((strategy) => [
    { text: strategy.name, tone: strategy.active ? "name" : "dim name", title: strategy.name }, count(strategy.trades), money(strategy.pnl),
    strategy.trades ? `${(100 * strategy.win_rate).toFixed(0)} %` : null,
  ]));
  drawEvents(state);
  const ends = drawChart(at("chart"), state.pnl_history);
  setText(at("chart-low"), ends ? `low ${cut(ends.low, 4)}` : "");
  setText(at("chart-high"), ends ? `high ${cut(ends.high, 4)}` : "");
}

function venueText(venue) {
  const up = venue.lines.filter((line) => line.up && line.role === "market").length;
  const clock = venue.clock_offset_ms === null ? ""
    : `, clock ${venue.clock_offset_ms < 0 ? "−" : "+"}${Math.abs(venue.clock_offset_ms).toFixed(1)} ± ${venue.clock_error_ms.toFixed(1)} ms`;
  return `${venue.exchange} ${venue.live}/${venue.books} live, ${venue.frames_per_s.toFixed(0)} frames/s over ${up} ${up === 1 ? "line" : "lines"}${clock}`;
}

function lineText(venue, line) {
  const first = line.role === "market" ? `, ${count(line.news)} times the first` : "";
  return `${venue.exchange} ${line.role} line ${line.line}: ${line.up ? "up" : "down"} (${line.reason || "not yet"}), ${count(line.frames)} frames${first}, ${count(line.breaks)} breaks`;
}

function drawFigures(state) {
  for (const part of ["net", "realised", "unrealised"]) {
    const { text, tone, title } = money(state.pnl[part]);
    const element = at(`pnl-${part}`);
    setText(element, text);
    element.classList.remove("good", "bad", "dim");
    if (tone) element.classList.add(tone);
    element.title = title ?? "";
  }
  setText(at("pnl-fees"), cut(state.pnl.fees, 4));
  setText(at("exposure"), `${cut(state.risk.exposure, 0).replace(".", "")} of ${cut(state.risk.max_exposure, 0).replace(".", "")}`);
  const limit = Number(state.risk.max_exposure);
  at("exposure-meter").value = limit > 0 ? Number(state.risk.exposure) / limit : 0;
  const breaker = at("breaker");
  const tripped = state.risk.state !== "ok";
  setText(breaker, tripped ? `${state.risk.state} ${state.risk.reason}` : "ok");
  breaker.className = tripped ? "bad" : "good";
  breaker.title = state.risk.reason;
  setText(at("open-orders"), count(state.open_orders));
  setText(at("frames"), `${count(Math.round(state.rates.frames))} /s`);
  at("frames").title = `${count(state.counts.frames)} so far, ${count(state.counts.refused)} refused`;
}

function drawLatency(latency, mode) {
  const answer = mode === "paper" ? "simulated answer" : "order → answer";
  const rows = [["frame → done", latency.processing_ns], ["frame → order", latency.order_ns], [answer, latency.round_trip_ns]];
  tables.latency.show(rows.map(([name, spread]) => [
    { text: name, title: `${count(spread.count)} measured` },
    ...["p50", "p90", "p99", "p999", "max"].map((key) => duration(spread[key])),
  ]));
}

function drawEvents(state) {
  tables.opportunities.show(state.opportunities.map((seen) => [
    clock(seen.time_ms), seen.symbol, seen.buy, seen.buy_price, seen.sell, seen.sell_price, seen.size, seen.net_bps.toFixed(2),
  ]));
  tables.orders.show(state.orders.map((order) => [
    clock(order.time_ms), order.exchange, order.symbol, { ...side(order.side), title: order.kind }, order.price, size(order.size), size(order.filled),
    { text: order.state, tone: ORDER_TONES[order.state] ?? "dim", title: order.reason },
    { text: `…${order.client_id.slice(-5)}`, tone: "dim", title: `${order.client_id}, ${order.strategy}` },
  ]));
  tables.fills.show(state.fills.map((fill) => [
    clock(fill.time_ms), fill.exchange, fill.symbol, side(fill.side), fill.price, size(fill.size),
    `${cut(fill.fee, 6)} ${fill.fee_asset}`, { text: fill.strategy, tone: "dim name", title: `${fill.strategy}, order ${fill.client_id}` },
  ]));
  const events = [
    ...state.risk_events.map((event) => [event.time_ms, { text: `${event.event} ${event.reason}`,
      tone: event.event === "refused" ? "" : "bad" }, event.detail]),
    ...state.notices.map((notice) => [notice.time_ms, { text: notice.kind, tone: "warn" },
      notice.count > 1 ? `${notice.what} (${count(notice.count)} times)` : notice.what]),
  ].sort((one, other) => other[0] - one[0]);
  tables.events.show(events.map(([timeMs, ...cells]) => [clock(timeMs), ...cells]));
  setText(at("opportunities-count"), count(state.counts.opportunities));
  setText(at("orders-count"), count(state.counts.orders));
  setText(at("fills-count"), count(state.counts.fills));
  setText(at("refusals-count"), state.counts.refusals ? `${count(state.counts.refusals)} refusals` : "");
}

// ---- whether what is shown is the present

function drawStatus(message) {
  const { state, silent_ms: silentMs, writer } = message;
  setText(at("session"), state.session);
  setText(at("uptime"), state.records ? elapsed(state.started_ms, state.time_ms) : "");
  at("mode").hidden = !state.mode;
  setText(at("mode"), state.mode);
  if (state.records === 0) return status("waiting", "waiting for the trader", "No journal yet: the trader has not started.", "warn");
  if (state.ended) return status("ended", "session ended", `The session has ended: ${state.end_reason || "no reason given"}. These are its last figures.`, "warn");
  if (message.problem) return status("gone", "journal damaged", `The journal cannot be read any further: ${message.problem}`);
  if (writer === "gone") return status("gone", "trader gone", "The trader is gone without closing its journal. These are its last figures; orders may still be open at the exchange.");
  if (silentMs > SILENT_AFTER_MS) return status("gone", "trader silent", `The trader has written nothing for ${Math.round(silentMs / 1000)} s. These are its last figures.`);
  return status("running", "running", "");
}

function status(state, text, banner, tone = "bad") {
  const element = at("status");
  element.dataset.state = state;
  setText(element, text);
  at("banner").hidden = !banner;
  at("banner").dataset.tone = tone;
  setText(at("banner"), banner);
  document.body.toggleAttribute("data-stale", state === "gone");
}

// ---- the connection

let newest = null;
let painting = false;
let heardAt = 0;

function paint() {
  painting = false;
  if (newest === null) return;
  const message = newest;
  newest = null;
  draw(message);
  drawStatus(message);
}

function connect() {
  const socket = new WebSocket(`ws://${location.host}/live`);
  socket.addEventListener("message", (event) => {
    heardAt = performance.now();
    newest = JSON.parse(event.data);
    if (!painting) {
      painting = true;
      requestAnimationFrame(paint);
    }
  });
  socket.addEventListener("close", () => {
    status("gone", "no connection", "No connection to the observer. Trading does not depend on it; this page tries again by itself.");
    setTimeout(connect, RETRY_MS);
  });
}

setInterval(() => {
  if (heardAt && performance.now() - heardAt > OBSERVER_SILENT_AFTER_MS) {
    status("gone", "observer silent", "The observer has stopped sending. What is shown is old.");
  }
}, 1000);

connect();
