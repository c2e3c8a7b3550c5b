// The PnL line: an SVG path over all points of the session, with a zero line. No scales to read off, two ends to know.

const WIDTH = 600;
const HEIGHT = 170;
const MARGIN = 6;
const SVG = "http://www.w3.org/2000/svg";

export function drawChart(svg, points) {
  if (points.length < 2) {
    svg.replaceChildren();
    return null;
  }
  // Only the drawing is in floats; the figures beside it are the journal's own text.
  const values = points.map(([, text]) => Number(text));
  const low = Math.min(0, ...values);
  const high = Math.max(0, ...values);
  const span = high - low || 1;
  const begin = points[0][0];
  const duration = points[points.length - 1][0] - begin || 1;
  const x = (timeMs) => (((timeMs - begin) / duration) * WIDTH).toFixed(1);
  const y = (value) => (MARGIN + ((high - value) / span) * (HEIGHT - 2 * MARGIN)).toFixed(1);
  const line = points.map(([timeMs], i) => `${i ? "L" : "M"}${x(timeMs)} ${y(values[i])}`).join("");
  const zero = y(0);
  const last = values[values.length - 1];
  svg.setAttribute("class", last < 0 ? "bad" : "good");
  svg.replaceChildren(
    shape("path", { class: "area", d: `${line}L${WIDTH} ${zero}L0 ${zero}Z` }),
    shape("line", { class: "zero", x1: 0, x2: WIDTH, y1: zero, y2: zero }),
    shape("path", { class: "line", d: line }),
  );
  return { low: points[values.indexOf(Math.min(...values))][1], high: points[values.indexOf(Math.max(...values))][1] };
}

function shape(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}
